package org.radialog.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;

/** What holds for the text metrics whatever the texts are, and their edges. */
class TextMetricsTest {
  @Property(tries = 200)
  void equalTextsHaveTheBestScore(@ForAll("reports") List<String> texts) {
    List<TextPair> pairs =
        texts.stream().map(text -> new TextPair("", List.of(text), text)).toList();
    for (MetricScores scores : scores(pairs)) {
      // With one pair CIDEr's weights are all none, and so is its score.
      double least = scores.name().equals("CIDEr") ? 0 : 1 - 1e-3;
      double most = scores.name().equals("CIDEr") ? 10 : 1;
      for (double score : scores.pairs()) {
        assertThat(score).as(scores.name()).isBetween(least, most + 1e-9);
      }
    }
  }

  @Property(tries = 100)
  void scoresFollowTheirPairs(
      @ForAll("reports") List<String> references,
      @ForAll("reports") List<String> hypotheses,
      @ForAll long seed) {
    int size = Math.min(references.size(), hypotheses.size());
    List<TextPair> pairs = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      pairs.add(new TextPair("", List.of(references.get(i)), hypotheses.get(i)));
    }
    List<Integer> order = new ArrayList<>(IntStream.range(0, size).boxed().toList());
    Collections.shuffle(order, new Random(seed));
    List<MetricScores> before = scores(pairs);
    List<MetricScores> after = scores(order.stream().map(pairs::get).toList());
    for (int m = 0; m < before.size(); m++) {
      assertThat(after.get(m).corpus()).isCloseTo(before.get(m).corpus(), within(1e-12));
      for (int i = 0; i < size; i++) {
        assertThat(after.get(m).pairs()[i])
            .isCloseTo(before.get(m).pairs()[order.get(i)], within(1e-12));
      }
    }
  }

  @Property(tries = 100)
  void aFurtherReferenceNeverLowersRougeOrMeteor(
      @ForAll("reports") List<String> texts, @ForAll("reports") List<String> further) {
    String hypothesis = texts.getFirst();
    String reference = texts.getLast();
    List<TextPair> one = List.of(new TextPair("", List.of(reference), hypothesis));
    List<TextPair> two =
        List.of(new TextPair("", List.of(reference, further.getFirst()), hypothesis));
    TokenizedPairs before = TokenizedPairs.of(one, WordTokenizer.WHITESPACE);
    TokenizedPairs after = TokenizedPairs.of(two, WordTokenizer.WHITESPACE);
    assertThat(RougeL.of(after).corpus()).isGreaterThanOrEqualTo(RougeL.of(before).corpus());
    assertThat(Meteor.withoutData().of(after).corpus())
        .isGreaterThanOrEqualTo(Meteor.withoutData().of(before).corpus());
  }

  @Provide
  Arbitrary<List<String>> reports() {
    return Arbitraries.of("the", "lungs", "are", "clear", "no", "effusion", ".", "left", "heart")
        .list()
        .ofMinSize(4)
        .ofMaxSize(12)
        .map(words -> String.join(" ", words))
        .list()
        .ofMinSize(1)
        .ofMaxSize(6);
  }

  private static List<MetricScores> scores(List<TextPair> pairs) {
    TokenizedPairs words = TokenizedPairs.of(pairs, WordTokenizer.WHITESPACE);
    return Stream.concat(
            Bleu.of(words).stream(),
            Stream.of(RougeL.of(words), Cider.of(words), Meteor.withoutData().of(words)))
        .toList();
  }

  @Test
  void anEmptyHypothesisScoresNothing() {
    for (MetricScores scores :
        scores(
            List.of(
                new TextPair("a", List.of("the lungs are clear"), ""),
                new TextPair("b", List.of("no effusion is seen"), "no effusion is seen")))) {
      assertThat(scores.pairs()[0]).as(scores.name()).isCloseTo(0, within(1e-9));
    }
  }

  @Test
  void aPairWithoutReferenceIsRefused() {
    assertThatThrownBy(() -> new TextPair("s50", List.of(), "clear"))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("s50");
    assertThatThrownBy(() -> TokenizedPairs.of(List.of(), WordTokenizer.NLTK))
        .isInstanceOf(RadialogException.class);
  }

  @Test
  void nltkEndsSentencesAsItsModelDoes() {
    assertThat(WordTokenizer.NLTK.tokens("Compared with the CT. Heart size is normal. No change."))
        .containsExactly(
            "compared",
            "with",
            "the",
            "ct.",
            "heart",
            "size",
            "is",
            "normal",
            ".",
            "no",
            "change",
            ".");
    assertThat(WordTokenizer.NLTK.tokens("Discussed with Dr. Smith. 1. Clear lungs."))
        .containsExactly("discussed", "with", "dr.", "smith", ".", "1", ".", "clear", "lungs", ".");
  }

  @Test
  void nltkCutsContractionsAndQuotes() {
    assertThat(WordTokenizer.NLTK.tokens("The patient's \"old\" film cannot be seen, isn't it?"))
        .containsExactly(
            "the", "patient", "'s", "``", "old", "''", "film", "can", "not", "be", "seen", ",",
            "is", "n't", "it", "?");
  }

  @Test
  void ptbLosesPunctuationAndKeepsBracketsInLowerCase() {
    assertThat(
            WordTokenizer.PTB.tokens("Left-sided effusion (small), unchanged; Dr. Smith isn't in."))
        .containsExactly(
            "left-sided",
            "effusion",
            "-lrb-",
            "small",
            "-rrb-",
            "unchanged",
            "dr.",
            "smith",
            "is",
            "n't",
            "in");
  }

  @Test
  void meteorMatchesByStemAndSense() {
    TokenizedPairs pairs =
        TokenizedPairs.of(
            List.of(
                new TextPair("stem", List.of("normal appearance"), "normal appear"),
                new TextPair("sense", List.of("normal chest"), "normal thorax"),
                new TextPair("neither", List.of("normal chest"), "normal knee")),
            WordTokenizer.WHITESPACE);
    double[] scores = Meteor.withoutData().of(pairs).pairs();
    assertThat(scores[1]).isGreaterThan(scores[0]); // 0.8 a synonym, 0.6 a stem
    assertThat(scores[0]).isGreaterThan(scores[2]);
  }

  @Test
  void withoutItsDataMeteorSaysHowToGetThem(@TempDir Path folder) throws Exception {
    assertThatThrownBy(() -> Meteor.open(folder))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("paraphrase-en.gz")
        .hasMessageContaining("pycocoevalcap");
    try (GZIPOutputStream out =
        new GZIPOutputStream(Files.newOutputStream(folder.resolve("paraphrase-en.gz")))) {
      out.write('\n');
    }
    assertThatThrownBy(() -> Meteor.open(folder))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("meteor-1.5.jar")
        .hasMessageContaining("pycocoevalcap");
  }
}
