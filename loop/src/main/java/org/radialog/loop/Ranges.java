package org.radialog.loop;

import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/** Range checks for the numbers of a recipe; messages name the {@code field}. */
public final class Ranges {
  private Ranges() {}

  /** Checks for an integer from {@code low} to {@code high}. */
  public static void whole(String field, long value, long low, long high) {
    if (value < low || value > high) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          field + " is " + value + ", expected a whole number from " + low + " to " + high);
    }
  }

  /** Checks for a fraction from 0 to 1, excluding 1. */
  public static void share(String field, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new RadialogException(
          Kind.REFUSED_DATA, field + " is " + value + ", expected at least 0 and less than 1");
    }
  }

  /** Checks for a finite number above 0, or also 0 if {@code zero} is set. */
  public static void positive(String field, double value, boolean zero) {
    if (!(zero ? value >= 0 : value > 0) || !Double.isFinite(value)) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          field + " is " + value + ", expected " + (zero ? "0 or more" : "more than 0"));
    }
  }

  /** Checks that there are enough films for a batch. */
  public static void batch(String field, int batch, int films) {
    if (films < batch) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "%d training films are fewer than a batch of %d (%s of the recipe): expected at least one batch"
              .formatted(films, batch, field));
    }
  }
}
