package org.radialog.eval;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.radialog.base.BoundedWork;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.Labels;
import org.radialog.clinical.PublishedPrompts;
import org.radialog.clinical.ReportLabeler;
import org.radialog.dialog.Correction;
import org.radialog.dialog.Decoding;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.Findings;
import org.radialog.dialog.FindingsEdit;
import org.radialog.dialog.Guidance;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Report;
import org.radialog.dialog.Study;
import org.radialog.imaging.Radiograph;
import org.radialog.published.ModelConfig;

/**
 * The protocols of the paper (docs/specification.md). Each image has a separate dialog: first the
 * report; then, each directly after the report, the impression, the list of findings and fourteen
 * yes-or-no questions; finally the correction of errors in the report. The answers are written to a
 * {@link PredictionLog}, from which scores are computed without the model.
 */
public final class PaperProtocol {
  /** Name of the correction turn in {@link Prediction#answers}. */
  public static final String CORRECTED = "correction";

  /** Name of the turn for the list of findings in {@link Prediction#answers}. */
  public static final String LIST = "list";

  /** Name of the view question in {@link Prediction#answers}. */
  public static final String VIEW = "view";

  /** Name of the impression turn in {@link Prediction#answers}. */
  public static final String IMPRESSION = "impression";

  // Maximum answer lengths in tokens, as in the original.
  // The model itself is measured, without guidance.
  private static Decoding free(int longest) {
    return Decoding.greedy(longest).with(Guidance.Wanted.OFF);
  }

  private static final Decoding REPORT_LENGTH = free(300);
  private static final Decoding CORRECTION_LENGTH = free(300);
  private static final Decoding LIST_LENGTH = free(60);
  private static final Decoding BINARY_LENGTH = free(10);

  /** Number of simultaneous dialogs, whose decode steps are batched by the engine. */
  static final int DIALOGS = 4;

  private PaperProtocol() {}

  /** Name of the yes-or-no question about a finding in {@link Prediction#answers}. */
  public static String binary(Finding finding) {
    return "is there " + finding.label();
  }

  /**
   * Processes every sample that is not yet in the log.
   *
   * @param hidden whether the prompts contain no findings
   * @param labeler labels the model's report for the correction
   * @param failed receives one line for each failed sample; the other samples are still processed
   * @return the number of failed samples
   * @throws RadialogException if a prediction cannot be written, which ends the run
   */
  public static int run(
      RaDialog model,
      boolean hidden,
      List<Sample> samples,
      Set<Task> tasks,
      ReportLabeler labeler,
      PredictionLog log,
      Progress progress,
      Consumer<String> failed) {
    return run(
        samples, sample -> predict(model, hidden, sample, tasks, labeler), log, progress, failed);
  }

  /** The result for a sample. */
  private sealed interface Answered {
    record Done(Prediction prediction) implements Answered {}

    record Failed(String line) implements Answered {}

    static Answered of(Sample sample, Function<Sample, Prediction> asked) {
      try {
        return new Done(asked.apply(sample));
      } catch (RadialogException e) {
        return new Failed(sample.id() + ": " + e.getMessage());
      }
    }
  }

  static int run(
      List<Sample> samples,
      Function<Sample, Prediction> asked,
      PredictionLog log,
      Progress progress,
      Consumer<String> failed) {
    List<Sample> open = samples.stream().filter(sample -> !log.has(sample.id())).toList();
    int[] failures = {0};
    try (Progress.Task task = progress.start("predictions", open.size())) {
      BoundedWork.run(
          "the protocol; the same command resumes it",
          open,
          DIALOGS,
          sample -> Answered.of(sample, asked),
          (i, answered) -> {
            switch (answered) {
              case Answered.Done(Prediction prediction) -> log.append(prediction);
              case Answered.Failed(String line) -> {
                failures[0]++;
                failed.accept(line);
              }
            }
            task.step("");
          });
    }
    return failures[0];
  }

  private static Prediction predict(
      RaDialog model, boolean hidden, Sample sample, Set<Task> tasks, ReportLabeler labeler) {
    Study study = Study.of(Radiograph.read(sample.image().orElseThrow())).ofAnyView();
    SequencedMap<String, String> answers = new LinkedHashMap<>();
    Map<Finding, Double> probabilities = new EnumMap<>(Finding.class);
    Optional<String> written = Optional.empty();
    try (Dialog dialog = model.open(study)) {
      for (Findings.Assessment a : dialog.findings().all()) {
        a.probability().ifPresent(p -> probabilities.put(a.finding(), p));
      }
      if (hidden) {
        dialog.edit(new FindingsEdit.Hidden());
      }
      if (tasks.contains(Task.IMPRESSION) && !sample.references().isEmpty()) {
        dialog.adopt(sample.references().getFirst());
        answers.put(IMPRESSION, dialog.impression(REPORT_LENGTH, text -> {}).text());
      }
      if (needReport(tasks)) {
        Report report = dialog.report(REPORT_LENGTH, text -> {});
        written = Optional.of(report.text());
        if (tasks.contains(Task.LIST_QA)) {
          answers.put(LIST, once(dialog, PublishedPrompts.LIST_QUESTION, LIST_LENGTH));
        }
        if (tasks.contains(Task.BINARY_QA)) {
          for (Finding finding : Finding.ALL) {
            answers.put(
                binary(finding),
                once(dialog, PublishedPrompts.binaryQuestion(finding), BINARY_LENGTH));
          }
        }
        if (tasks.contains(Task.CORRECTION)) {
          answers.put(CORRECTED, corrected(dialog, report, sample, labeler));
        }
      }
    }
    if (tasks.contains(Task.VIEW_QA)) {
      try (Dialog dialog = model.open(study)) {
        dialog.edit(new FindingsEdit.Hidden());
        answers.put(VIEW, once(dialog, PublishedPrompts.VIEW_QUESTION, LIST_LENGTH));
      }
    }
    return new Prediction(sample, probabilities, written, answers);
  }

  /**
   * Checks that a model writes the sections that the tasks need.
   *
   * @throws RadialogException if it does not write one of them
   */
  static void requireSections(ModelConfig model, Set<Task> tasks) {
    if (needReport(tasks)) {
      model.requireSection(ModelConfig.Section.FINDINGS);
    }
    if (tasks.contains(Task.IMPRESSION)) {
      model.requireSection(ModelConfig.Section.IMPRESSION);
    }
  }

  private static boolean needReport(Set<Task> tasks) {
    return EnumSet.of(Task.GENERATION, Task.CORRECTION, Task.BINARY_QA, Task.LIST_QA).stream()
        .anyMatch(tasks::contains);
  }

  // Asks a question directly after the report, without the other questions in the context.
  private static String once(Dialog dialog, String question, Decoding how) {
    String answer = dialog.ask(question, how, text -> {}).text();
    dialog.takeBack();
    return answer;
  }

  // An oracle: the errors are known from the ground truth. A report without errors is kept.
  private static String corrected(
      Dialog dialog, Report report, Sample sample, ReportLabeler labeler) {
    Labels said = labeler.label(report.text());
    Set<Finding> missing = EnumSet.noneOf(Finding.class);
    Set<Finding> wrong = EnumSet.noneOf(Finding.class);
    sample
        .truth()
        .forEach((finding, state) -> {
          boolean there = state == FindingState.PRESENT;
          boolean stated = said.state(finding) == FindingState.PRESENT;
          if (finding != Finding.NO_FINDING && there != stated) {
            (there ? missing : wrong).add(finding);
          }
        });
    return missing.isEmpty() && wrong.isEmpty()
        ? report.text()
        : dialog
            .correct(new Correction(missing, wrong, Set.of()), CORRECTION_LENGTH, text -> {})
            .text();
  }

  /** Whether an answer says yes (docs/specification.md, evaluation protocol 3). */
  public static boolean yes(String answer) {
    return answer.toLowerCase(Locale.ROOT).contains("yes");
  }

  /**
   * The findings whose names occur in the answer, ignoring case (docs/specification.md, evaluation
   * protocol 4).
   */
  public static Set<Finding> listed(String answer) {
    String text = answer.toLowerCase(Locale.ROOT);
    Set<Finding> found = EnumSet.noneOf(Finding.class);
    for (Finding finding : Finding.ALL) {
      if (text.contains(finding.label().toLowerCase(Locale.ROOT))) {
        found.add(finding);
      }
    }
    return found;
  }
}
