package org.radialog.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.clinical.Finding;
import org.radialog.eval.ResultFolder.PlotFormat;
import org.radialog.metrics.Interval;
import org.radialog.metrics.MultiLabel;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ResultFolderTest {
  private static final String HOSTILE =
      "</td><script>alert(1)</script>\"onload='x' | **b** `c` [d](javascript:e) \u0007\nrow";

  @TempDir private Path folder;

  private Map<String, byte[]> written(Evaluation evaluation, String where) throws IOException {
    Path to = folder.resolve(where);
    ResultFolder.write(to, evaluation, EnumSet.allOf(PlotFormat.class));
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> paths = Files.walk(to)) {
      for (Path path : paths.filter(Files::isRegularFile).toList()) {
        files.put(to.relativize(path).toString(), Files.readAllBytes(path));
      }
    }
    return files;
  }

  private static String text(Map<String, byte[]> files, String name) {
    byte[] bytes = files.get(name);
    assertThat(bytes).as(name + " among " + files.keySet()).isNotNull();
    return bytes == null ? "" : new String(bytes, StandardCharsets.UTF_8);
  }

  @Test
  void theSameEvaluationGivesTheSameBytes() throws IOException {
    Map<String, byte[]> once = written(new SampleEvaluation(60).two("one", "other"), "a");
    Map<String, byte[]> again = written(new SampleEvaluation(60).two("one", "other"), "b");
    assertThat(once.keySet())
        .containsExactlyInAnyOrder(
            "scores.json",
            "table.md",
            "report.html",
            "plots/f1-uncertain-negative.svg",
            "plots/f1-uncertain-negative.png",
            "plots/f1-uncertain-positive.svg",
            "plots/f1-uncertain-positive.png",
            "plots/auroc.svg",
            "plots/auroc.png",
            "plots/roc.svg",
            "plots/roc.png",
            "plots/reliability.svg",
            "plots/reliability.png",
            "plots/change-1.svg",
            "plots/change-1.png");
    assertThat(again.keySet()).isEqualTo(once.keySet());
    once.forEach((name, bytes) -> assertThat(again.get(name)).as(name).isEqualTo(bytes));
  }

  @Test
  void theScoresOfOneSystemStandBesideTheSettings() throws IOException {
    Evaluation evaluation = new SampleEvaluation(60).one("ours");
    JsonNode json =
        JsonMapper.builder().build().readTree(text(written(evaluation, "a"), "scores.json"));
    SystemScores system = evaluation.systems().getFirst();
    JsonNode negative = json.required("scores").required("clinical").required("uncertain=negative");
    MultiLabel.Scores expected = system.clinical().firstEntry().getValue();
    expected
        .averages()
        .forEach((name, interval) -> {
          assertThat(negative.required(name).doubleValue())
              .as(name)
              .isCloseTo(interval.value(), within(0.0));
          JsonNode ends =
              json.required("intervals")
                  .required("clinical")
                  .required("uncertain=negative")
                  .required(name);
          assertThat(ends.get(0).doubleValue()).isEqualTo(interval.low());
          assertThat(ends.get(1).doubleValue()).isEqualTo(interval.high());
        });
    assertThat(negative.propertyNames())
        .contains(
            "macro_f1_14", "micro_f1_14", "samples_f1_14", "macro_f1_5", "micro_f1_5", "per_label");
    JsonNode edema = negative.required("per_label").required("Edema");
    MultiLabel.Row row = expected.labels().get(Finding.EDEMA.column());
    assertThat(edema.required("f1").doubleValue()).isEqualTo(row.f1().value());
    assertThat(edema.required("support").intValue()).isEqualTo(row.support());
    assertThat(json.required("scores").required("ROUGE-L").isNumber()).isTrue();
    assertThat(json.required("scores").has("METEOR")).isFalse();
    assertThat(json.required("settings").required("left_out").required("METEOR").stringValue())
        .contains("--meteor-data");
    assertThat(json.required("settings").required("references").required("sha256").stringValue())
        .hasSize(64);
    assertThat(json.required("marks").get(0).stringValue()).startsWith("synthetic");
    JsonNode finding =
        json.required("scores").required("findings").required("per_label").required("Edema");
    assertThat(finding.required("auroc").isNumber()).isTrue();
    assertThat(finding.required("roc").size()).isEqualTo(101);
    assertThat(finding.required("reliability").size()).isPositive();
    assertThat(json.required("subgroups").size()).isEqualTo(system.subgroups().size());
    assertThat(json.required("notice").stringValue()).contains("not for diagnosis");
  }

  @Test
  void severalSystemsStandOneAfterTheOtherWithTheirDifferences() throws IOException {
    Evaluation evaluation = new SampleEvaluation(60).two("before", "after");
    JsonNode json =
        JsonMapper.builder().build().readTree(text(written(evaluation, "a"), "scores.json"));
    assertThat(json.required("systems").size()).isEqualTo(2);
    assertThat(json.required("systems").get(1).required("name").stringValue()).isEqualTo("after");
    JsonNode difference =
        json.required("comparisons").get(0).required("differences").required("ROUGE-L");
    assertThat(difference.required("difference").doubleValue())
        .isEqualTo(
            difference.required("second").doubleValue()
                - difference.required("first").doubleValue());
    assertThat(difference.required("p").doubleValue()).isBetween(0.0, 1.0);
    assertThat(difference.required("interval").size()).isEqualTo(2);
  }

  @Test
  void marksAndNoticeStandOnPageAndTable() throws IOException {
    Map<String, byte[]> files = written(new SampleEvaluation(40).two("before", "after"), "a");
    for (String name : List.of("report.html", "table.md")) {
      assertThat(text(files, name))
          .contains("For research use, not for diagnosis.")
          .contains("oracle");
    }
    for (String name : files.keySet().stream().filter(n -> n.endsWith(".svg")).toList()) {
      assertThat(text(files, name))
          .as(name)
          .contains("For research use, not for diagnosis.")
          .contains("after (oracle)");
    }
  }

  @Test
  void aHostileNameIsTextEverywhere() throws Exception {
    Evaluation sample = new SampleEvaluation(40).two(HOSTILE, "other " + HOSTILE);
    var settings = new LinkedHashMap<>(sample.settings());
    settings.put(HOSTILE, HOSTILE);
    Evaluation evaluation =
        new Evaluation(HOSTILE, List.of(HOSTILE), sample.systems(), sample.comparisons(), settings);
    Map<String, byte[]> files = written(evaluation, "a");
    String html = text(files, "report.html");
    assertThat(html).doesNotContain("<script").doesNotContain("\"onload='");
    assertThat(html).contains("&lt;script&gt;");
    String markdown = text(files, "table.md");
    String unindented =
        markdown
            .lines()
            .filter(line -> !line.startsWith("    "))
            .reduce("", (a, b) -> a + b + "\n");
    assertThat(unindented).doesNotContain("<script").doesNotContain("[d](");
    // the header and the rows have the same number of cells
    assertThat(
            unindented
                .lines()
                .filter(line -> line.startsWith("| score"))
                .map(line -> line.replaceAll("\\\\.", "").chars().filter(c -> c == '|').count()))
        .containsExactly(4L, 6L);
    for (String name : files.keySet().stream().filter(n -> n.endsWith(".svg")).toList()) {
      Document svg = parsed(text(files, name));
      assertThat(svg.getElementsByTagName("script").getLength()).isZero();
      assertThat(texts(svg)).anyMatch(text -> text.startsWith("</td><script>"));
    }
  }

  @Test
  void plotsAreXmlInWhichTextIsText() throws Exception {
    Map<String, byte[]> files = written(new SampleEvaluation(60).one("ours"), "a");
    Document svg = parsed(text(files, "plots/f1-uncertain-negative.svg"));
    assertThat(texts(svg)).containsAll(Finding.ALL.stream().map(Finding::label).toList());
    assertThat(svg.getDocumentElement().getAttribute("font-family")).endsWith("sans-serif");
    assertThat(svg.getElementsByTagName("circle").getLength()).isEqualTo(Finding.COUNT);
    assertThat(texts(svg)).contains("synthetic · For research use, not for diagnosis.");
    var png = ImageIO.read(new ByteArrayInputStream(files.get("plots/f1-uncertain-negative.png")));
    assertThat((double) png.getWidth())
        .isEqualTo(2 * Double.parseDouble(svg.getDocumentElement().getAttribute("width")));
    assertThat(
            Stream.iterate(0, x -> x + 1)
                .limit(png.getWidth())
                .map(x -> png.getRGB(x, 60))
                .distinct())
        .hasSizeGreaterThan(2); // the heading is drawn
  }

  @Test
  void thePageLoadsNothing() throws IOException {
    String html = text(written(new SampleEvaluation(40).one("ours"), "a"), "report.html");
    assertThat(html.replace("http://www.w3.org/2000/svg", ""))
        .doesNotContain("http:")
        .doesNotContain("https:")
        .doesNotContain(" src=")
        .doesNotContain(" href=")
        .doesNotContain("url(")
        .doesNotContain("@import");
  }

  @Test
  void anUndefinedScoreIsNullAndADash() throws IOException {
    var scores = new LinkedHashMap<String, Interval>();
    scores.put("undefined", Interval.point(Double.NaN));
    scores.put("alone", Interval.point(.5));
    Evaluation evaluation =
        new Evaluation(
            "t",
            List.of(),
            List.of(SystemScores.of("s", 1).with(scores)),
            List.of(),
            new LinkedHashMap<>());
    Map<String, byte[]> files = written(evaluation, "a");
    JsonNode json = JsonMapper.builder().build().readTree(text(files, "scores.json"));
    assertThat(json.required("scores").required("undefined").isNull()).isTrue();
    assertThat(json.required("intervals").isEmpty()).isTrue();
    assertThat(text(files, "table.md")).contains("| undefined | – |").contains("| alone | 0.500 |");
  }

  private static Document parsed(String xml) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new ByteArrayInputStream(xml.getBytes(StandardCharsets.UTF_8)));
  }

  private static List<String> texts(Document svg) {
    NodeList nodes = svg.getElementsByTagName("text");
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < nodes.getLength(); i++) {
      texts.add(nodes.item(i).getTextContent());
    }
    return texts;
  }
}
