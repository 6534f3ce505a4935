package org.radialog.eval;

import java.util.Locale;

/** A task of the paper's protocols for an image. The names are the values of {@code --protocol}. */
public enum Task {
  /** Only the findings of the classifier. */
  FINDINGS,
  /** The findings section of a report. */
  GENERATION,
  /**
   * The report corrected with the ground truth, which measures how well the model follows a
   * correction.
   */
  CORRECTION,
  /** {@code Is there any …?} for each of the 14 labels. */
  BINARY_QA,
  /** {@code List all the findings in this report.} */
  LIST_QA,
  /** The view of the image, asked without a report and without findings in the prompt. */
  VIEW_QA,
  /** An impression for the findings section of the reference. */
  IMPRESSION;

  /** The name in {@code --protocol} and in the settings, for example {@code view_qa}. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
