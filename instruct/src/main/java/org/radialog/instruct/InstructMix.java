package org.radialog.instruct;

import org.radialog.base.RadialogException;

/**
 * Shares of the instruct mix, each from 0 to 1.
 *
 * @param report dialogs that are one report
 * @param reportDialog dialogs of a report and further turns; what {@code report} and this leave are
 *     questions without a report
 * @param withoutFindings dialogs whose prompt does not name the findings, so that only the image
 *     tells
 * @param edited of those that name them: a few labels added or removed at random
 * @param random of those that name them: labels drawn at random altogether
 * @param predicted of the findings taken from a film: by a classifier that never saw it, where
 *     there is one; otherwise what the data set says
 */
public record InstructMix(
    double report,
    double reportDialog,
    double withoutFindings,
    double edited,
    double random,
    double predicted) {
  /** The mix that the embedded model is trained with. */
  public static final InstructMix DEFAULT = new InstructMix(0.38, 0.32, 0.25, 0.3, 0.2, 0.7);

  /**
   * Checks the shares.
   *
   * @throws RadialogException if one is none, or two that exclude each other exceed 1 together
   */
  public InstructMix {
    for (double share :
        new double[] {report, reportDialog, withoutFindings, edited, random, predicted}) {
      if (!(share >= 0 && share <= 1)) {
        throw new RadialogException("mix has the share " + share + ", expected from 0 to 1");
      }
    }
    if (report + reportDialog > 1 || edited + random > 1) {
      throw new RadialogException(
          "mix has report + report_dialog = %s and edited + random = %s, expected at most 1 each"
              .formatted(report + reportDialog, edited + random));
    }
  }
}
