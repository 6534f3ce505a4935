package org.radialog.train;

import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/** Checks of a recipe's numbers. */
final class Ranges {
  private Ranges() {}

  /** A whole number from {@code low} to {@code high}. */
  static void whole(String field, long value, long low, long high) {
    if (value < low || value > high) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          field + " is " + value + ", expected a whole number from " + low + " to " + high);
    }
  }

  /** A share from 0 to 1, 1 excluded. */
  static void share(String field, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new RadialogException(
          Kind.REFUSED_DATA, field + " is " + value + ", expected from 0 up to, not with, 1");
    }
  }

  /** A number above 0, or 0 itself where {@code zero} says so, and finite. */
  static void positive(String field, double value, boolean zero) {
    if (!(zero ? value >= 0 : value > 0) || !Double.isFinite(value)) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          field + " is " + value + ", expected " + (zero ? "0 or more" : "more than 0"));
    }
  }
}
