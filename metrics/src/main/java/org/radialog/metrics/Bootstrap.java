package org.radialog.metrics;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.SplittableRandom;
import java.util.function.DoubleBinaryOperator;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Percentile bootstrap intervals (Efron 1979): each resample draws as many groups as there are,
 * with replacement, and includes all items of a drawn group. The interval extends from the 2.5th to
 * the 97.5th percentile of the scores of the resamples, interpolated linearly. Resamples in which a
 * score is undefined (an AUROC without positives, the F1 of a label that none of the drawn items
 * has) are excluded from its percentiles. If the score itself is outside, which can happen for few
 * items with biased resamples, the interval is extended to include it.
 *
 * <p>A draw depends only on the seed, its number and the groups: it is the same for every metric
 * and for any number of threads.
 *
 * @param resamples number of resamples
 * @param seed of the draws
 */
public record Bootstrap(int resamples, long seed) {
  /** A thousand resamples. */
  public static final Bootstrap DEFAULT = new Bootstrap(1000, 1);

  public Bootstrap {
    if (resamples < 1) {
      throw new IllegalArgumentException(resamples + " resamples, expected 1 or more");
    }
  }

  /** Each score with its interval, in the order of the names. */
  public SequencedMap<String, Interval> intervals(Resampled scores, Groups groups) {
    groups.require(scores);
    double[] values = scores.values();
    double[][] drawn = drawn(groups, scores::resample);
    SequencedMap<String, Interval> intervals = new LinkedHashMap<>();
    for (int k = 0; k < values.length; k++) {
      intervals.put(scores.names().get(k), interval(values[k], column(drawn, k)));
    }
    return intervals;
  }

  /** The scores of every resample: [resamples, scores]. */
  public double[][] drawn(Groups groups, Function<int[], double[]> scores) {
    if (groups.count() == 0) {
      return new double[0][];
    }
    long[] seeds = new SplittableRandom(seed).longs(resamples).toArray();
    return IntStream.range(0, resamples)
        .parallel()
        .mapToObj(r -> scores.apply(draw(groups, new SplittableRandom(seeds[r]))))
        .toArray(double[][]::new);
  }

  private static int[] draw(Groups groups, SplittableRandom random) {
    int[] drawn = new int[groups.count()];
    for (int i = 0; i < drawn.length; i++) {
      drawn[random.nextInt(drawn.length)]++;
    }
    int[] times = new int[groups.items()];
    for (int i = 0; i < times.length; i++) {
      times[i] = drawn[groups.of(i)];
    }
    return times;
  }

  public static double[] column(double[][] rows, int k) {
    return Arrays.stream(rows).mapToDouble(row -> row[k]).toArray();
  }

  public static Interval interval(double value, double[] resampled) {
    double[] sorted = Arrays.stream(resampled).filter(v -> !Double.isNaN(v)).sorted().toArray();
    return sorted.length == 0
        ? Interval.point(value)
        : new Interval(
            value,
            within(value, percentile(sorted, 0.025), Math::min),
            within(value, percentile(sorted, 0.975), Math::max));
  }

  private static double within(double value, double limit, DoubleBinaryOperator which) {
    return Double.isNaN(value) ? limit : which.applyAsDouble(value, limit);
  }

  private static double percentile(double[] sorted, double share) {
    double at = share * (sorted.length - 1);
    int below = (int) at;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }
}
