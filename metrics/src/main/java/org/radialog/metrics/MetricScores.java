package org.radialog.metrics;

import java.util.Arrays;
import java.util.Objects;

/**
 * The scores of a metric on a set of pairs.
 *
 * @param name the usual name in the literature, for example {@code BLEU-4}
 * @param corpus the score of the whole set; for BLEU and METEOR not the mean of the pairs
 * @param pairs the score of each pair, in the order of the pairs
 */
// a column of a table, read by index; equality is by value
@SuppressWarnings("ArrayRecordComponent")
public record MetricScores(String name, double corpus, double[] pairs) {
  @Override
  public boolean equals(Object other) {
    return other instanceof MetricScores(String n, double c, double[] p)
        && name.equals(n)
        && Double.compare(corpus, c) == 0
        && Arrays.equals(pairs, p);
  }

  @Override
  public int hashCode() {
    return Objects.hash(name, corpus, Arrays.hashCode(pairs));
  }

  @Override
  public String toString() {
    return "%s %.4f over %d pairs".formatted(name, corpus, pairs.length);
  }

  /** The mean of the pairs, for intervals and tests. */
  Resampled resampled() {
    return Sums.mean(name, pairs);
  }

  static MetricScores mean(String name, double[] pairs) {
    return new MetricScores(name, Arrays.stream(pairs).sum() / pairs.length, pairs);
  }
}
