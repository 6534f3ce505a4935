package org.radialog.instruct;

import java.util.Optional;
import java.util.Set;
import org.radialog.clinical.Finding;

/** A summary of the report, in one or two sentences or as a list. */
final class ShortSummary implements DialogTask {
  @Override
  public String name() {
    return "summary";
  }

  @Override
  public boolean ofReport() {
    return true;
  }

  @Override
  public Optional<Request> ask(Case about, Asking how) {
    if (about.report().isEmpty()) {
      return Optional.empty();
    }
    boolean list = how.random().nextInt(3) == 0 && how.prompts().containsKey("summary.list");
    String prompt = how.prompt(list ? "summary.list" : name());
    if (!about.synthetic()) {
      return Optional.of(Request.of(prompt, DialogTask.ofReport(about, prompt)));
    }
    return Optional.of(
        Request.of(
            prompt,
            list
                ? list(about)
                : ReportGrammar.summary(about.present(), about.view(), how.random().nextLong())));
  }

  private static String list(Case about) {
    Set<Finding> present = ReportGrammar.stated(about.present());
    var lines = new StringBuilder();
    if (present.isEmpty()) {
      lines.append("- No abnormality of the heart, lungs or pleura\n");
    }
    for (Finding finding : present) {
      lines
          .append("- ")
          .append(ReportGrammar.sentenceCase(ReportGrammar.name(finding)))
          .append(about.place(finding).map(place -> " " + place.words()).orElse(""))
          .append('\n');
    }
    if (!present.isEmpty() && !present.contains(Finding.CARDIOMEGALY)) {
      lines.append("- Heart not enlarged\n");
    }
    return lines.toString().strip();
  }
}
