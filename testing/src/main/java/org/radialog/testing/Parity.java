package org.radialog.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Locale;
import java.util.function.IntToDoubleFunction;

/**
 * Comparison with the reference. The error of a tensor is max |actual - expected| divided by the
 * maximum absolute value of the expected tensor. Each comparison prints {@code parity
 * <case>/<output> <error> (<tolerance>)}.
 */
public final class Parity {
  private Parity() {}

  /**
   * Compares a full tensor, row-major, with the stored elements of an expected tensor.
   *
   * @param label {@code <case>/<output>}
   * @throws AssertionError if the error exceeds the tolerance or the number of elements differs
   */
  public static void check(String label, float[] actual, GoldenCase golden, double tolerance) {
    check(label, actual.length, i -> actual[i], golden, tolerance);
  }

  /** As {@link #check(String, float[], GoldenCase, double)}. */
  public static void check(String label, double[] actual, GoldenCase golden, double tolerance) {
    check(label, actual.length, i -> actual[i], golden, tolerance);
  }

  /** As {@link #check(String, float[], GoldenCase, double)}. */
  public static void check(String label, long[] actual, GoldenCase golden, double tolerance) {
    check(label, actual.length, i -> actual[i], golden, tolerance);
  }

  /** Compares numbers of the JSON, relative to their maximum absolute value. */
  public static void check(String label, double[] actual, double[] expected, double tolerance) {
    assertThat(actual).as(label + ": number of values").hasSameSizeAs(expected);
    double absmax = Arrays.stream(expected).map(Math::abs).max().orElse(0);
    report(label, error(actual.length, 1, i -> actual[i], expected, absmax), tolerance);
  }

  /** Compares ids, texts or sizes for equality. */
  public static void equal(String label, Object actual, Object expected) {
    boolean equal = Arrays.deepEquals(one(actual), one(expected));
    System.out.println("parity " + label + " " + (equal ? "0" : "different") + " (exact)");
    assertThat(actual).as(label).isEqualTo(expected);
  }

  private static Object[] one(Object value) {
    return new Object[] {value};
  }

  private static void check(
      String label, int count, IntToDoubleFunction actual, GoldenCase golden, double tolerance) {
    GoldenCase.Expected expected = golden.expected(label.substring(label.indexOf('/') + 1));
    assertThat((long) count)
        .as("%s: number of elements of %s", label, Arrays.toString(expected.shape()))
        .isEqualTo(expected.elements());
    double error = error(count, expected.step(), actual, expected.stored(), expected.absmax());
    report(label, error, tolerance);
  }

  private static double error(
      int count, int step, IntToDoubleFunction actual, double[] expected, double absmax) {
    assertThat(expected).as("stored elements").hasSize((count + step - 1) / step);
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      double difference = Math.abs(actual.applyAsDouble(i * step) - expected[i]);
      if (Double.isNaN(difference)) {
        return Double.NaN;
      }
      largest = Math.max(largest, difference);
    }
    return largest == 0 ? 0 : largest / absmax;
  }

  private static void report(String label, double error, double tolerance) {
    System.out.println(
        String.format(Locale.ROOT, "parity %s %.2e (%.0e)", label, error, tolerance));
    assertThat(error)
        .as("%s: largest difference relative to the largest expected magnitude", label)
        .isLessThanOrEqualTo(tolerance);
  }
}
