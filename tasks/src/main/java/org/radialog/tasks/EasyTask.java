package org.radialog.tasks;

import java.util.ArrayList;
import org.radialog.clinical.Finding;
import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Task;

/** The findings in words for somebody without medical knowledge. */
final class EasyTask implements InstructTask {
  @Override
  public void ask(Talk talk) {
    talk.sayOfFindings(Task.EASY, Phrases.any("easy", talk.random()), () -> told(talk));
  }

  private static String told(Talk talk) {
    if (talk.nothing()) {
      return "Nothing abnormal of the heart, the lungs or the lining around them is seen."
          + " Please ask your doctor what this means for you.";
    }
    var sentences = new ArrayList<String>();
    for (Finding finding : ReportGrammar.stated(talk.stated().present())) {
      sentences.add(
          finding == Finding.CARDIOMEGALY
              ? "The heart is larger than usual."
              : "There is %s, %s.".formatted(ReportGrammar.withArticle(finding), meaning(finding)));
    }
    for (Finding finding : ReportGrammar.stated(talk.stated().uncertain())) {
      sentences.add(
          finding == Finding.CARDIOMEGALY
              ? "The heart may be larger than usual."
              : "There may be %s, %s."
                  .formatted(ReportGrammar.withArticle(finding), meaning(finding)));
    }
    sentences.add("Please ask your doctor what this means for you.");
    return String.join(" ", sentences);
  }

  private static String meaning(Finding finding) {
    return switch (finding) {
      case LUNG_OPACITY -> "a part of the lungs that looks whiter than it should";
      case LUNG_LESION -> "a spot in the lungs";
      case EDEMA -> "too much water in the lungs";
      case CONSOLIDATION -> "a part of the lungs filled with something other than air";
      case PNEUMONIA -> "an infection of the lungs";
      case ATELECTASIS -> "a part of the lungs with too little air";
      case PNEUMOTHORAX -> "air between the lung and the chest wall";
      case PLEURAL_EFFUSION -> "fluid between the lung and the chest wall";
      case PLEURAL_OTHER -> "a lining around the lungs that is too thick";
      case NO_FINDING, ENLARGED_CARDIOMEDIASTINUM, CARDIOMEGALY, FRACTURE, SUPPORT_DEVICES -> "";
    };
  }
}
