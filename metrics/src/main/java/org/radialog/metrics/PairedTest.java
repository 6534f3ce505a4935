package org.radialog.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Whether two systems differ on the same items: approximate randomisation (Noreen 1989). If they
 * did not, either could have written each text; so for every group a coin decides whether the two
 * change places, and p is the share of such shuffles in which the scores differ at least as much as
 * they do, (n + 1) / (shuffles + 1), two-sided. The interval of the difference is that of a paired
 * bootstrap: a resample draws the same groups for both.
 *
 * <p>Each score is tested by itself. Where several are looked at, so much the smaller a p should be
 * before it means something.
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
   * One score of two systems.
   *
   * @param difference second − first, with its interval
   * @param p two-sided; not a number where the difference is undefined
   */
  public record Difference(
      String metric, double first, double second, Interval difference, double p) {}

  /**
   * The difference of each score, in the order of the names.
   *
   * @param second the same scores of the other system, item for item on the same data
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

  /** For each shuffle, on which scores the systems differ as much as they do. */
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
            // An undefined score speaks for neither: it counts against the difference.
            extreme[k] = !(Math.abs(difference[k]) < Math.abs(observed[k]) - ROUNDING);
          }
          return extreme;
        })
        .toArray(boolean[][]::new);
  }

  // So that the coins are not the resamples' draws.
  private static final long SHUFFLES = 0x5DEECE66DL;

  private static double[] minus(double[] a, double[] b) {
    double[] difference = new double[a.length];
    for (int k = 0; k < a.length; k++) {
      difference[k] = a[k] - b[k];
    }
    return difference;
  }
}
