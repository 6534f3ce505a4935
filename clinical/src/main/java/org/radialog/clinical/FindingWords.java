package org.radialog.clinical;

import java.util.Locale;

/** The wording of findings in our own prompts and in the sentences that we add to reports. */
public final class FindingWords {
  private FindingWords() {}

  /**
   * The label in lower case; Pleural Other becomes pleural thickening, because radiologists do not
   * write "pleural other".
   */
  public static String of(Finding finding) {
    return finding == Finding.PLEURAL_OTHER
        ? "pleural thickening"
        : finding.label().toLowerCase(Locale.ROOT);
  }

  /** A sentence stating that a finding is present. */
  public static String present(Finding finding) {
    return switch (finding) {
      case NO_FINDING -> "No acute cardiopulmonary abnormality.";
      case ENLARGED_CARDIOMEDIASTINUM -> "The cardiomediastinal silhouette is enlarged.";
      case CARDIOMEGALY -> "The heart is enlarged.";
      case LUNG_OPACITY -> "There is a lung opacity.";
      case LUNG_LESION -> "There is a lung lesion.";
      case EDEMA -> "There is pulmonary edema.";
      case CONSOLIDATION -> "There is consolidation.";
      case PNEUMONIA -> "There is pneumonia.";
      case ATELECTASIS -> "There is atelectasis.";
      case PNEUMOTHORAX -> "There is a pneumothorax.";
      case PLEURAL_EFFUSION -> "There is a pleural effusion.";
      case PLEURAL_OTHER -> "There is pleural thickening.";
      case FRACTURE -> "There is a fracture.";
      case SUPPORT_DEVICES -> "Support devices are in place.";
    };
  }

  /** A sentence stating that a finding is possible. */
  public static String possible(Finding finding) {
    return switch (finding) {
      case NO_FINDING -> "There is possibly no acute cardiopulmonary abnormality.";
      case ENLARGED_CARDIOMEDIASTINUM -> "The cardiomediastinal silhouette is possibly enlarged.";
      case CARDIOMEGALY -> "The heart is possibly enlarged.";
      case SUPPORT_DEVICES -> "There are possible support devices.";
      case LUNG_OPACITY,
          LUNG_LESION,
          EDEMA,
          CONSOLIDATION,
          PNEUMONIA,
          ATELECTASIS,
          PNEUMOTHORAX,
          PLEURAL_EFFUSION,
          PLEURAL_OTHER,
          FRACTURE ->
          "There is possible " + of(finding) + ".";
    };
  }
}
