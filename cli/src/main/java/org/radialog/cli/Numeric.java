package org.radialog.cli;

import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Numbers that options take, each with its range: one outside of it is a usage error that names the
 * range, before anything is loaded.
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
        // said below, like a number out of range
      }
      throw new TypeConversionException(
          "expected a whole number from %d to %d, found \"%s\"".formatted(least, most, value));
    }
  }

  /** How many of something: one or more. */
  static final class Count extends Whole {
    Count() {
      super(1, Integer.MAX_VALUE);
    }
  }

  /** Resamples of the bootstrap: the scores of each are kept until the end. */
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

  /** A fold of patients; a table of folds says how many it has. */
  static final class Fold extends Whole {
    Fold() {
      super(0, 999);
    }
  }

  /** How many folds to make. */
  static final class FoldCount extends Whole {
    FoldCount() {
      super(2, 999);
    }
  }

  /** How many dialogs somebody wants to read. */
  static final class Samples extends Whole {
    Samples() {
      super(1, 1_000);
    }
  }

  /** How often a training comes to an image. */
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
        // said below, like a number out of range
      }
      DecimalFormat plain =
          new DecimalFormat("#.##", DecimalFormatSymbols.getInstance(Locale.ROOT));
      throw new TypeConversionException(
          "expected a number from %s to %s, found \"%s\""
              .formatted(plain.format(least), plain.format(most), value));
    }
  }

  /** A temperature that tokens are drawn at. */
  static final class Temperature extends Real {
    Temperature() {
      super(0, 100);
    }
  }

  /** How alike two reports or films are. */
  static final class Likeness extends Real {
    Likeness() {
      super(0.5, 1);
    }
  }
}
