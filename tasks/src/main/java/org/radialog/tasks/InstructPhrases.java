package org.radialog.tasks;

import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.radialog.clinical.Finding;
import org.radialog.instruct.ReportGrammar;

/** The wording of users' requests in the instruction tasks, written by us. */
final class InstructPhrases {
  static final List<String> REPORT =
      List.of(
          "Write the report.",
          "Write a report of this chest radiograph.",
          "Describe this chest radiograph.",
          "What does the film show? Write the findings.",
          "Please write the findings of this film.",
          "Report this film.",
          "The report, please.",
          "Generate a radiology report for this image.");

  /** {@code %s} is a finding with its article. */
  static final List<String> BINARY =
      List.of(
          "Is there %s?",
          "Do you see %s?",
          "Does the film show %s?",
          "Does the patient have %s?",
          "Can you see %s on this radiograph?");

  static final List<String> NORMAL =
      List.of("Is this film normal?", "Is the radiograph normal?", "Is everything normal?");

  static final List<String> LIST =
      List.of(
          "Which findings are present?",
          "List all findings.",
          "What are the findings?",
          "What do you see?",
          "What is abnormal on this film?");

  static final List<String> LIST_OF_REPORT =
      List.of(
          "Which findings are present?",
          "List all findings.",
          "List all the findings in this report.",
          "What are the positive findings of the report?");

  static final List<String> VIEW =
      List.of(
          "Which view is this?",
          "What is the view?",
          "What view is it?",
          "How was this film taken?",
          "Is this image PA or AP?",
          "From what view was this image taken?",
          "What is the projection of this film?",
          "Is this a PA or an AP film?",
          "Is it AP or PA?");

  static final List<String> IMPRESSION =
      List.of(
          "Write the impression.",
          "What is your impression?",
          "Give me the impression.",
          "Please write the impression section.",
          "Impression?");

  static final List<String> SUMMARY =
      List.of(
          "Summarise in one sentence.",
          "Summarize the report in one sentence.",
          "Give a short summary.",
          "Can you summarise the findings?",
          "Sum up the film in one sentence.");

  private static final List<String> ADD =
      List.of(
          "There is also %s. Please correct the report.",
          "You missed %s. Please update the report.",
          "The patient also has %s. Correct the report.",
          "Add %s to the report.",
          "Please include %s.");

  private static final List<String> REMOVE =
      List.of(
          "There is no %s. Please correct the report.",
          "I do not see %s. Please update the report.",
          "The patient does not have %s. Correct the report.",
          "Remove %s from the report.",
          "Please take out %s.");

  private static final List<String> BOTH =
      List.of(
          "There is %s but no %s. Please correct the report.",
          "Add %s and remove %s.",
          "Please include %s and take out %s.",
          "The patient has %s and does not have %s. Correct the report.");

  /** Lay terms for a finding. */
  static final Map<Finding, List<String>> LAY = new EnumMap<>(Finding.class);

  static {
    LAY.put(Finding.CARDIOMEGALY, List.of("Is the heart enlarged?", "Is the heart too big?"));
    LAY.put(Finding.LUNG_OPACITY, List.of("Is there an infiltrate?", "Are there opacities?"));
    LAY.put(Finding.LUNG_LESION, List.of("Is there a nodule or mass?", "Do you see a nodule?"));
    LAY.put(Finding.EDEMA, List.of("Is there edema?", "Is there fluid in the lungs?"));
    LAY.put(Finding.CONSOLIDATION, List.of("Is the lung consolidated?"));
    LAY.put(Finding.PNEUMONIA, List.of("Does it look like pneumonia?"));
    LAY.put(Finding.ATELECTASIS, List.of("Is part of the lung collapsed?"));
    LAY.put(Finding.PNEUMOTHORAX, List.of("Is there air in the pleural space?"));
    LAY.put(Finding.PLEURAL_EFFUSION, List.of("Is there an effusion?", "Is there pleural fluid?"));
    LAY.put(Finding.PLEURAL_OTHER, List.of("Is the pleura thickened?"));
  }

  /** A question that no label can answer. */
  record Unanswerable(String question, String answer) {}

  static final List<Unanswerable> NOT_ASSESSED =
      List.of(
          new Unanswerable("On which side is it?", "I cannot say: the side was not assessed."),
          new Unanswerable("Is it left or right?", "I cannot say: the side was not assessed."),
          new Unanswerable("Where exactly is it?", "I cannot say: the place was not assessed."),
          new Unanswerable("How large is it?", "I cannot say: the size was not assessed."),
          new Unanswerable("How severe is it?", "I cannot say: the severity was not assessed."),
          new Unanswerable("Is there a fracture?", "I cannot say: fractures were not assessed."),
          new Unanswerable("Is there any Fracture?", "I cannot say: fractures were not assessed."),
          new Unanswerable("Are the bones intact?", "I cannot say: the bones were not assessed."),
          new Unanswerable(
              "Are there any tubes or lines?", "I cannot say: devices were not assessed."),
          new Unanswerable(
              "Is there any Support Devices?", "I cannot say: devices were not assessed."),
          new Unanswerable(
              "Does the patient have a pacemaker?", "I cannot say: devices were not assessed."),
          new Unanswerable(
              "Is the mediastinum widened?", "I cannot say: the mediastinum was not assessed."),
          new Unanswerable(
              "Is there any Enlarged Cardiomediastinum?",
              "I cannot say: the mediastinum was not assessed."),
          new Unanswerable(
              "Has it changed since the last film?",
              "I cannot say: there is no earlier film to compare with."),
          new Unanswerable(
              "Is it worse than before?",
              "I cannot say: there is no earlier film to compare with."),
          new Unanswerable("How old is the patient?", "I cannot say: the age is not known."));

  private InstructPhrases() {}

  /** A finding as named in a question, with its article if it has one. */
  static String asked(Finding finding, SplittableRandom random) {
    return switch (random.nextInt(4)) {
      case 0 -> "any " + ReportGrammar.name(finding);
      case 1 -> "evidence of " + ReportGrammar.name(finding);
      default -> ReportGrammar.withArticle(finding);
    };
  }

  static String correction(
      Collection<Finding> add, Collection<Finding> remove, SplittableRandom random) {
    if (remove.isEmpty()) {
      return pick(ADD, random).formatted(ReportGrammar.listWithArticles(add));
    }
    if (add.isEmpty()) {
      return pick(REMOVE, random).formatted(ReportGrammar.list(remove, "or"));
    }
    return pick(BOTH, random)
        .formatted(ReportGrammar.listWithArticles(add), ReportGrammar.list(remove, "or"));
  }

  private static String pick(List<String> options, SplittableRandom random) {
    return options.get(random.nextInt(options.size()));
  }
}
