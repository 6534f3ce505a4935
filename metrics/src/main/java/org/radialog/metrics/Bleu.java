package org.radialog.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.radialog.base.Progress;

/**
 * BLEU-1 to BLEU-4 (Papineni et al., ACL 2002) as computed by pycocoevalcap 1.2: the n-grams of a
 * hypothesis, each counted at most as often as in a reference; the geometric mean of the precisions
 * for 1- to n-grams; a penalty if the hypotheses are shorter than the references, using the
 * reference closest in length. A tiny constant is added to the counts, so that a pair without a
 * common n-gram has a score near 0 and not 0.
 */
public final class Bleu implements TextMetric {
  private static final double TINY = 1e-15;
  private static final double SMALL = 1e-9;

  @Override
  public String name() {
    return "BLEU";
  }

  @Override
  public Scored over(TokenizedPairs pairs, Progress progress) {
    return Scored.of(resampled(pairs));
  }

  /**
   * BLEU-1, BLEU-2, BLEU-3, BLEU-4; the corpus scores are computed from the counts of all pairs.
   */
  public static List<MetricScores> of(TokenizedPairs pairs) {
    List<Counts> counts = pairs.pairs().parallelStream().map(Counts::of).toList();
    Counts sum = new Counts();
    counts.forEach(sum::add);
    double[] corpus = sum.scores();
    double[][] each = counts.stream().map(Counts::scores).toArray(double[][]::new);
    List<MetricScores> scores = new ArrayList<>();
    for (int n = 0; n < TokenizedPairs.LONGEST; n++) {
      int length = n;
      double[] ofPairs =
          IntStream.range(0, each.length).mapToDouble(i -> each[i][length]).toArray();
      scores.add(new MetricScores("BLEU-" + (n + 1), corpus[n], ofPairs));
    }
    return scores;
  }

  /** The corpus scores of any resample of the pairs. */
  public static Resampled resampled(TokenizedPairs pairs) {
    double[][] rows =
        pairs.pairs().parallelStream().map(pair -> Counts.of(pair).row()).toArray(double[][]::new);
    List<String> names =
        IntStream.rangeClosed(1, TokenizedPairs.LONGEST).mapToObj(n -> "BLEU-" + n).toList();
    return new Sums(names, rows, (sums, items) -> Counts.of(sums).scores());
  }

  /** Counts of one pair or of many. */
  private static final class Counts {
    private final long[] found = new long[TokenizedPairs.LONGEST];
    private final long[] said = new long[TokenizedPairs.LONGEST];
    private long hypothesis;
    private long reference;

    static Counts of(TokenizedPairs.Pair pair) {
      Counts counts = new Counts();
      counts.hypothesis = pair.hypothesis().length();
      counts.reference = closest(pair);
      for (int n = 0; n < TokenizedPairs.LONGEST; n++) {
        counts.said[n] = pair.hypothesis().runs()[n].length;
        counts.found[n] = found(pair, n);
      }
      return counts;
    }

    static Counts of(double[] row) {
      Counts counts = new Counts();
      for (int n = 0; n < TokenizedPairs.LONGEST; n++) {
        counts.found[n] = (long) row[2 * n];
        counts.said[n] = (long) row[2 * n + 1];
      }
      counts.hypothesis = (long) row[2 * TokenizedPairs.LONGEST];
      counts.reference = (long) row[2 * TokenizedPairs.LONGEST + 1];
      return counts;
    }

    double[] row() {
      double[] row = new double[2 * TokenizedPairs.LONGEST + 2];
      for (int n = 0; n < TokenizedPairs.LONGEST; n++) {
        row[2 * n] = found[n];
        row[2 * n + 1] = said[n];
      }
      row[2 * TokenizedPairs.LONGEST] = hypothesis;
      row[2 * TokenizedPairs.LONGEST + 1] = reference;
      return row;
    }

    void add(Counts other) {
      for (int n = 0; n < TokenizedPairs.LONGEST; n++) {
        found[n] += other.found[n];
        said[n] += other.said[n];
      }
      hypothesis += other.hypothesis;
      reference += other.reference;
    }

    double[] scores() {
      double[] scores = new double[TokenizedPairs.LONGEST];
      double ratio = (hypothesis + TINY) / (reference + SMALL);
      double penalty = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
      double product = 1;
      for (int n = 0; n < TokenizedPairs.LONGEST; n++) {
        product *= (found[n] + TINY) / (said[n] + SMALL);
        scores[n] = Math.pow(product, 1.0 / (n + 1)) * penalty;
      }
      return scores;
    }

    // If two are equally close, the shorter.
    private static long closest(TokenizedPairs.Pair pair) {
      int length = pair.hypothesis().length();
      long best = Long.MAX_VALUE;
      for (TokenizedPairs.Text reference : pair.references()) {
        long distance = Math.abs(reference.length() - length) - Math.abs(best - length);
        if (distance < 0 || (distance == 0 && reference.length() < best)) {
          best = reference.length();
        }
      }
      return best;
    }

    private static long found(TokenizedPairs.Pair pair, int n) {
      int[] runs = pair.hypothesis().runs()[n];
      long found = 0;
      for (int i = 0; i < runs.length; ) {
        int end = i;
        while (end < runs.length && runs[end] == runs[i]) {
          end++;
        }
        int most = 0;
        for (TokenizedPairs.Text reference : pair.references()) {
          most = Math.max(most, count(reference.runs()[n], runs[i]));
        }
        found += Math.min(most, end - i);
        i = end;
      }
      return found;
    }

    private static int count(int[] sorted, int run) {
      int at = Arrays.binarySearch(sorted, run);
      if (at < 0) {
        return 0;
      }
      int begin = at;
      while (begin > 0 && sorted[begin - 1] == run) {
        begin--;
      }
      int end = at + 1;
      while (end < sorted.length && sorted[end] == run) {
        end++;
      }
      return end - begin;
    }
  }
}
