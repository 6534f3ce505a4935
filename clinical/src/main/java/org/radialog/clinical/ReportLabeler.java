package org.radialog.clinical;

/** Extracts the 14 findings from a report. */
public interface ReportLabeler {
  /**
   * The state of each finding in {@code report}. Never fails; in an empty report nothing is
   * mentioned.
   */
  Labels label(String report);
}
