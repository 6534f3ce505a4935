package org.radialog.clinical;

/** The state of a finding in a text. */
public enum FindingState {
  PRESENT("1"),
  ABSENT("0"),
  UNCERTAIN("-1"),
  NOT_MENTIONED("");

  private final String code;

  FindingState(String code) {
    this.code = code;
  }

  /** The CheXpert code in tables: 1, 0, -1 or empty. */
  public String code() {
    return code;
  }
}
