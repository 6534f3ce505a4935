package org.radialog.eval;

import java.util.Locale;

/**
 * What a model is asked about an image, by the protocols of the paper. The names are those of
 * {@code --protocol}.
 */
public enum Task {
  /** The classifier's findings alone. */
  FINDINGS,
  /** The findings section of a report. */
  GENERATION,
  /** The report again, corrected by what is known: it measures how a correction is followed. */
  CORRECTION,
  /** {@code Is there any …?} for each of the 14 labels. */
  BINARY_QA,
  /** {@code List all the findings in this report.} */
  LIST_QA,
  /** From what view the image was taken; asked without a report, the findings not told. */
  VIEW_QA,
  /** An impression of the reference's findings section. */
  IMPRESSION;

  /** The name of {@code --protocol} and of settings: {@code view_qa}. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
