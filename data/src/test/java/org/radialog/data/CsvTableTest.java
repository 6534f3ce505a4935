package org.radialog.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVPrinter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.CsvLine;
import org.radialog.base.RadialogException;

class CsvTableTest {
  @TempDir Path folder;

  @Test
  void aQuoteThatIsNeverClosedCostsItsOwnRow() throws IOException {
    var rejected = new ArrayList<Rejected>();
    List<List<String>> rows =
        read(
            """
            id,report
            1,"Clear.
            Normal."
            2,"Open and
            not closed
            3,Clear.
            4,"A ""quoted"" word, and a comma"
            5,5'10" tall
            6,"Open again
            7,Clear.
            """,
            rejected);
    assertThat(rows)
        .containsExactly(
            List.of("1", "Clear.\nNormal."),
            List.of("3", "Clear."),
            List.of("4", "A \"quoted\" word, and a comma"),
            List.of("5", "5'10\" tall"),
            List.of("7", "Clear."));
    assertThat(rejected)
        .extracting(Rejected::toString)
        .satisfiesExactly(
            line -> assertThat(line).contains("row 3", "a quote is opened but not closed"),
            line -> assertThat(line).contains("row 4", "expected 2 cells, found 1"),
            line -> assertThat(line).contains("row 8", "a quote is opened but not closed"));
  }

  @Test
  void lineEndsInsideACellStayAsTheyAre() throws IOException {
    var rejected = new ArrayList<Rejected>();
    assertThat(read("id,report\r\n1,\"a\r\nb\nc\"\r\n\r\n2,d", rejected))
        .containsExactly(List.of("1", "a\r\nb\nc"), List.of("2", "d"));
    assertThat(rejected).isEmpty();
  }

  @Test
  void aGzipThatBreaksOffKeepsTheRowsBefore() throws IOException {
    var text = new StringBuilder("id,report\n");
    for (int i = 0; i < 20_000; i++) {
      text.append(i).append(',').append(Integer.toHexString(i * 2654435)).append('\n');
    }
    var bytes = new ByteArrayOutputStream();
    try (var out = new GZIPOutputStream(bytes)) {
      out.write(text.toString().getBytes(StandardCharsets.UTF_8));
    }
    Path file = folder.resolve("t.csv.gz");
    Files.write(file, Arrays.copyOf(bytes.toByteArray(), bytes.size() / 2));
    var rows = new ArrayList<String>();
    var rejected = new ArrayList<Rejected>();
    CsvTable.of(file, "id").read(row -> rows.add(row.get("id")), rejected::add);
    assertThat(rows).hasSizeGreaterThan(5_000).startsWith("0", "1", "2");
    assertThat(rejected)
        .singleElement()
        .asString()
        .contains("t.csv.gz, row", "cannot be read further");
  }

  @Test
  void aTableWithoutHeaderOrWithAnotherIsRefused() throws IOException {
    for (String text : List.of("", "\n\n", "a,b\n1,2\n")) {
      assertThatThrownBy(() -> read(text, new ArrayList<>()))
          .as(text)
          .isInstanceOf(RadialogException.class)
          .hasMessageContainingAll("t.csv", "no column \"id\"");
    }
    Path file = Files.writeString(folder.resolve("t.csv.gz"), "id,report\n");
    assertThatThrownBy(() -> CsvTable.of(file, "id").header())
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("cannot read the table");
  }

  @Provide
  Arbitrary<List<List<String>>> tables() {
    Arbitrary<String> cell =
        Arbitraries.strings().withChars("ab ,\"\n\r").ofMinLength(0).ofMaxLength(8);
    return cell.list().ofSize(3).list().ofMaxSize(8);
  }

  @Property
  void whatCommonsCsvWritesAndReadsIsReadAlike(@ForAll("tables") List<List<String>> table)
      throws IOException {
    var text = new StringBuilder();
    try (var printer = new CSVPrinter(text, CSVFormat.DEFAULT)) {
      printer.printRecord("x", "y", "z");
      for (List<String> row : table) {
        printer.printRecord(row);
      }
    }
    List<List<String>> expected;
    try (CSVParser judge = CSVFormat.DEFAULT.parse(new StringReader(text.toString()))) {
      expected = judge.stream().map(row -> List.of(row.values())).skip(1).toList();
    }
    var records = new CsvRecords(new BufferedReader(new StringReader(text.toString())));
    var rows = new ArrayList<List<String>>();
    records.next(1, 99);
    for (var cells = records.next(3, 3); cells != null; cells = records.next(3, 3)) {
      assertThat(cells.broken()).isEmpty();
      rows.add(cells.cells());
    }
    assertThat(rows).isEqualTo(expected);
  }

  @Provide
  Arbitrary<List<String>> cells() {
    return Arbitraries.strings()
        .withChars("ab #,;\"\n\r\t\u0001~é")
        .ofMaxLength(5)
        .list()
        .ofMinSize(1)
        .ofMaxSize(4);
  }

  @Property
  void aLineIsWrittenAsCommonsCsvWritesIt(@ForAll("cells") List<String> cells) {
    assertThat(CsvLine.of(cells)).isEqualTo(CSVFormat.DEFAULT.format(cells.toArray()));
  }

  private List<List<String>> read(String text, List<Rejected> rejected) throws IOException {
    Path file = Files.writeString(folder.resolve("t.csv"), text);
    var rows = new ArrayList<List<String>>();
    CsvTable.of(file, "id", "report")
        .read(row -> rows.add(List.of(row.get("id"), row.get("report"))), rejected::add);
    return rows;
  }
}
