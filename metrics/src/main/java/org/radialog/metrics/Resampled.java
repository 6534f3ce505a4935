package org.radialog.metrics;

import java.util.Arrays;
import java.util.List;

/**
 * Scores that can be computed again when some items count several times and others not at all: what
 * the bootstrap and the randomisation test need of a metric. A metric keeps what it found out about
 * each item, so that a resample costs one pass over the items. Threads share an instance.
 */
public interface Resampled {
  /** How many items there are. */
  int items();

  /** What the scores are called, in order. */
  List<String> names();

  /**
   * The scores of a resample, in the order of the names; not a number where one is undefined.
   *
   * @param times how often each item counts
   */
  double[] of(int[] times);

  /**
   * The scores of a resample as an interval needs them: as {@link #of}, but not a number, too,
   * where a score of all items rests on something that the resample by chance does not have.
   */
  default double[] resample(int[] times) {
    return of(times);
  }

  /**
   * The same scores over the items of this and then those of {@code other}: another system on the
   * same data, for example, so that {@code times} chooses for each report whose text counts.
   *
   * @throws IllegalArgumentException if the other computes other scores
   */
  Resampled followedBy(Resampled other);

  /** The scores of all items. */
  default double[] values() {
    return of(once(items()));
  }

  /** The same scores over some of the items: a subgroup of patients, for example. */
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
