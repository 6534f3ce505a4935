package org.radialog.metrics;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.Parity;
import tools.jackson.databind.JsonNode;

/** Text metrics against pycocoevalcap, NLTK and bert-score, from the texts as they are written. */
class MetricsParityTest {
  private static final double COUNTED = 1e-9;
  private static final double METEOR = 1e-6;
  private static final double BERT_SCORE = 1e-5;

  @TempDir private Path folder;

  @TestFactory
  Stream<DynamicTest> words() {
    return Golden.tests(
        "metrics",
        c ->
            Stream.of("reference", "hypothesis")
                .map(side ->
                    dynamicTest(
                        c + "/" + side + "_tokens",
                        () ->
                            Parity.equal(
                                c + "/" + side + "_tokens",
                                texts(c, side).stream()
                                    .map(t -> String.join(" ", WordTokenizer.NLTK.tokens(t)))
                                    .toList(),
                                texts(c, side + "_tokens")))));
  }

  @TestFactory
  Stream<DynamicTest> countedMetrics() {
    return Golden.tests(
        "metrics",
        c ->
            IntStream.range(0, counted(c).size())
                .mapToObj(i -> {
                  String name = counted(c).get(i).name();
                  return dynamicTest(c + "/" + name, () -> check(c, counted(c).get(i), COUNTED));
                }));
  }

  @TestFactory
  Stream<DynamicTest> meteor() {
    return Golden.tests(
        "metrics",
        c ->
            Stream.of(
                dynamicTest(
                    c + "/METEOR",
                    () -> {
                      Meteor meteor = MeteorData.assumeMeteor();
                      check(c, meteor.of(TokenizedPairs.of(pairs(c), WordTokenizer.NLTK)), METEOR);
                    })));
  }

  @TestFactory
  Stream<DynamicTest> bertScore() {
    return Golden.tests(
        "metrics",
        c ->
            Stream.of(false, true)
                .flatMap(idf -> {
                  String section = idf ? "idf" : "no_idf";
                  return IntStream.range(0, 3)
                      .mapToObj(k ->
                          dynamicTest(
                              c + "/bertscore." + section + "." + "PRF".charAt(k),
                              () -> checkBertScore(c, idf, section, k, bertScores(c, idf).get(k))));
                }));
  }

  private static void checkBertScore(
      GoldenCase c, boolean idf, String section, int k, MetricScores actual) {
    JsonNode expected = c.values().required("bertscore").required(idf ? "idf" : "no_idf");
    String letter = String.valueOf("PRF".charAt(k));
    Parity.check(
        c + "/bertscore." + section + "." + letter,
        DoubleStream.concat(DoubleStream.of(actual.pairs()), DoubleStream.of(actual.corpus()))
            .toArray(),
        DoubleStream.concat(
                DoubleStream.of(GoldenCase.doubles(expected.required(letter))),
                DoubleStream.of(expected.required("mean").get(k).doubleValue()))
            .toArray(),
        BERT_SCORE);
  }

  private List<MetricScores> bertScores(GoldenCase c, boolean idf) {
    BertFolder.write(folder, c);
    int layer =
        c.values()
            .required("bertscore")
            .required("model")
            .required("scored_after_layer")
            .intValue();
    BertScore.Settings settings =
        new BertScore.Settings(OptionalInt.of(layer), idf, Optional.empty());
    try (BertScore score = BertScore.open(folder, settings)) {
      return score.of(pairs(c), Progress.NONE);
    }
  }

  private static List<MetricScores> counted(GoldenCase c) {
    TokenizedPairs pairs = TokenizedPairs.of(pairs(c), WordTokenizer.NLTK);
    List<MetricScores> scores = new ArrayList<>(Bleu.of(pairs));
    scores.add(RougeL.of(pairs));
    scores.add(Cider.of(pairs));
    return scores;
  }

  /** The pairs and, behind them, the corpus. */
  private static void check(GoldenCase c, MetricScores scores, double tolerance) {
    String name = scores.name();
    double[] expected =
        DoubleStream.concat(
                c.values()
                    .required("pairs")
                    .valueStream()
                    .mapToDouble(pair -> pair.required(name).doubleValue()),
                DoubleStream.of(c.values().required("corpus").required(name).doubleValue()))
            .toArray();
    double[] actual =
        DoubleStream.concat(DoubleStream.of(scores.pairs()), DoubleStream.of(scores.corpus()))
            .toArray();
    Parity.check(c + "/" + name, actual, expected, tolerance);
  }

  private static List<TextPair> pairs(GoldenCase c) {
    List<TextPair> pairs = new ArrayList<>();
    for (JsonNode pair : c.values().required("pairs")) {
      pairs.add(
          new TextPair(
              "pair " + pairs.size(),
              List.of(pair.required("reference").stringValue()),
              pair.required("hypothesis").stringValue()));
    }
    return pairs;
  }

  private static List<String> texts(GoldenCase c, String field) {
    return c.values()
        .required("pairs")
        .valueStream()
        .map(pair -> pair.required(field).stringValue())
        .toList();
  }
}
