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
