package org.radialog.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts of a hundred thousand characters, as a model writes them that does not stop. */
class LongTextsTest {
  private static final int LENGTH = 100_000;
  private static final Duration SOON = Duration.ofSeconds(60); // alone it takes some seconds

  private static List<TextPair> pairs(String unit) {
    String text = unit.repeat(LENGTH / unit.length());
    return List.of(
        new TextPair("a", List.of("No effusion. " + text + " end"), "The heart. " + text + " fin"),
        new TextPair("b", List.of("No effusion."), text),
        new TextPair("c", List.of("Clear lungs."), "Clear lungs."));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"\"", ",", "'", ".", "(", "a", "no ", "a-", "1,", "don't", ". . ", "effusion. "})
  void everyMetricOfAnyTextComesSoon(String unit) {
    assertTimeoutPreemptively(
        SOON,
        () -> {
          for (WordTokenizer tokenizer : WordTokenizer.values()) {
            TokenizedPairs pairs = TokenizedPairs.of(pairs(unit), tokenizer);
            for (MetricScores scores :
                List.of(
                    Bleu.of(pairs).getLast(),
                    RougeL.of(pairs),
                    Cider.of(pairs),
                    Meteor.withoutData().of(pairs))) {
              assertThat(scores.corpus())
                  .as("%s %s", tokenizer, scores.name())
                  .isBetween(0.0, 10.0);
            }
          }
        });
  }

  @Test
  void aTextThatMeteorDoesNotAlignToItsEndIsCounted() {
    Meteor meteor = Meteor.withoutData();
    assertThat(meteor.scored(TokenizedPairs.of(pairs(","), WordTokenizer.NLTK)).cut()).isEqualTo(1);
    String report = "The heart is enlarged. There is a small pleural effusion. ".repeat(30);
    List<TextPair> usual =
        List.of(new TextPair("a", List.of(report + "No edema."), "No edema. " + report));
    assertThat(meteor.scored(TokenizedPairs.of(usual, WordTokenizer.NLTK)).cut()).isZero();
  }

  @Test
  void theLongestCommonSubsequenceOfLongTextsIsThatOfTheTable() {
    Random random = new Random(7);
    for (int i = 0; i < 60; i++) {
      int words = 1 + random.nextInt(40);
      int[] a = random.ints(130 + random.nextInt(200), 0, words).toArray();
      int[] b = random.ints(130 + random.nextInt(200), 0, words).toArray();
      int[][] table = new int[a.length + 1][b.length + 1];
      for (int x = 1; x <= a.length; x++) {
        for (int y = 1; y <= b.length; y++) {
          table[x][y] =
              a[x - 1] == b[y - 1]
                  ? table[x - 1][y - 1] + 1
                  : Math.max(table[x - 1][y], table[x][y - 1]);
        }
      }
      assertThat(RougeL.common(a, b)).isEqualTo(table[a.length][b.length]);
    }
  }
}
