package org.radialog.cli;

import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Numbers as option values, each with a range. A number out of range is a usage error that names
 * the range, reported before anything is loaded.
 */
final class Numeric {
  private Numeric() {}

  /** A whole number. */
  abstract static class Whole implements ITypeConverter<Integer> {
    private final int least;
    private final int most;

    Whole(int least, int most) {
      this.least = least;
      this.most = most;
    }

    @Override
    public Integer convert(String value) {
      try {
        int number = Integer.parseInt(value.strip());
        if (number >= least && number <= most) {
          return number;
        }
      } catch (NumberFormatException e) {
        // reported below, like a number out of range
      }
      throw new TypeConversionException(
          "expected a whole number from %d to %d, found \"%s\"".formatted(least, most, value));
    }
  }

  /** A number of items: at least one. */
  static final class Count extends Whole {
    Count() {
      super(1, Integer.MAX_VALUE);
    }
  }

  /** Number of bootstrap resamples; the scores of each are kept until the end. */
  static final class Resamples extends Whole {
    Resamples() {
      super(1, 100_000);
    }
  }

  /** A layer of a network. */
  static final class Layer extends Whole {
    Layer() {
      super(0, 999);
    }
  }

  /** A fold of patients; the table of folds determines how many there are. */
  static final class Fold extends Whole {
    Fold() {
      super(0, 999);
    }
  }

  /** Number of folds to create. */
  static final class FoldCount extends Whole {
    FoldCount() {
      super(2, 999);
    }
  }

  /** How often an image is used in training, or how many dialogs are shown. */
  static final class Epochs extends Whole {
    Epochs() {
      super(1, 999);
    }
  }

  /** A number that need not be whole. */
  abstract static class Real implements ITypeConverter<Double> {
    private final double least;
    private final double most;

    Real(double least, double most) {
      this.least = least;
      this.most = most;
    }

    @Override
    public Double convert(String value) {
      try {
        double number = Double.parseDouble(value.strip());
        if (number >= least && number <= most) {
          return number;
        }
      } catch (NumberFormatException e) {
        // reported below, like a number out of range
      }
      DecimalFormat plain =
          new DecimalFormat("#.##", DecimalFormatSymbols.getInstance(Locale.ROOT));
      throw new TypeConversionException(
          "expected a number from %s to %s, found \"%s\""
              .formatted(plain.format(least), plain.format(most), value));
    }
  }

  /** A sampling temperature. */
  static final class Temperature extends Real {
    Temperature() {
      super(0, 100);
    }
  }

  /** The similarity of two reports or films. */
  static final class Likeness extends Real {
    Likeness() {
      super(0.5, 1);
    }
  }
}
