package org.radialog.instruct;

import java.util.Optional;

/** The impression of a report. */
final class ImpressionWriting implements DialogTask {
  @Override
  public String name() {
    return "impression";
  }

  @Override
  public boolean ofReport() {
    return true;
  }

  @Override
  public Optional<Request> ask(Case about, Asking how) {
    return about.impression().isEmpty() || about.report().isEmpty()
        ? Optional.empty()
        : Optional.of(Request.of(how.prompt(name()), about.impression()));
  }
}
