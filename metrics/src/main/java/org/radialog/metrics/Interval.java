package org.radialog.metrics;

import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * A score and its 95 % interval.
 *
 * @param value the score of all items
 * @param low lower end; NaN if no interval was computed or the score was not defined in any
 *     resample
 * @param high upper end, likewise
 */
public record Interval(double value, double low, double high) {
  /** A score without an interval. */
  public static Interval point(double value) {
    return new Interval(value, Double.NaN, Double.NaN);
  }

  /**
   * A share with its Wilson interval (Wilson 1927), which also holds for few items and for shares
   * near 0 and 1. It takes the items as independent.
   *
   * @param right how many are right; an undecided one may count as a half
   * @param of number of items; with 0 the share is not defined
   */
  public static Interval wilson(double right, int of) {
    if (of == 0) {
      return point(Double.NaN);
    }
    double z = 1.959963984540054; // the 97.5th percentile of the normal distribution
    double share = right / of;
    double shrunk = 1 + z * z / of;
    double centre = (share + z * z / (2 * of)) / shrunk;
    double half = z / shrunk * Math.sqrt(share * (1 - share) / of + z * z / (4.0 * of * of));
    return new Interval(share, Math.max(0, centre - half), Math.min(1, centre + half));
  }

  /** The scores of all items, each without an interval, in the order of the names. */
  static SequencedMap<String, Interval> points(Resampled scores) {
    double[] values = scores.values();
    SequencedMap<String, Interval> points = new LinkedHashMap<>();
    for (int k = 0; k < values.length; k++) {
      points.put(scores.names().get(k), point(values[k]));
    }
    return points;
  }

  /** Whether there is an interval. */
  public boolean bounded() {
    return !Double.isNaN(low) && !Double.isNaN(high);
  }
}
