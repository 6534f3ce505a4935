package org.radialog.tasks;

import java.util.EnumSet;
import java.util.Optional;
import org.radialog.clinical.Finding;
import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Task;

/** Asks for the reason: what names the finding, its usual sign, and what would speak against it. */
final class WhyTask implements InstructTask {
  @Override
  public void ask(Talk talk) {
    if (talk.random().nextInt(2) == 0) {
      Finding finding = talk.anyFinding();
      talk.sayOf(
          finding,
          Task.WHY,
          Phrases.any("why of", finding, talk.random()),
          () -> answer(talk, finding));
      return;
    }
    String request = Phrases.any("why", talk.random());
    Optional<Finding> meant = talk.last().or(() -> first(talk));
    if (meant.isPresent()) {
      Finding finding = meant.get();
      talk.sayOf(finding, Task.WHY, request, () -> answer(talk, finding));
    } else {
      talk.sayOfFindings(Task.WHY, request, () -> "The list of findings names no abnormality.");
    }
  }

  private static Optional<Finding> first(Talk talk) {
    var there = EnumSet.noneOf(Finding.class);
    there.addAll(
        talk.stated().present().isEmpty() ? talk.stated().uncertain() : talk.stated().present());
    return there.stream().findFirst();
  }

  private static String answer(Talk talk, Finding finding) {
    String one = ReportGrammar.withArticle(finding);
    return switch (talk.state(finding)) {
      case PRESENT -> "The list of findings names " + one + ". " + sign(finding);
      case UNCERTAIN ->
          "The list of findings says that " + one + " cannot be excluded. " + sign(finding);
      case ABSENT ->
          "The list of findings says that there is no "
              + ReportGrammar.name(finding)
              + ": its probability is too low.";
      case NOT_MENTIONED -> talk.open(finding);
    };
  }

  /** The usual sign of a finding and what would speak against it, which is true of any film. */
  private static String sign(Finding finding) {
    return switch (finding) {
      case CARDIOMEGALY ->
          "Its sign is a heart wider than half of the chest; a narrower heart would speak against"
              + " it.";
      case LUNG_OPACITY ->
          "Its sign is an area whiter than the lung around it; an even lung would speak against"
              + " it.";
      case LUNG_LESION ->
          "Its sign is a round spot with an edge; a vessel seen end-on would speak against it.";
      case EDEMA ->
          "Its sign is blurred vessels on both sides; sharp vessels would speak against it.";
      case CONSOLIDATION ->
          "Its sign is a white area that hides the vessels; visible vessels would speak against"
              + " it.";
      case PNEUMONIA ->
          "Its sign is a white area that fits the symptoms; a patient without fever or cough would"
              + " speak against it.";
      case ATELECTASIS ->
          "Its sign is a white band with less air; a well aerated lung would speak against it.";
      case PNEUMOTHORAX ->
          "Its sign is a thin line without vessels beyond it; vessels up to the chest wall would"
              + " speak against it.";
      case PLEURAL_EFFUSION ->
          "Its sign is a blunted costophrenic angle; a sharp angle would speak against it.";
      case PLEURAL_OTHER ->
          "Its sign is a band along the chest wall; a thin line would speak against it.";
      case NO_FINDING, ENLARGED_CARDIOMEDIASTINUM, FRACTURE, SUPPORT_DEVICES -> "";
    };
  }
}
