package org.radialog.clinical;

import java.util.Locale;

/** The projection of a chest radiograph. */
public enum View {
  /** Postero-anterior: the frontal film of a standing patient. */
  PA,
  /** Antero-posterior: the frontal film at the bedside. */
  AP,
  LATERAL,
  UNKNOWN;

  /** The view for a name in a data set or DICOM file; {@link #UNKNOWN} for any other text. */
  public static View of(String name) {
    return switch (name.strip().toUpperCase(Locale.ROOT)) {
      case "PA", "POSTEROANTERIOR" -> PA;
      case "AP", "ANTEROPOSTERIOR" -> AP;
      case "LATERAL", "LL", "RL", "LAT" -> LATERAL;
      default -> UNKNOWN;
    };
  }
}
