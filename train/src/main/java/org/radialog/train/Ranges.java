package org.radialog.train;

import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/** Checks of a recipe's numbers, each named by its {@code field}. */
public final class Ranges {
  private Ranges() {}

  /** A whole number from {@code low} to {@code high}. */
  public static void whole(String field, long value, long low, long high) {
    if (value < low || value > high) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          field + " is " + value + ", expected a whole number from " + low + " to " + high);
    }
  }

  /** A share from 0 to 1, 1 excluded. */
  public static void share(String field, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new RadialogException(
          Kind.REFUSED_DATA, field + " is " + value + ", expected from 0 up to, not with, 1");
    }
  }

  /** A number above 0, or 0 itself where {@code zero} says so, and finite. */
  public static void positive(String field, double value, boolean zero) {
    if (!(zero ? value >= 0 : value > 0) || !Double.isFinite(value)) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          field + " is " + value + ", expected " + (zero ? "0 or more" : "more than 0"));
    }
  }

  /** As many films as a batch has, or more. */
  public static void batch(String field, int batch, int films) {
    if (films < batch) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "%d films to learn from make no batch of %d (%s of the recipe): expected as many films at least"
              .formatted(films, batch, field));
    }
  }
}
