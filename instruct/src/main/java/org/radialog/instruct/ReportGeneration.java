package org.radialog.instruct;

import java.util.Optional;

/** The findings section of a report. */
final class ReportGeneration implements DialogTask {
  static final String NAME = "report";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public boolean ofReport() {
    return false;
  }

  @Override
  public Optional<Request> ask(Case about, Asking how) {
    return about.report().isEmpty()
        ? Optional.empty()
        : Optional.of(Request.of(how.prompt(NAME), about.report()));
  }
}
