package org.radialog.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Scores of a corpus that are no means of pairs: a resample has the score of its own pairs. */
class CorpusResamplesTest {
  private static final List<TextPair> PAIRS =
      List.of(
          new TextPair("a", List.of("The heart is enlarged."), "The heart is mildly enlarged."),
          new TextPair("b", List.of("No effusion.", "There is no effusion."), "No effusion seen."),
          new TextPair("c", List.of("Clear lungs."), "Clear lungs."),
          new TextPair("d", List.of("There is a small nodule."), ""));

  private static TokenizedPairs tokenized(List<TextPair> pairs) {
    return TokenizedPairs.of(pairs, WordTokenizer.NLTK);
  }

  private static void same(double[] actual, double... expected) {
    assertThat(actual).containsExactly(expected, within(1e-12));
  }

  @Test
  void bleuOfAResampleIsThatOfItsPairs() {
    Resampled resampled = Bleu.resampled(tokenized(PAIRS));
    same(resampled.values(), bleu(PAIRS));
    same(
        resampled.of(new int[] {2, 1, 0, 0}),
        bleu(List.of(PAIRS.get(0), PAIRS.get(0), PAIRS.get(1))));
  }

  private static double[] bleu(List<TextPair> pairs) {
    return Bleu.of(tokenized(pairs)).stream().mapToDouble(MetricScores::corpus).toArray();
  }

  @Test
  void meteorOfAResampleIsThatOfItsPairs() {
    Meteor meteor = Meteor.withoutData();
    Resampled resampled = meteor.resampled(tokenized(PAIRS));
    same(resampled.values(), meteor.of(tokenized(PAIRS)).corpus());
    same(
        resampled.of(new int[] {0, 1, 2, 1}),
        meteor
            .of(tokenized(List.of(PAIRS.get(1), PAIRS.get(2), PAIRS.get(2), PAIRS.get(3))))
            .corpus());
  }
}
