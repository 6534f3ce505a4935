package org.radialog.metrics;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.SplittableRandom;
import java.util.function.DoubleBinaryOperator;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Percentile intervals by resampling (Efron 1979): as many groups as there are are drawn with
 * replacement, all items of a drawn group count, and the interval runs from the 2.5th to the 97.5th
 * percentile of the scores of the resamples, interpolated linearly between neighbours. Resamples in
 * which a score is undefined (an AUROC without positives, the F1 of a label that none of the drawn
 * items has) are left out of its percentiles. A score that lies outside, as one of few items may
 * whose resamples are biased, widens the interval to itself.
 *
 * <p>A draw depends on the seed, its number and the groups alone: the same for every metric, and on
 * any number of threads.
 *
 * @param resamples how many are drawn
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
