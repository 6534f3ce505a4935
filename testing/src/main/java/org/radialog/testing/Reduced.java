package org.radialog.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Locale;

/** The criterion for bf16: a cosine of at least 0.999 and a relative L2 error of at most 0.02. */
public final class Reduced {
  private static final double COSINE = 0.999;
  private static final double RELATIVE_L2 = 0.02;

  private Reduced() {}

  /** Compares a full tensor with the stored elements of {@code output}. */
  public static void check(GoldenCase golden, String output, String precision, float[] actual) {
    GoldenCase.Expected expected = golden.expected(output);
    assertThat((long) actual.length).isEqualTo(expected.elements());
    double dot = 0;
    double squares = 0;
    double expectedSquares = 0;
    double differences = 0;
    for (int i = 0; i < expected.stored().length; i++) {
      double a = actual[i * expected.step()];
      double e = expected.stored()[i];
      dot += a * e;
      squares += a * a;
      expectedSquares += e * e;
      differences += (a - e) * (a - e);
    }
    double error = Math.sqrt(differences / expectedSquares);
    String label = golden.name() + "/" + output + "." + precision;
    System.out.println(
        String.format(Locale.ROOT, "parity %s %.2e (%.0e)", label, error, RELATIVE_L2));
    assertThat(dot / Math.sqrt(squares * expectedSquares))
        .as(label + ": cosine")
        .isGreaterThanOrEqualTo(COSINE);
    assertThat(error).as(label + ": relative L2 error").isLessThanOrEqualTo(RELATIVE_L2);
  }
}
