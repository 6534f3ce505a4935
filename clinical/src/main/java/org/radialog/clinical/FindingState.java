package org.radialog.clinical;

/** What a text says about a finding. */
public enum FindingState {
  PRESENT("1"),
  ABSENT("0"),
  UNCERTAIN("-1"),
  NOT_MENTIONED("");

  private final String code;

  FindingState(String code) {
    this.code = code;
  }

  /** CheXpert's code in a table: 1, 0, -1 or empty. */
  public String code() {
    return code;
  }
}
