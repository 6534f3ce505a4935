package org.radialog.metrics;

import java.util.Locale;

/** Formats numbers for people. */
public final class Numbers {
  private Numbers() {}

  /** {@code 0.392}; a dash if it is undefined. */
  public static String three(double value) {
    return Double.isNaN(value) ? "–" : String.format(Locale.ROOT, "%.3f", value);
  }

  /** {@code 0.371–0.413}; empty without an interval. */
  public static String range(Interval interval) {
    return interval.bounded() ? three(interval.low()) + "–" + three(interval.high()) : "";
  }

  /** {@code 0.39 (0.37–0.41)}. */
  public static String two(Interval interval) {
    if (Double.isNaN(interval.value())) {
      return "–";
    }
    return interval.bounded()
        ? String.format(
            Locale.ROOT, "%.2f (%.2f–%.2f)", interval.value(), interval.low(), interval.high())
        : String.format(Locale.ROOT, "%.2f", interval.value());
  }

  /** {@code +0.021} or {@code −0.021}, with a minus sign. */
  public static String signed(double value) {
    String digits = three(Math.abs(value));
    if (Double.isNaN(value) || digits.equals("0.000")) {
      return digits;
    }
    return (value < 0 ? "−" : "+") + digits;
  }

  /** {@code +0.010 to +0.032}; empty without an interval. */
  public static String signedRange(Interval interval) {
    return interval.bounded() ? signed(interval.low()) + " to " + signed(interval.high()) : "";
  }

  /** {@code 0.012}, or {@code < 0.001}. */
  public static String p(double p) {
    return p < 0.001 ? "< 0.001" : three(p);
  }
}
