package org.radialog.eval;

import java.util.Arrays;
import java.util.Comparator;
import java.util.OptionalDouble;

/** Area under the receiver operating characteristic. */
public final class Auroc {
  private Auroc() {}

  /**
   * The probability that a positive scores higher than a negative, ties counted half (Mann–Whitney
   * U); empty where one of the two classes is missing.
   */
  public static OptionalDouble of(double[] scores, boolean[] positive) {
    if (scores.length != positive.length) {
      throw new IllegalArgumentException(
          scores.length + " scores for " + positive.length + " truths");
    }
    Integer[] order = new Integer[scores.length];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, Comparator.comparingDouble(i -> scores[i]));
    double rankSum = 0;
    long positives = 0;
    for (int i = 0; i < order.length; ) {
      int end = i;
      int positivesHere = 0;
      while (end < order.length && scores[order[end]] == scores[order[i]]) {
        positivesHere += positive[order[end]] ? 1 : 0;
        end++;
      }
      // ranks i + 1 … end share their mean
      rankSum += positivesHere * (i + 1 + end) / 2.0;
      positives += positivesHere;
      i = end;
    }
    long negatives = scores.length - positives;
    if (positives == 0 || negatives == 0) {
      return OptionalDouble.empty();
    }
    return OptionalDouble.of(
        (rankSum - positives * (positives + 1) / 2.0) / ((double) positives * negatives));
  }
}
