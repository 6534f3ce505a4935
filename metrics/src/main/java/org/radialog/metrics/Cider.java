package org.radialog.metrics;

import java.util.Arrays;
import org.radialog.base.Progress;

/**
 * CIDEr (Vedantam et al., CVPR 2015) as computed by {@code Cider} of pycocoevalcap 1.2, which is
 * CIDEr-D: 1- to 4-grams weighted by inverse document frequency over the references of the pairs,
 * the cosine of two texts with the hypothesis' weights clipped to those of the reference, a
 * Gaussian penalty of σ = 6 on the difference of lengths, the mean over the four lengths and the
 * references, times ten.
 *
 * <p>The weights come from the references of these pairs. For a single pair every score is 0, and
 * scores with different sets of references cannot be compared.
 */
public final class Cider implements TextMetric {
  private static final double SIGMA = 6;

  @Override
  public String name() {
    return "CIDEr";
  }

  @Override
  public Scored over(TokenizedPairs pairs, Progress progress) {
    return Scored.of(of(pairs).resampled());
  }

  /** The corpus score is the mean of the pairs. */
  public static MetricScores of(TokenizedPairs pairs) {
    double[] rarity = rarity(pairs);
    return MetricScores.mean("CIDEr", pairs.map(pair -> score(pair, rarity)));
  }

  // By n-gram: the logarithm of the number of pairs over the number of pairs that have it.
  private static double[] rarity(TokenizedPairs pairs) {
    int[] having = new int[pairs.runs()];
    int[] lastSeen = new int[pairs.runs()]; // the last pair that was counted, from 1
    int number = 0;
    for (TokenizedPairs.Pair pair : pairs.pairs()) {
      number++;
      for (TokenizedPairs.Text reference : pair.references()) {
        for (int[] runs : reference.runs()) {
          for (int run : runs) {
            if (lastSeen[run] != number) {
              lastSeen[run] = number;
              having[run]++;
            }
          }
        }
      }
    }
    double all = Math.log(pairs.size());
    return Arrays.stream(having).mapToDouble(count -> all - Math.log(Math.max(1, count))).toArray();
  }

  private static double score(TokenizedPairs.Pair pair, double[] rarity) {
    double sum = 0;
    for (TokenizedPairs.Text reference : pair.references()) {
      double difference = bigrams(pair.hypothesis()) - bigrams(reference);
      double penalty = Math.exp(-difference * difference / (2 * SIGMA * SIGMA));
      for (int n = 0; n < TokenizedPairs.LONGEST; n++) {
        sum += penalty * cosine(pair.hypothesis().runs()[n], reference.runs()[n], rarity);
      }
    }
    return 10 * sum / TokenizedPairs.LONGEST / pair.references().size();
  }

  // This is how the reference implementation measures lengths.
  private static int bigrams(TokenizedPairs.Text text) {
    return text.runs()[1].length;
  }

  // Both are sorted, so one pass is enough.
  private static double cosine(int[] hypothesis, int[] reference, double[] rarity) {
    double dot = 0;
    double hypothesisSquare = 0;
    double referenceSquare = 0;
    int i = 0;
    int j = 0;
    while (i < hypothesis.length || j < reference.length) {
      int run =
          Math.min(
              i < hypothesis.length ? hypothesis[i] : Integer.MAX_VALUE,
              j < reference.length ? reference[j] : Integer.MAX_VALUE);
      int begin = i;
      while (i < hypothesis.length && hypothesis[i] == run) {
        i++;
      }
      double inHypothesis = (i - begin) * rarity[run];
      begin = j;
      while (j < reference.length && reference[j] == run) {
        j++;
      }
      double inReference = (j - begin) * rarity[run];
      dot += Math.min(inHypothesis, inReference) * inReference;
      hypothesisSquare += inHypothesis * inHypothesis;
      referenceSquare += inReference * inReference;
    }
    return hypothesisSquare == 0 || referenceSquare == 0
        ? 0
        : dot / Math.sqrt(hypothesisSquare) / Math.sqrt(referenceSquare);
  }
}
