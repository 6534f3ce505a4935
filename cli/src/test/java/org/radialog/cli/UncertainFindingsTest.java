package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.clinical.Finding;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;

/** A finding between the two operating points of a model, or left open by the user. */
class UncertainFindingsTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final String FILM =
      CommandLineRun.ROOT.resolve("samples/no-finding.jpg").toString();

  @TempDir private static Path folder;
  @TempDir private static Path onePoint;

  /** The embedded model, which leaves an effusion open whatever its probability below presence. */
  @BeforeAll
  static void writeModels() throws IOException {
    ChangedModel.write(
        folder,
        classifier -> {
          ArrayNode possible = ((ArrayNode) classifier.required("thresholds")).deepCopy();
          possible.set(Finding.PLEURAL_EFFUSION.column(), 0.0);
          classifier.set("possible", possible);
        });
    ChangedModel.write(onePoint, classifier -> classifier.putNull("possible"));
  }

  @AfterAll
  static void removeLinks() throws IOException {
    ChangedModel.removeLinks(folder);
    ChangedModel.removeLinks(onePoint);
  }

  @Test
  void aProbabilityBetweenTheTwoIsUncertainInWordsInTheTableAndForPrograms() {
    String model = folder.toString();
    assertThat(CommandLineRun.of("findings", "--model", model, FILM).out())
        .containsPattern("No Finding .* uncertain \\(implied\\)")
        .containsPattern("Pleural Effusion .* uncertain\\R");
    List<String> table =
        CommandLineRun.of("findings", "--model", model, "--csv", "--states", FILM)
            .out()
            .lines()
            .toList();
    List<String> header = List.of(table.get(0).split(",", -1));
    List<String> row = List.of(table.get(1).split(",", -1));
    assertThat(row).hasSameSizeAs(header);
    assertThat(row.get(header.indexOf("Pleural Effusion state"))).isEqualTo("uncertain");
    assertThat(row.get(header.indexOf("Pleural Effusion uncertain above"))).isEqualTo("0.0000");
    assertThat(row.get(header.indexOf("Edema uncertain above")))
        .isEqualTo(row.get(header.indexOf("Edema threshold")));
    JsonNode effusion =
        finding(
            JSON.readTree(CommandLineRun.of("findings", "--model", model, "--json", FILM).out()),
            "Pleural Effusion");
    assertThat(effusion.at("/state").asString()).isEqualTo("uncertain");
    assertThat(effusion.at("/uncertain_above").asDouble()).isZero();
    assertThat(effusion.at("/implied").asBoolean()).isFalse();
  }

  @Test
  void aReportsPageSaysItInWordsAndMarksBothOperatingPoints(@TempDir Path pages)
      throws IOException {
    Path page = pages.resolve("page.html");
    CommandLineRun run =
        CommandLineRun.of(
            "report", "--model", folder.toString(), "--json", "--html", page.toString(), FILM);
    assertThat(run.code()).isZero();
    assertThat(Files.readString(page))
        .containsPattern("<tr class=\"open\"><th scope=\"row\">Pleural Effusion.*>uncertain</td>")
        .contains("<b class=\"lower\" style=\"left:0.0%\">")
        .contains("“Uncertain”: its probability lies between");
  }

  @Test
  void aFindingThatTheUserLeavesOpenIsUncertainWithOneOperatingPointToo() {
    JsonNode findings =
        JSON.readTree(
            CommandLineRun.of(
                    "findings",
                    "--model",
                    onePoint.toString(),
                    "--json",
                    "--findings",
                    "?effusion",
                    FILM)
                .out());
    JsonNode effusion = finding(findings, "Pleural Effusion");
    assertThat(effusion.at("/state").asString()).isEqualTo("uncertain");
    assertThat(effusion.at("/edited").asBoolean()).isTrue();
    assertThat(effusion.has("uncertain_above")).isFalse();
    assertThat(finding(findings, "No Finding").at("/state").asString()).isEqualTo("uncertain");

    CommandLineRun wrong = CommandLineRun.of("findings", "--findings", "?Normal", FILM);
    assertThat(wrong.code()).isEqualTo(Main.USAGE);
    assertThat(wrong.err()).contains("No Finding follows from the other findings");
  }

  @Test
  void aReportStatesWhatTheUserLeavesOpenAndTheModelWasNeverTaught() {
    JsonNode line =
        JSON.readTree(CommandLineRun.of("report", "--json", "--findings", "?fracture", FILM).out());
    assertThat(line.at("/report/findings").asString()).endsWith(" There is possible fracture.");
    assertThat(
            StreamSupport.stream(line.at("/report/warnings").spliterator(), false)
                .map(warning -> warning.path("label").asString()))
        .doesNotContain("Fracture");
  }

  private static JsonNode finding(JsonNode line, String label) {
    return StreamSupport.stream(line.at("/findings").spliterator(), false)
        .filter(row -> row.at("/label").asString().equals(label))
        .findFirst()
        .orElseThrow();
  }
}
