package org.radialog.metrics;

import java.util.Arrays;
import org.radialog.base.Progress;

/**
 * ROUGE-L (Lin, 2004) as computed by pycocoevalcap 1.2: the longest common subsequence of words
 * gives precision and recall, each the best over several references, and F with β = 1.2. Two empty
 * texts are equal and score 1.
 */
public final class RougeL implements TextMetric {
  private static final double BETA = 1.2;
  // number of cells up to which a table is filled cell by cell
  private static final int SMALL = 1 << 14;
  private static final int[] EMPTY = {-1}; // an empty text is treated as one unique word

  @Override
  public String name() {
    return "ROUGE-L";
  }

  @Override
  public Scored over(TokenizedPairs pairs, Progress progress) {
    return Scored.of(of(pairs).resampled());
  }

  /** The corpus score is the mean of the pairs. */
  public static MetricScores of(TokenizedPairs pairs) {
    return MetricScores.mean("ROUGE-L", pairs.map(RougeL::score));
  }

  private static double score(TokenizedPairs.Pair pair) {
    int[] hypothesis = words(pair.hypothesis());
    double precision = 0;
    double recall = 0;
    for (TokenizedPairs.Text text : pair.references()) {
      int[] reference = words(text);
      double common = common(hypothesis, reference);
      precision = Math.max(precision, common / hypothesis.length);
      recall = Math.max(recall, common / reference.length);
    }
    if (precision == 0 || recall == 0) {
      return 0;
    }
    double weight = BETA * BETA;
    return (1 + weight) * precision * recall / (recall + weight * precision);
  }

  private static int[] words(TokenizedPairs.Text text) {
    return text.length() == 0 ? EMPTY : text.ids();
  }

  /** Length of the longest common subsequence. */
  static int common(int[] a, int[] b) {
    // The common beginning and end.
    int begin = 0;
    int most = Math.min(a.length, b.length);
    while (begin < most && a[begin] == b[begin]) {
      begin++;
    }
    int end = 0;
    while (end < most - begin && a[a.length - 1 - end] == b[b.length - 1 - end]) {
      end++;
    }
    int[] restOfA = Arrays.copyOfRange(a, begin, a.length - end);
    int[] restOfB = Arrays.copyOfRange(b, begin, b.length - end);
    return begin
        + end
        + ((long) restOfA.length * restOfB.length < SMALL
            ? byTable(restOfA, restOfB)
            : byBits(restOfA, restOfB));
  }

  // One row of the usual table at a time.
  private static int byTable(int[] a, int[] b) {
    int[] row = new int[b.length + 1];
    for (int word : a) {
      int diagonal = 0;
      for (int j = 1; j <= b.length; j++) {
        int above = row[j];
        row[j] = word == b[j - 1] ? diagonal + 1 : Math.max(above, row[j - 1]);
        diagonal = above;
      }
    }
    return row[b.length];
  }

  /**
   * The same for long texts, 64 cells of a row at once (H. Hyyrö, Bit-parallel LCS-length
   * computation revisited, 2004): a bit of {@code row} is 0 where the row increases. In V + (V & M)
   * | V & ~M only the parts with a match, and those reached by a carry, change.
   */
  private static int byBits(int[] a, int[] b) {
    // The positions of each word in b: sorted by word and position, the positions in 64 cells as
    // one mask.
    long[] places = new long[b.length];
    for (int j = 0; j < b.length; j++) {
      places[j] = (long) b[j] << Integer.SIZE | j;
    }
    Arrays.sort(places);
    long[] parts = new long[b.length]; // (word, part of the row)
    long[] masks = new long[b.length];
    int count = 0;
    for (long place : places) {
      long part = place >> Integer.SIZE << Integer.SIZE | (int) place >> 6;
      if (count == 0 || parts[count - 1] != part) {
        parts[count++] = part;
      }
      masks[count - 1] |= 1L << (int) place;
    }
    long[] row = new long[(b.length + 63) / 64];
    Arrays.fill(row, -1);
    for (int word : a) {
      int at = Arrays.binarySearch(parts, 0, count, (long) word << Integer.SIZE);
      at = at < 0 ? -at - 1 : at;
      boolean carry = false;
      for (int part = 0; part < row.length; part++) {
        boolean matched = at < count && parts[at] >> Integer.SIZE == word;
        if (!carry) {
          if (!matched) {
            break;
          }
          part = (int) parts[at];
        }
        long match = matched && (int) parts[at] == part ? masks[at++] : 0;
        long old = row[part];
        long sum = old + (old & match);
        long carried = carry ? sum + 1 : sum;
        row[part] = carried | (old & ~match);
        carry = Long.compareUnsigned(sum, old) < 0 || (carry && carried == 0);
      }
    }
    int rises = 0;
    for (int part = 0; part < row.length; part++) {
      long within = part == row.length - 1 && (b.length & 63) != 0 ? (1L << b.length) - 1 : -1;
      rises += Long.bitCount(~row[part] & within);
    }
    return rises;
  }
}
