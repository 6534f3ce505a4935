package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.clinical.Finding;
import org.radialog.published.Performance;
import org.radialog.published.StrictJson;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;

/** A finding that a model was trained on without learning to tell it, and how right it is else. */
class WeakFindingsTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final String FILM =
      CommandLineRun.ROOT.resolve("samples/no-finding.jpg").toString();

  private static final Performance EDEMA =
      new Performance(
          "Edema",
          80,
          20,
          new Performance.Figure(0.75, 0.6, 0.8),
          new Performance.Figure(0.5, 0.4, 0.6),
          new Performance.Figure(0.7, 0.6, 0.8),
          new Performance.Figure(0.96, 0.9, 1),
          Optional.of(new Performance.Figure(0.44, 0.25, 0.65)),
          Optional.of(new Performance.Figure(0.93, 0.91, 0.95)),
          0.15);

  @TempDir private static Path folder;

  /** The embedded model, which would see a lesion on every film if it were asked. */
  @BeforeAll
  static void writeModel() throws IOException {
    ChangedModel.write(
        folder,
        classifier -> {
          int lesion = Finding.LUNG_LESION.column();
          ((ArrayNode) classifier.required("thresholds")).set(lesion, 0.0);
          classifier.putNull("possible");
          ArrayNode evidence = (ArrayNode) classifier.required("evidence");
          evidence.set(lesion, "weak");
          evidence.set(Finding.EDEMA.column(), "trained");
          classifier.putArray("performance").add(StrictJson.tree(EDEMA));
        });
  }

  @AfterAll
  static void removeLinks() throws IOException {
    ChangedModel.removeLinks(folder);
  }

  @Test
  void wordsSayWhyItIsNotAssessedAndOnceHowOftenTheOtherCallsWereRight() {
    List<String> lines =
        CommandLineRun.of("findings", "--model", folder.toString(), FILM, FILM)
            .out()
            .lines()
            .toList();
    assertThat(lines)
        .noneMatch(line -> line.startsWith("  Lung Lesion"))
        .anyMatch(line ->
            line.startsWith("  Not assessed by this model (too weak to tell): ")
                && line.contains("Lung Lesion"))
        .anyMatch(line -> line.startsWith("  Not assessed by this model (never trained): "));
    assertThat(lines)
        .filteredOn(line -> line.startsWith("How often such calls were right"))
        .hasSize(1);
    assertThat(lines).filteredOn(line -> line.matches(" *Edema +20/80 +0.50 .*0.93 .*")).hasSize(1);
  }

  @Test
  void programsReadTheReasonAndHowOftenCallsOfAFindingWereRight() {
    JsonNode line =
        JSON.readTree(
            CommandLineRun.of("findings", "--model", folder.toString(), "--json", FILM).out());
    JsonNode lesion = finding(line, "Lung Lesion");
    assertThat(lesion.at("/state").asString()).isEqualTo("not_assessed");
    assertThat(lesion.at("/evidence").asString()).isEqualTo("weak");
    assertThat(lesion.has("probability")).isFalse();
    assertThat(finding(line, "Fracture").at("/evidence").asString()).isEqualTo("untrained");
    assertThat(finding(line, "Edema").at("/performance/ppv/low").asDouble()).isEqualTo(0.25);
    assertThat(finding(line, "Pneumonia").has("performance")).isFalse();
  }

  @Test
  void aReportStatesItWhereTheUserSetsIt() {
    JsonNode line =
        JSON.readTree(
            CommandLineRun.of(
                    "report",
                    "--model",
                    folder.toString(),
                    "--json",
                    "--findings",
                    "+Lung Lesion",
                    FILM)
                .out());
    assertThat(line.at("/report/findings").asString()).containsIgnoringCase("lung lesion");
    assertThat(line.at("/report/warnings")).isEmpty();
    assertThat(finding(line, "Lung Lesion").at("/state").asString()).isEqualTo("present");
  }

  private static JsonNode finding(JsonNode line, String label) {
    return StreamSupport.stream(line.at("/findings").spliterator(), false)
        .filter(row -> row.at("/label").asString().equals(label))
        .findFirst()
        .orElseThrow();
  }
}
