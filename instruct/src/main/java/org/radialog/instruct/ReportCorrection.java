package org.radialog.instruct;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.FindingWords;
import org.radialog.clinical.Labels;
import org.radialog.clinical.RuleLabeler;

/**
 * A wrong report, what is wrong with it, and the right one.
 *
 * <p>The wrong report is made from the right one, so that the answer is a text that stands: of a
 * synthetic report by writing another list of findings in the same words, of any other by leaving
 * out the sentences that state a finding, or by a sentence more for one that is not there. Where
 * that would change what the report says of anything else, there is no correction.
 *
 * <p>Where the case has a report that a model wrote, its errors are corrected as in the original: a
 * language model rewrites it, and where nothing is wrong there is no correction.
 */
final class ReportCorrection implements DialogTask {
  private static final RuleLabeler LABELER = new RuleLabeler();

  @Override
  public String name() {
    return "correction";
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
    if (about.predicted().isPresent()) {
      WrongReport predicted = predicted(about, about.predicted().get());
      return predicted.missing().isEmpty() && predicted.added().isEmpty()
          ? Optional.empty()
          : Optional.of(Request.of(text(predicted, how), rewriting(predicted)).after(predicted));
    }
    Optional<WrongReport> wrong =
        about.synthetic() ? rewritten(about, how.random()) : cut(about, how);
    return wrong.map(w -> Request.of(text(w, how), about.report()).after(w));
  }

  private static String text(WrongReport wrong, Asking how) {
    String add =
        how.switches().sentences()
            ? ReportGrammar.listWithArticles(wrong.missing())
            : DialogTask.labels(wrong.missing());
    String remove =
        how.switches().sentences()
            ? ReportGrammar.list(wrong.added(), "or")
            : DialogTask.labels(wrong.added());
    String kind = wrong.added().isEmpty() ? "add" : wrong.missing().isEmpty() ? "remove" : "both";
    return how.prompt("correction." + kind).replace("<add>", add).replace("<rem>", remove);
  }

  private static WrongReport predicted(Case about, String report) {
    var stated = EnumSet.noneOf(Finding.class);
    stated.addAll(LABELER.label(report).present());
    stated.remove(Finding.NO_FINDING);
    var missing = EnumSet.noneOf(Finding.class);
    missing.addAll(about.present());
    missing.removeAll(stated);
    stated.removeAll(about.present());
    stated.removeAll(about.uncertain());
    return new WrongReport(report, missing, stated);
  }

  // The conversation in which the original had the report rewritten, in its words.
  private static Reply.Sought rewriting(WrongReport wrong) {
    var clear = new StringBuilder("Please provide an adapted report.");
    if (!wrong.added().isEmpty()) {
      clear.append(" Do not mention ").append(DialogTask.labels(wrong.added())).append('.');
    }
    if (!wrong.missing().isEmpty()) {
      clear.append(" Mention ").append(DialogTask.labels(wrong.missing())).append('.');
    }
    return new Reply.Sought(
        List.of(
            "Please write a radiology report for the given x-ray.",
            wrong.text(),
            clear.toString()));
  }

  private static Optional<WrongReport> rewritten(Case about, SplittableRandom random) {
    var right = EnumSet.noneOf(Finding.class);
    right.addAll(ReportGrammar.stated(about.present()));
    var missing = EnumSet.noneOf(Finding.class);
    var added = EnumSet.noneOf(Finding.class);
    int kind = random.nextInt(3);
    if (kind != 0 && !right.isEmpty()) {
      missing.add(one(right, random));
    }
    if (kind != 1 || right.isEmpty()) {
      // What the right report denies: else the user would deny more than is known.
      added.add(one(ReportGrammar.denied(right), random));
    }
    var wrong = EnumSet.copyOf(right);
    wrong.removeAll(missing);
    wrong.addAll(added);
    String report = Case.write(wrong, about.view(), about.words(), about.places());
    return Optional.of(new WrongReport(report, missing, added));
  }

  private static Optional<WrongReport> cut(Case about, Asking how) {
    Labels labels = LABELER.label(about.report());
    int kind = how.random().nextInt(3);
    String report = about.report();
    var missing = EnumSet.noneOf(Finding.class);
    var added = EnumSet.noneOf(Finding.class);
    Set<Finding> stated = DialogTask.among(about, FindingState.PRESENT, labels.present());
    stated.remove(Finding.NO_FINDING);
    if (kind != 0 && !stated.isEmpty()) {
      Finding left = how.pick(stated);
      report = without(report, labels.entry(left).passages());
      missing.add(left);
    }
    if (kind != 1) {
      Set<Finding> silent = EnumSet.copyOf(Finding.NIH_MAPPED);
      silent.retainAll(about.absent());
      silent.retainAll(labels.in(FindingState.NOT_MENTIONED));
      if (!silent.isEmpty()) {
        Finding more = how.pick(silent);
        report = (report + " " + FindingWords.present(more)).strip();
        added.add(more);
      }
    }
    boolean wrong = !missing.isEmpty() || !added.isEmpty();
    return wrong && !report.isBlank() && differsOnlyIn(report, labels, missing, added)
        ? Optional.of(new WrongReport(report, missing, added))
        : Optional.empty();
  }

  private static boolean differsOnlyIn(
      String report, Labels before, Set<Finding> missing, Set<Finding> added) {
    Labels after = LABELER.label(report);
    for (Finding finding : Finding.ALL) {
      FindingState now = after.state(finding);
      boolean fits =
          finding == Finding.NO_FINDING
              || (missing.contains(finding)
                  ? now != FindingState.PRESENT
                  : added.contains(finding)
                      ? now == FindingState.PRESENT
                      : now == before.state(finding));
      if (!fits) {
        return false;
      }
    }
    return true;
  }

  /** A text without the sentences of some passages. */
  static String without(String text, List<Labels.Passage> passages) {
    var left = new StringBuilder(text);
    List<Labels.Span> sentences =
        passages.stream()
            .map(Labels.Passage::sentence)
            .distinct()
            .sorted((a, b) -> Integer.compare(b.start(), a.start()))
            .toList();
    for (Labels.Span sentence : sentences) {
      left.replace(sentence.start(), Math.min(sentence.end(), left.length()), " ");
    }
    return sentences.isEmpty()
        ? text
        // What stood around them: marks by themselves, and numbers of a list without their item.
        : left.toString()
            .replaceAll("(?:\\s+[.;,])+(?=\\s|$)|\\s+", " ")
            .replaceAll("(?<=^|\\s)\\d{1,2}\\.(?=\\s+\\d{1,2}\\.\\s|\\s*$)", "")
            .replaceAll("\\s+", " ")
            .strip();
  }

  private static Finding one(Set<Finding> of, SplittableRandom random) {
    return new ArrayList<>(of).get(random.nextInt(of.size()));
  }
}
