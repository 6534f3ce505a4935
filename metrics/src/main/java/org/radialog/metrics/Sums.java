package org.radialog.metrics;

import java.util.Arrays;
import java.util.List;

/**
 * Scores that are computed from sums over the items. For BLEU over a corpus, these are the matches
 * and totals of each order and the two lengths.
 */
public final class Sums implements Resampled {
  /** Computes the scores from the sums over all items. */
  @FunctionalInterface
  public interface Formula {
    /**
     * The scores, in the order of the names.
     *
     * @param sums over the items, one per column
     * @param items number of items added, counting repeated items repeatedly
     */
    double[] of(double[] sums, long items);
  }

  private final List<String> names;
  private final double[][] rows; // [items, columns]
  private final Formula formula;

  /**
   * Scores of these names.
   *
   * @param rows one row per item, all of the same width
   */
  public Sums(List<String> names, double[][] rows, Formula formula) {
    this.names = List.copyOf(names);
    this.rows = rows.clone();
    this.formula = formula;
    for (double[] row : rows) {
      if (row.length != rows[0].length) {
        throw new IllegalArgumentException(
            "rows of " + rows[0].length + " and of " + row.length + " columns");
      }
    }
  }

  /** The mean of one number per item: ROUGE-L, CIDEr, METEOR. */
  public static Resampled mean(String name, double[] values) {
    double[][] rows = new double[values.length][];
    Arrays.setAll(rows, i -> new double[] {values[i]});
    return new Sums(List.of(name), rows, (sums, items) -> new double[] {sums[0] / items});
  }

  @Override
  public int items() {
    return rows.length;
  }

  @Override
  public List<String> names() {
    return names;
  }

  @Override
  public double[] of(int[] times) {
    double[] sums = new double[rows.length == 0 ? 0 : rows[0].length];
    long items = 0;
    for (int i = 0; i < rows.length; i++) {
      int n = times[i];
      if (n > 0) {
        double[] row = rows[i];
        for (int k = 0; k < sums.length; k++) {
          sums[k] += n * row[k];
        }
        items += n;
      }
    }
    return formula.of(sums, items);
  }

  @Override
  public Resampled followedBy(Resampled other) {
    if (!(other instanceof Sums second) || !names.equals(second.names)) {
      throw new IllegalArgumentException(names + " followed by " + other.names());
    }
    double[][] both = Arrays.copyOf(rows, rows.length + second.rows.length);
    System.arraycopy(second.rows, 0, both, rows.length, second.rows.length);
    return new Sums(names, both, formula);
  }
}
