package org.radialog.instruct;

import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;

/** All findings, as a list. */
final class FindingEnumeration implements DialogTask {
  @Override
  public String name() {
    return "findings";
  }

  @Override
  public boolean ofReport() {
    return false;
  }

  @Override
  public Optional<Request> ask(Case about, Asking how) {
    boolean film = !how.afterReport() && how.prompts().containsKey("findings.film");
    String prompt = how.prompt(film ? "findings.film" : name());
    if (!how.switches().sentences()) {
      String labels =
          about.in(FindingState.PRESENT).stream()
              .map(DialogTask::lowerCase)
              .collect(Collectors.joining(", "));
      return Optional.of(Request.of(prompt, labels));
    }
    Set<Finding> present = about.present();
    Set<Finding> uncertain = how.uncertain(about);
    if (present.isEmpty() && uncertain.isEmpty()) {
      return Optional.of(
          Request.of(prompt, "There are no findings of the heart, lungs or pleura."));
    }
    return Optional.of(
        Request.of(
            prompt,
            (present.size() + uncertain.size() == 1 ? "The one finding is: " : "The findings are: ")
                + DialogTask.named(present, uncertain)
                + "."));
  }
}
