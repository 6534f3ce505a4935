package org.radialog.data;

import java.util.Locale;

/** The part of a data set that a study belongs to. */
public enum StudySplit {
  TRAIN("train"),
  VALIDATE("validate"),
  TEST("test"),
  /** The data set does not say. */
  NONE("none");

  private final String label;

  StudySplit(String label) {
    this.label = label;
  }

  /** The name as tables of ours write it. */
  public String label() {
    return label;
  }

  /** The split of a data set's word for it; {@link #NONE} for any other text. */
  public static StudySplit of(String name) {
    return switch (name.strip().toLowerCase(Locale.ROOT)) {
      case "train", "training" -> TRAIN;
      case "validate", "validation", "valid", "val", "dev" -> VALIDATE;
      case "test" -> TEST;
      default -> NONE;
    };
  }
}
