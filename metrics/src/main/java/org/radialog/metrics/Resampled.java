package org.radialog.metrics;

import java.util.Arrays;
import java.util.List;

/**
 * Scores that can be recomputed with each item counted any number of times, as the bootstrap and
 * the randomisation test require. A metric keeps its results for each item, so that a resample
 * costs one pass over the items. Instances are shared between threads.
 */
public interface Resampled {
  /** Number of items. */
  int items();

  /** The names of the scores, in order. */
  List<String> names();

  /**
   * The scores of a resample, in the order of the names; NaN if undefined.
   *
   * @param times how often each item counts
   */
  double[] of(int[] times);

  /**
   * The scores of a resample for an interval: like {@link #of}, but also NaN if a score depends on
   * something that occurs in all items but not in the resample.
   */
  default double[] resample(int[] times) {
    return of(times);
  }

  /**
   * The same scores over the items of this followed by those of {@code other}, for example another
   * system on the same data, so that {@code times} can choose the text for each report.
   *
   * @throws IllegalArgumentException if the other computes different scores
   */
  Resampled followedBy(Resampled other);

  /** The scores of all items. */
  default double[] values() {
    return of(once(items()));
  }

  /** The same scores over some of the items, for example a subgroup of patients. */
  default Resampled only(int[] chosen) {
    Resampled all = this;
    int[] from = chosen.clone();
    return new Resampled() {
      @Override
      public int items() {
        return from.length;
      }

      @Override
      public List<String> names() {
        return all.names();
      }

      @Override
      public double[] of(int[] times) {
        int[] ofAll = new int[all.items()];
        for (int i = 0; i < from.length; i++) {
          ofAll[from[i]] += times[i];
        }
        return all.of(ofAll);
      }

      @Override
      public Resampled followedBy(Resampled other) {
        int[] both = Arrays.copyOf(from, from.length + other.items());
        for (int i = 0; i < other.items(); i++) {
          both[from.length + i] = all.items() + i;
        }
        return all.followedBy(other).only(both);
      }
    };
  }

  /** Every item counts once. */
  static int[] once(int items) {
    int[] times = new int[items];
    Arrays.fill(times, 1);
    return times;
  }
}
