package org.radialog.data;

/** The ground truth of a finding on a film. Unknown does not mean absent. */
public enum Truth {
  PRESENT,
  ABSENT,
  UNKNOWN
}
