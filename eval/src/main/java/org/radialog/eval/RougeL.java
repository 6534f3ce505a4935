package org.radialog.eval;

/**
 * ROUGE-L (Lin, 2004) as pycocoevalcap 1.2 computes it: the longest common subsequence of words
 * gives precision and recall, of several references the best of each, and F with β = 1.2. Two empty
 * texts are equal and score 1.
 */
public final class RougeL {
  private static final double BETA = 1.2;
  private static final int[] EMPTY = {-1}; // an empty text is one word that no other has

  private RougeL() {}

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

  // Length of the longest common subsequence; one row of the usual table at a time.
  private static int common(int[] a, int[] b) {
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
}
