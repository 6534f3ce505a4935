package org.radialog.data;

/** What a data set knows about a finding of a film. Unknown is not absent. */
public enum Truth {
  PRESENT,
  ABSENT,
  UNKNOWN
}
