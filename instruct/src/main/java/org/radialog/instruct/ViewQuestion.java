package org.radialog.instruct;

import java.util.Optional;

/** From which side the film was taken; not asked where the data set does not say. */
final class ViewQuestion implements DialogTask {
  @Override
  public String name() {
    return "view";
  }

  @Override
  public boolean ofReport() {
    return false;
  }

  @Override
  public Optional<Request> ask(Case about, Asking how) {
    String view =
        switch (about.view()) {
          case PA -> "a PA";
          case AP -> "an AP";
          case LATERAL -> "a lateral";
          case UNKNOWN -> "";
        };
    return view.isEmpty()
        ? Optional.empty()
        : Optional.of(
            Request.of(how.prompt(name()), how.prompt("view.answer").replace("<view>", view)));
  }
}
