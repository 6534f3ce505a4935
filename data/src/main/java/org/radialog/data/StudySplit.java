package org.radialog.data;

import java.util.Locale;

/** The split of a data set that a study belongs to. */
public enum StudySplit {
  TRAIN("train"),
  VALIDATE("validate"),
  TEST("test"),
  /** The data set does not state the split. */
  NONE("none");

  private final String label;

  StudySplit(String label) {
    this.label = label;
  }

  /** The name in tables written by this project. */
  public String label() {
    return label;
  }

  /** The split for a data set's word; {@link #NONE} for any other text. */
  public static StudySplit of(String name) {
    return switch (name.strip().toLowerCase(Locale.ROOT)) {
      case "train", "training" -> TRAIN;
      case "validate", "validation", "valid", "val", "dev" -> VALIDATE;
      case "test" -> TEST;
      default -> NONE;
    };
  }
}
