package org.radialog.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.radialog.testing.TestData;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The figures that nlg-eval holds its metrics to: several references, words by white space. */
class NlgEvalTest {
  // The figures are given to six digits, some of them cut off instead of rounded.
  private static final double DIGITS = 1.5e-6;

  private static final Pattern QUOTED = Pattern.compile("\"([^\"]*)\"");

  @TestFactory
  Stream<DynamicTest> figures() {
    if (TestData.folder().isEmpty()) {
      return Stream.of(dynamicTest("nlg-eval", TestData::assumeFolder));
    }
    Path folder = TestData.assumeFolder().resolve("data").resolve("metrics");
    JsonNode cases = JsonMapper.shared().readTree(folder.resolve("nlgeval-expected.json").toFile());
    return cases.properties().stream()
        .flatMap(c -> {
          TokenizedPairs pairs =
              TokenizedPairs.of(pairs(folder, c.getKey()), WordTokenizer.WHITESPACE);
          return c.getValue().properties().stream()
              .map(figure ->
                  dynamicTest(
                      c.getKey() + ": " + figure.getKey(),
                      () ->
                          assertThat(score(pairs, figure.getKey()))
                              .isCloseTo(figure.getValue().doubleValue(), within(DIGITS))));
        });
  }

  private static double score(TokenizedPairs pairs, String metric) {
    if (metric.equals("METEOR")) {
      return MeteorData.assumeMeteor().of(pairs).corpus();
    }
    Map<String, Double> scores = new LinkedHashMap<>();
    Bleu.of(pairs).forEach(s -> scores.put(s.name(), s.corpus()));
    scores.put("ROUGE-L", RougeL.of(pairs).corpus());
    scores.put("CIDEr", Cider.of(pairs).corpus());
    assertThat(scores).containsKey(metric);
    return scores.getOrDefault(metric, Double.NaN);
  }

  // FILE against FILE and FILE, or "text" against "text" and "text"
  private static List<TextPair> pairs(Path folder, String description) {
    List<String> quoted =
        QUOTED.matcher(description).results().map((MatchResult m) -> m.group(1)).toList();
    if (!quoted.isEmpty()) {
      return List.of(
          new TextPair(description, quoted.subList(1, quoted.size()), quoted.getFirst()));
    }
    List<List<String>> files =
        Stream.of(description.split(" against | and "))
            .map(name -> lines(folder.resolve(name)))
            .toList();
    List<TextPair> pairs = new ArrayList<>();
    IntStream.range(0, files.getFirst().size())
        .forEach(i ->
            pairs.add(
                new TextPair(
                    "line " + i,
                    files.stream().skip(1).map(lines -> lines.get(i)).toList(),
                    files.getFirst().get(i))));
    return pairs;
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException e) {
      throw new AssertionError(file + " cannot be read", e);
    }
  }
}
