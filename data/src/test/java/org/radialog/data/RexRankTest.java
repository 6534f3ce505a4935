package org.radialog.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.clinical.ReportSections;
import org.radialog.data.StudyImage.Orientation;
import org.radialog.testing.TestData;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class RexRankTest {
  private static final String STUDIES =
      """
      {"b1": {"key_image_path": "b1/1.png", "image_path": ["b1/0.png", "b1/1.png"],
              "report": "Findings: Clear. Impression: Normal.",
              "section_findings": "Clear.", "section_impression": "Normal.", "split": "val",
              "frontal_lateral": ["Lateral", "Frontal"],
              "context": "<context>Age:50-60.Gender:M.Indication: Cough.Comparison: None.</context>"},
       "a2": {"image_path": ["a2/0.png"], "section_findings": NaN, "section_impression": "Größe.",
              "context": {"age": "61", "gender": "F", "indication": "Fall"}, "subject_id": 17},
       "a3": "no study"}
      """;

  @TempDir Path folder;

  @Test
  void studiesComeWithImagesSectionsAndContext() throws IOException {
    Path input = Files.writeString(folder.resolve("in.json"), STUDIES);
    StudySet set = RexRank.of(input).readAll();
    assertThat(set.studies()).extracting(ReportedStudy::id).containsExactly("b1", "a2");
    ReportedStudy first = set.studies().getFirst();
    assertThat(first.images())
        .containsExactly(
            StudyImage.of("b1/0.png", Path.of("b1/0.png"), Orientation.LATERAL),
            StudyImage.of("b1/1.png", Path.of("b1/1.png"), Orientation.FRONTAL));
    assertThat(first.attribute(RexRank.KEY_IMAGE)).isEqualTo("b1/1.png");
    assertThat(first.split()).isEqualTo(StudySplit.VALIDATE);
    assertThat(first.report().findings()).isEqualTo("Clear.");
    assertThat(first.report().impression()).isEqualTo("Normal.");
    assertThat(first.report().indication()).isEqualTo("Cough.");
    assertThat(first.report().comparison()).isEqualTo("None.");
    assertThat(first.report().text(ReportSections.FULL_REPORT)).startsWith("Findings: Clear.");
    assertThat(first.attribute(ReportedStudy.AGE)).isEqualTo("50-60");
    assertThat(first.age()).isEmpty();
    assertThat(first.sex()).isEqualTo("M");
    assertThat(first.patient()).isEqualTo("b1");
    ReportedStudy second = set.studies().get(1);
    assertThat(second.report().findings()).isEmpty();
    assertThat(second.report().indication()).isEqualTo("Fall");
    assertThat(second.age()).hasValue(61);
    assertThat(second.sex()).isEqualTo("F");
    assertThat(second.patient()).isEqualTo("17");
    assertThat(set.rejected()).singleElement().asString().contains("in.json, row 3", "a3");
  }

  @Test
  void anImageOutsideTheFolderOrMissingIsOneLine() throws IOException {
    Path input =
        Files.writeString(
            folder.resolve("in.json"),
            """
            {"a": {"image_path": ["a.png", "../secret.png", "/etc/passwd", "gone.png", ""]}}\
            """);
    Files.writeString(folder.resolve("a.png"), "pixels");
    StudySet set = RexRank.of(input).withImages(folder).readAll();
    assertThat(set.studies().getFirst().images())
        .extracting(StudyImage::file)
        .containsExactly(folder.resolve("a.png"));
    assertThat(set.rejected())
        .extracting(Rejected::reason)
        .satisfiesExactly(
            line -> assertThat(line).contains("../secret.png"),
            line -> assertThat(line).contains("/etc/passwd"),
            line -> assertThat(line).contains("gone.png is missing"),
            line -> assertThat(line).contains("\"\""));
  }

  @Test
  void theOutputIsTheInputWithPredictions() throws IOException {
    Path input =
        Files.writeString(
            folder.resolve("in.json"), STUDIES.replace(", \n \"a3\": \"no study\"", ""));
    Path output = folder.resolve("out/saved.json");
    List<String> without =
        RexRank.write(
            input,
            output,
            id -> id.equals("a3") ? Optional.empty() : Optional.of("Report of " + id + "\n\"x\""));
    assertThat(without).containsExactly("a3");
    assertThat(Files.readString(output)).startsWith("{\n    \"b1\": {\n        \"key_image_path\"");
    JsonNode json = JsonMapper.shared().readTree(output);
    assertThat(json.propertyNames()).containsExactly("b1", "a2");
    assertThat(json.path("b1").propertyNames())
        .containsExactly(
            "key_image_path",
            "image_path",
            "report",
            "section_findings",
            "section_impression",
            "split",
            "frontal_lateral",
            "context",
            "model_prediction");
    assertThat(json.path("a2").path("section_findings").isNull()).isTrue();
    assertThat(json.path("a2").path("section_impression").asString()).isEqualTo("Größe.");
    assertThat(RexRank.predictions(output))
        .containsExactly(
            Map.entry("b1", "Report of b1\n\"x\""), Map.entry("a2", "Report of a2\n\"x\""));
    // The output can itself be read as a file of studies.
    assertThat(RexRank.of(output).readAll().studies())
        .extracting(ReportedStudy::report)
        .isEqualTo(
            RexRank.of(input).readAll().studies().stream().map(ReportedStudy::report).toList());
  }

  @Test
  void whatIsNoObjectOfStudiesIsRefused() throws IOException {
    for (String text : List.of("[]", "", "{\"a\": {", "plain")) {
      Path input = Files.writeString(folder.resolve("in.json"), text);
      assertThatThrownBy(() -> RexRank.of(input).readAll())
          .as(text)
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("in.json");
    }
    assertThatThrownBy(() -> RexRank.of(folder.resolve("nowhere.json")).readAll())
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("nowhere.json");
  }

  @Test
  void thePublishedValidationFileIsReadWhole() {
    Path input = TestData.assumeFolder().resolve("data/reports/iu/ReXRank_IUXray_valid.json");
    StudySet set = RexRank.of(input).readAll();
    assertThat(set.studies()).hasSize(296);
    assertThat(set.rejected()).isEmpty();
    assertThat(set.of(StudySplit.VALIDATE)).hasSize(296);
    assertThat(set.studies())
        .allSatisfy(study -> {
          assertThat(study.images()).isNotEmpty();
          assertThat(study.report().text(ReportSections.FULL_REPORT))
              .isEqualTo(
                  "Findings: %s Impression: %s"
                      .formatted(study.report().findings(), study.report().impression()));
        });
    assertThat(set.studies())
        .filteredOn(study -> !study.report().indication().isEmpty())
        .hasSizeGreaterThan(280);
  }
}
