package org.radialog.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;

class ReportFileTest {
  private static final List<String> SECTIONS = List.of("section_findings", "report");

  @TempDir private Path folder;

  private Path file(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content);
  }

  private static List<ReportFile.Row> rows(Path file) {
    List<ReportFile.Row> rows = new ArrayList<>();
    try (ReportFile reports = ReportFile.open(file, SECTIONS)) {
      reports.forEachRemaining(rows::add);
    }
    return rows;
  }

  @Test
  void aLineIsAReportAndAnEmptyLineAnEmptyOne() throws IOException {
    Path file = file("reports.txt", "No effusion.\r\n\nClear \u201clungs\u201d.");
    assertThat(ReportFile.readAll(file, SECTIONS))
        .containsExactly(
            Map.entry("1", List.of("No effusion.")),
            Map.entry("2", List.of("")),
            Map.entry("3", List.of("Clear \u201clungs\u201d.")));
  }

  @Test
  void aTableMayHoldLineBreaksAndOtherColumns() throws IOException {
    Path file = file("reports.csv", "report,id,x\n\"Clear.\nNo effusion, \"\"none\"\".\",a,1\n");
    assertThat(ReportFile.readAll(file, SECTIONS))
        .containsExactly(Map.entry("a", List.of("Clear.\nNo effusion, \"none\".")));
  }

  @Test
  void aTableWithoutItsColumnsIsRefusedByName() throws IOException {
    Path file = file("reports.csv", "id,text\na,Clear.\n");
    assertThatThrownBy(() -> ReportFile.readAll(file, SECTIONS))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining(file + " has no column \"report\"")
        .hasMessageContaining("found [id, text]");
  }

  @Test
  void linesOfJsonHaveAReportOrSeveralReferences() throws IOException {
    Path file =
        file(
            "reports.jsonl",
            "{\"id\":\"a\",\"report\":\"Clear.\"}\n\n{\"id\":7,\"references\":[\"A.\",\"B.\"]}\n");
    assertThat(ReportFile.readAll(file, SECTIONS))
        .containsExactly(Map.entry("a", List.of("Clear.")), Map.entry("7", List.of("A.", "B.")));
  }

  @Test
  void aBrokenRowIsNamedAndTheOthersAreRead() throws IOException {
    Path file =
        file(
            "reports.jsonl",
            """
            {"id":"a","report":"Clear."}
            {"id":
            {"id":"b"}
            {"id":"c","report":""}
            """);
    List<ReportFile.Row> rows = rows(file);
    assertThat(rows).hasSize(4);
    assertThat(rows.get(1)).isInstanceOf(ReportFile.Broken.class);
    assertThat(rows.get(2))
        .isInstanceOfSatisfying(
            ReportFile.Broken.class,
            broken -> {
              assertThat(broken.number()).isEqualTo(3);
              assertThat(broken.reason()).contains("\"report\"").contains("{\"id\":\"b\"}");
            });
    assertThat(rows.get(3)).isEqualTo(new ReportFile.Reports(4, "c", List.of("")));
    assertThatThrownBy(() -> ReportFile.readAll(file, SECTIONS))
        .hasMessageContaining(file + ", row 2");
  }

  @Test
  void aRexrankFileGivesTheFirstFieldThatAStudyHas() throws IOException {
    Path file =
        file(
            "reports.json",
            "{\"s1\":{\"report\":\"R1\",\"section_findings\":\"F1\"},\"s2\":{\"report\":\"R2\"},\"s3\":{\"x\":[1,{\"report\":1}]}}");
    List<ReportFile.Row> rows = rows(file);
    assertThat(rows.get(0)).isEqualTo(new ReportFile.Reports(1, "s1", List.of("F1")));
    assertThat(rows.get(1)).isEqualTo(new ReportFile.Reports(2, "s2", List.of("R2")));
    assertThat(rows.get(2))
        .isInstanceOfSatisfying(
            ReportFile.Broken.class,
            broken ->
                assertThat(broken.reason())
                    .contains("s3")
                    .contains("[section_findings, report]")
                    .contains("[x]"));
  }

  @Test
  void anIdThatStandsThereTwiceIsRefused() throws IOException {
    Path file = file("reports.csv", "id,report\na,Clear.\na,Other.\n");
    assertThatThrownBy(() -> ReportFile.readAll(file, SECTIONS))
        .hasMessageContaining("the id \"a\" occurs twice");
  }

  @Test
  void aPackedFileIsUnpacked() throws IOException {
    Path file = folder.resolve("reports.csv.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write("id,report\na,Clear.\n".getBytes(StandardCharsets.UTF_8));
    }
    assertThat(ReportFile.readAll(file, SECTIONS)).containsEntry("a", List.of("Clear."));
  }

  @Test
  void aMissingFileAndJsonThatIsNoObjectAreRefusedByName() throws IOException {
    Path missing = folder.resolve("missing.csv");
    assertThatThrownBy(() -> rows(missing))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining(missing.toString());
    Path list = file("list.json", "[1]");
    assertThatThrownBy(() -> rows(list))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining(list.toString());
  }

  @Test
  void aFileThatBreaksOffKeepsTheReportsBeforeAndSaysSo() throws IOException {
    Path torn = file("torn.json", "{\"s1\":{\"report\":\"R1\"},\"s2\":{\"rep");
    assertThat(rows(torn))
        .satisfiesExactly(
            row -> assertThat(row).isEqualTo(new ReportFile.Reports(1, "s1", List.of("R1"))),
            row -> assertThat(row).isInstanceOf(ReportFile.Broken.class));
    assertThatThrownBy(() -> ReportFile.readAll(torn, SECTIONS))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining(torn + ", row 2: the file cannot be read further");
  }

  @Test
  void aTextThatIsLongerThanAnyReportIsNamed() throws IOException {
    Path file = file("reports.csv", "id,report\na," + "x".repeat((1 << 18) + 1) + "\nb,Clear.\n");
    assertThat(rows(file).getFirst())
        .isInstanceOfSatisfying(
            ReportFile.Broken.class,
            broken -> assertThat(broken.reason()).contains("262145 characters"));
    assertThat(rows(file)).hasSize(2);
  }
}
