package org.radialog.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Tests whether two systems differ on the same items, by approximate randomisation (Noreen 1989).
 * Under the null hypothesis either system could have written each text. In each shuffle, a coin
 * flip per group decides whether the systems are swapped; the two-sided p is (n + 1) / (shuffles +
 * 1), where n is the number of shuffles with a difference at least as large as the observed one.
 * The interval of the difference is that of a paired bootstrap: a resample draws the same groups
 * for both systems.
 *
 * <p>Each score is tested separately. The more scores are examined, the smaller p must be to be
 * significant.
 *
 * @param bootstrap of the interval of the difference
 * @param shuffles number of shuffles
 */
public record PairedTest(Bootstrap bootstrap, int shuffles) {
  /** Ten thousand shuffles. */
  public static final PairedTest DEFAULT = new PairedTest(Bootstrap.DEFAULT, 10_000);

  // Sums of the same numbers in another order differ by rounding.
  private static final double ROUNDING = 1e-12;

  public PairedTest {
    if (shuffles < 1) {
      throw new IllegalArgumentException(shuffles + " shuffles, expected 1 or more");
    }
  }

  /**
   * The difference of one score between two systems.
   *
   * @param metric the name of the score
   * @param first the score of the first system
   * @param second the score of the second system
   * @param difference second − first, with its interval
   * @param p two-sided; NaN if the difference is undefined
   */
  public record Difference(
      String metric, double first, double second, Interval difference, double p) {}

  /**
   * The difference of each score, in the order of the names.
   *
   * @param second the same scores of the other system, for the same items
   */
  public List<Difference> of(Resampled first, Resampled second, Groups groups) {
    groups.require(first);
    groups.require(second);
    int n = groups.items();
    Resampled both = first.followedBy(second);
    double[] a = first.values();
    double[] b = second.values();
    double[][] resampled =
        bootstrap.drawn(groups, times -> minus(second.resample(times), first.resample(times)));
    int[] extreme = new int[a.length];
    for (boolean[] shuffle : shuffled(groups, both, minus(b, a))) {
      for (int k = 0; k < extreme.length; k++) {
        extreme[k] += shuffle[k] ? 1 : 0;
      }
    }
    List<Difference> differences = new ArrayList<>();
    for (int k = 0; k < a.length; k++) {
      double difference = b[k] - a[k];
      differences.add(
          new Difference(
              first.names().get(k),
              a[k],
              b[k],
              Bootstrap.interval(difference, Bootstrap.column(resampled, k)),
              Double.isNaN(difference) || n == 0
                  ? Double.NaN
                  : (extreme[k] + 1.0) / (shuffles + 1.0)));
    }
    return differences;
  }

  /**
   * For each shuffle and score, whether the difference is at least as large as the observed one.
   */
  private boolean[][] shuffled(Groups groups, Resampled both, double[] observed) {
    long[] seeds = new SplittableRandom(bootstrap.seed() ^ SHUFFLES).longs(shuffles).toArray();
    return IntStream.range(0, shuffles)
        .parallel()
        .mapToObj(s -> {
          var random = new SplittableRandom(seeds[s]);
          boolean[] changed = new boolean[groups.count()];
          for (int g = 0; g < changed.length; g++) {
            changed[g] = random.nextBoolean();
          }
          int n = groups.items();
          int[] one = new int[2 * n];
          int[] other = new int[2 * n];
          for (int i = 0; i < n; i++) {
            int shift = changed[groups.of(i)] ? n : 0;
            one[i + shift] = 1;
            other[i + n - shift] = 1;
          }
          double[] difference = minus(both.of(one), both.of(other));
          boolean[] extreme = new boolean[difference.length];
          for (int k = 0; k < extreme.length; k++) {
            // An undefined score counts against the difference.
            extreme[k] = !(Math.abs(difference[k]) < Math.abs(observed[k]) - ROUNDING);
          }
          return extreme;
        })
        .toArray(boolean[][]::new);
  }

  // The coin flips must differ from the draws of the resamples.
  private static final long SHUFFLES = 0x5DEECE66DL;

  private static double[] minus(double[] a, double[] b) {
    double[] difference = new double[a.length];
    for (int k = 0; k < a.length; k++) {
      difference[k] = a[k] - b[k];
    }
    return difference;
  }
}
