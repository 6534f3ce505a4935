package org.radialog.clinical;

/** Reads the 14 findings out of a report. */
public interface ReportLabeler {
  /** What {@code report} says about each finding; never fails, an empty report mentions nothing. */
  Labels label(String report);
}
