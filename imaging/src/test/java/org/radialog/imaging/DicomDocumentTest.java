package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.radialog.codecs.ImageRefused;
import org.radialog.codecs.Samples;
import org.radialog.testing.Golden;

/** Each row of the tables of codings in {@code docs/dicom.md} says what happens to its file. */
class DicomDocumentTest {
  /** {@code done} is {@code read} or {@code refused (CODE)}; {@code last} is the last column. */
  record Row(String file, String done, String last) {}

  static List<Row> rows() throws IOException {
    String text = Files.readString(Golden.root().resolve("docs/dicom.md"));
    int oddities = text.indexOf("## Oddities"); // of headers: another test's
    return (oddities < 0 ? text : text.substring(0, oddities))
        .lines()
        .filter(line -> line.startsWith("| `"))
        .map(line -> line.split("\\|", -1))
        .map(
            cells -> new Row(cells[1].strip().replace("`", ""), cells[3].strip(), cells[5].strip()))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("rows")
  void aRowSaysWhatIsDone(Row row) {
    if (row.done().equals("read")) {
      Samples plain = read(row.last().replace("`", "")).samples();
      int tolerance = row.last().contains(".plain.") ? 1 : 0;

      assertThat(CompressedDicomTest.greatestDifference(read(row.file()).samples(), plain))
          .isLessThanOrEqualTo(tolerance);
      return;
    }
    assertThatThrownBy(() -> read(row.file()))
        .isInstanceOfSatisfying(
            ImageRefused.class,
            e -> assertThat("refused (%s)".formatted(e.code())).isEqualTo(row.done()))
        .hasMessageContaining(row.last());
  }

  @Test
  void everyFileHasItsRow() throws IOException, URISyntaxException {
    List<String> named =
        rows().stream().flatMap(row -> Stream.of(row.file(), row.last().replace("`", ""))).toList();
    List<String> compared = CompressedFiles.all().stream().map(CompressedFiles.Case::file).toList();
    Path folder =
        Path.of(DicomDocumentTest.class.getResource("/cases/dicom-compressed/expected.csv").toURI())
            .getParent();
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(
              files
                  .map(file -> file.getFileName().toString())
                  .filter(name -> name.endsWith(".dcm") && !name.contains("plain"))
                  .filter(name -> !compared.contains(name))
                  .collect(Collectors.toSet()))
          .isSubsetOf(named);
    }
  }

  private static Radiograph read(String name) {
    return Radiograph.decode(name, CompressedFiles.bytes(name), Limits.DEFAULT);
  }
}
