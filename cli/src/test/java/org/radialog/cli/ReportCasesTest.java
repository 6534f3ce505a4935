package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.assertj.core.api.Assertions;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Files of reports as programs and people write them: what is read is either right or named. */
class ReportCasesTest {
  private static final Path CASES =
      CommandLineRun.ROOT.resolve("cli/src/test/resources/cases").toAbsolutePath();
  private static final int PNEUMOTHORAX = 10;
  private static final int EFFUSION = 11;

  @TempDir private Path folder;

  private static Path at(String name) {
    return CASES.resolve(name);
  }

  private static CommandLineRun label(Path file, String... more) {
    String[] arguments = new String[more.length + 2];
    arguments[0] = "label";
    arguments[1] = file.toString();
    System.arraycopy(more, 0, arguments, 2, more.length);
    return CommandLineRun.of(arguments);
  }

  private Path file(String name, byte[] content) throws IOException {
    return Files.write(folder.resolve(name), content);
  }

  private Path file(String name, String content) throws IOException {
    return file(name, content.getBytes(StandardCharsets.UTF_8));
  }

  private static List<String> rows(CommandLineRun run) {
    return run.out().lines().skip(1).toList();
  }

  private static List<String> ids(CommandLineRun run) {
    return rows(run).stream().map(row -> row.substring(0, row.indexOf(','))).toList();
  }

  private static List<String> problems(CommandLineRun run) {
    return run.errLines().stream().filter(line -> !line.contains("not for diagnosis")).toList();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "reports-bom/bom.csv",
        "reports-bom/bom.jsonl",
        "reports-unnamed-column/pandas_index.csv",
        "reports-unnamed-column/trailing_comma.csv",
        "reports-tables/blanklines.csv",
        "reports-tables/cr.csv",
        "reports-tables/crlf.csv"
      })
  void everyFormOfTheSameTableGivesTheSameLabels(String name) {
    CommandLineRun reference = label(at("reports-bom/ref.csv"));
    assertThat(ids(reference)).containsExactly("a", "b", "c");
    CommandLineRun run = label(at(name));
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out()).isEqualTo(reference.out());
  }

  @ParameterizedTest
  @CsvSource({
    "UTF-8,true",
    "UTF-16LE,true",
    "UTF-16BE,true",
    "UTF-16LE,false",
    "UTF-16BE,false",
    "UTF-32LE,true",
    "UTF-32BE,true",
    "UTF-32LE,false",
    "UTF-32BE,false"
  })
  void everyEncodingOfUnicodeIsReadInEveryFormatPlainAndPacked(String charset, boolean marked)
      throws IOException {
    String ref = Files.readString(at("reports-bom/ref.csv"));
    String lines = Files.readString(at("reports-bom/lines.txt"));
    String json = Files.readString(at("reports-bom/bom.jsonl")).replace("\uFEFF", "");
    String rexrank =
        """
        {"a":{"report":"No pneumothorax. Small left effusion."},"b":{"report":"Heart is enlarged."},
        "c":{"report":"Lungs are clear, \\"no\\" effusion."}}
        """;
    String expected = label(at("reports-bom/ref.csv")).out();
    for (String name : List.of("r.csv", "r.tsv", "r.txt", "r.jsonl", "r.json")) {
      String text =
          switch (name) {
            case "r.csv" -> ref;
            case "r.tsv" -> ref.replaceFirst("d,r", "d\tr").replaceAll("(?m)^([abc]),", "$1\t");
            case "r.txt" -> lines;
            case "r.jsonl" -> json;
            default -> rexrank;
          };
      byte[] bytes = ((marked ? "\uFEFF" : "") + text).getBytes(Charset.forName(charset));
      String rows = name.equals("r.txt") ? numbered(expected) : expected;
      CommandLineRun plain = label(file(name, bytes));
      assertThat(plain.code()).as("%s %s", name, plain.err()).isZero();
      assertThat(plain.out()).as(name).isEqualTo(rows);
      Path packed = folder.resolve(name + ".gz");
      try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(packed))) {
        out.write(bytes);
      }
      assertThat(label(packed).out()).as("%s.gz", name).isEqualTo(rows);
    }
  }

  private static String numbered(String rows) {
    return rows.replace("\na,", "\n1,").replace("\nb,", "\n2,").replace("\nc,", "\n3,");
  }

  @Test
  void aFileOfAnotherProgramInUtf16IsDecoded() {
    CommandLineRun text = label(at("reports-utf16/utf16.txt"));
    assertThat(text.code()).isZero();
    assertThat(rows(text)).hasSize(2);
    assertThat(rows(text).get(0).split(",", -1)[PNEUMOTHORAX]).isEqualTo("0");
    assertThat(rows(text).get(1).split(",", -1)[EFFUSION]).isEqualTo("1");
    assertThat(label(at("reports-utf16/utf16.csv")).out())
        .isEqualTo(label(at("reports-bom/ref.csv")).out());
  }

  @Test
  void linesWithAMarkScoreAsThoseWithout() {
    JsonNode scores =
        CommandLineRun.of(
                "evaluate",
                "--references",
                at("reports-bom/lines.txt").toString(),
                "--hypotheses",
                at("reports-bom/lines_bom.txt").toString(),
                "--resamples",
                "5",
                "--json")
            .json()
            .getFirst()
            .path("scores");
    assertThat(scores.path("BLEU-1").doubleValue()).isCloseTo(1, within());
    assertThat(scores.path("CIDEr").doubleValue()).isCloseTo(10, within());
  }

  private static Offset<Double> within() {
    return Assertions.within(1e-6);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "reports-long-row/long_row.csv | b c | row 1: expected 2 cells, found 3",
        "reports-broken-quote/after_quote.csv | b c | row 1: text follows the closing quote",
        "reports-broken-quote/backslash_quote.csv | b c | row 1: text follows the closing quote",
        "reports-tables/short_row.csv | a c | row 2: expected 2 cells, found 1"
      })
  void aRowThatIsNotWholeIsNamedAndTheOthersAreLabelled(String name, String left, String line) {
    CommandLineRun run = label(at(name));
    assertThat(run.code()).isEqualTo(1);
    assertThat(ids(run)).containsExactly(left.split(" ", -1));
    assertThat(problems(run)).singleElement().asString().contains(at(name) + ", " + line);
  }

  @Test
  void oddButWholeTablesAreRead() {
    assertThat(ids(label(at("reports-tables/inner_quote.csv")))).containsExactly("a", "b", "c");
    assertThat(ids(label(at("reports-tables/multi.csv.gz")))).containsExactly("a", "b", "c");
    assertThat(label(at("reports-tables/comma_id.csv")).out())
        .contains("\n\"a,1\",")
        .contains("\n\"b\"\"2\",")
        .contains("\n\"c\n3\",");
    assertThat(rows(label(at("reports-tables/lines_u2028.txt")))).hasSize(3);
  }

  @Test
  void aMissingTextOfAReXrankFileCostsItsOwnStudy() {
    Path file = at("reports-rexrank-nan/rex_nan.json");
    CommandLineRun run = label(file, "--section", "report");
    assertThat(run.code()).isEqualTo(1);
    assertThat(ids(run)).containsExactly("b");
    assertThat(problems(run))
        .satisfiesExactly(
            line -> assertThat(line).contains("row 1", "study a"),
            line -> assertThat(line).contains("row 3", "study c"));
    CommandLineRun scored =
        CommandLineRun.of(
            "evaluate",
            "--references",
            file.toString(),
            "--hypotheses",
            file.toString(),
            "--resamples",
            "5",
            "--json");
    assertThat(scored.code()).as(scored.err()).isEqualTo(1);
    assertThat(scored.json().getFirst().path("items").intValue()).isEqualTo(1);
    assertThat(scored.err()).contains("row 1: the study a").contains("row 3: the study c");
  }

  @Test
  void whatOneFileLacksBecauseARowIsBrokenIsLeftOutOfAllScoresAndNamed() throws IOException {
    Path references = file("r.csv", "id,report\na,Clear.\nb,Edema.\nc,Effusion.\n");
    Path broken = file("h.csv", "id,report\na,Clear.\nb,Edema, mild.\nc,Effusion.\n");
    CommandLineRun run =
        CommandLineRun.of(
            "compare",
            broken.toString(),
            references.toString(),
            "--references",
            references.toString(),
            "--resamples",
            "5",
            "--json");
    assertThat(run.code()).as(run.err()).isEqualTo(1);
    assertThat(problems(run))
        .satisfiesExactly(
            line -> assertThat(line).contains("h.csv, row 2: expected 2 cells, found 3"),
            line -> assertThat(line).contains("the report b is left out", "h.csv"));
    assertThat(run.json().getFirst().path("systems").get(1).path("items").intValue()).isEqualTo(2);
    Path other = file("other.csv", "id,report\na,Clear.\nb,Edema, mild.\n");
    CommandLineRun refused =
        CommandLineRun.of(
            "evaluate", "--references", references.toString(), "--hypotheses", other.toString());
    assertThat(refused.code()).isEqualTo(3);
    assertThat(refused.err()).contains("2 of 3 ids are only in the first (b, c)");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "a.csv | id,report,report\\na,Clear.,Edema.\\n | has the column \"report\" twice",
        "a.csv | id,id,report\\na,b,Edema.\\n | has the column \"id\" twice",
        "a.csv | id,Report,REPORT\\na,b,Edema.\\n | has the column \"report\" twice",
        "a.csv | x,y\\na,b\\n | has no column \"id\"",
        "a.csv | | has no column \"id\"",
        "a.tsv | id\\treport\\treport\\na\\tb\\tc\\n | has the column \"report\" twice",
        "a.txt | id,report\\na,Clear.\\n | begins with the header of a table",
        "a.txt | \"id\";\"report\"\\na;Clear.\\n | begins with the header of a table",
        "a.txt | {\"id\":\"a\",\"report\":\"Clear.\"}\\n | begins with a JSON object",
        "a.json | [{\"id\":\"a\",\"report\":\"Clear.\"}] | expected one JSON object",
        "a.json | | expected one JSON object",
        "a.txt | PK\\3\\4xl/workbook | an office program",
        "a.csv | %PDF-1.7 | a PDF"
      })
  void aFileThatIsNotWhatItsNameSaysIsRefusedInOneLine(String name, String text, String line)
      throws IOException {
    String content = text == null ? "" : text.translateEscapes();
    Path file = file(name, content);
    CommandLineRun run = label(file);
    assertThat(run.code()).as(run.out()).isEqualTo(3);
    assertThat(run.errLines()).singleElement().asString().contains(file.toString()).contains(line);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "a.csv | Report,ID\\nClear.,a\\n",
        "a.csv | \"id\",\" Report \"\\na,Clear.\\n",
        "a.csv | id;report\\na;Clear, no effusion.\\n",
        "a.tsv | id\\treport\\na\\tClear, no effusion.\\n",
        "a.tab | id,report\\na,Clear.\\n",
        "a.csv | id,report\\na,Clear.,,\\n",
        "a.csv | id,report,,\\na,Clear.\\n",
        "a.csv | id,report\\na,\"Clear.\" \\n",
        "a.jsonl | {\"id\":\"a\",\"report\":\"Clear.\",\"score\":NaN}\\n",
        "a.json | {\"a\":{\"report\":\"Clear.\",\"other\":NaN,\"x\":{\"y\":[1]}}}"
      })
  void whatIsClearIsRead(String name, String text) throws IOException {
    CommandLineRun run = label(file(name, text.translateEscapes()));
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(ids(run)).containsExactly("a");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "a.csv | id,report,\\na,Clear., no effusion.\\nz,Clear.\\n | expected 2 cells, found 3",
        "a.tsv | id\\treport\\na\\tClear.\\tEdema.\\nz\\tClear.\\n | expected 2 cells, found 3",
        "a.csv | id,report\\na,No\\0effusion.\\nz,Clear.\\n | NUL",
        "a.jsonl | [{\"id\":\"a\",\"report\":\"x\"}]\\n{\"id\":\"z\",\"report\":\"x\"}\\n"
            + " | an object",
        "a.jsonl |"
            + " {\"id\":\"a\",\"report\":\"x\",\"report\":\"y\"}\\n{\"id\":\"z\",\"report\":\"x\"}\\n"
            + " | report",
        "a.jsonl | {\"id\":\"a\",\"report\":NaN}\\n{\"id\":\"z\",\"report\":\"x\"}\\n | the text",
        "a.jsonl | {\"id\":\"a\",\"references\":[\"x\",null]}\\n{\"id\":\"z\",\"report\":\"x\"}\\n"
            + " | texts in the list",
        "a.jsonl |"
            + " {\"id\":\"a\",\"report\":\"x\"}{\"id\":\"b\"}\\n{\"id\":\"z\",\"report\":\"x\"}\\n"
            + " | one line",
        "a.json | {\"a\":{\"report\":\"x\",\"report\":\"y\"},\"z\":{\"report\":\"x\"}} | twice",
        "a.json | {\"a\":NaN,\"z\":{\"report\":\"x\"}} | expected an object",
        "a.json | {\"z\":{\"report\":\"x\"}}\\n{\"a\":{\"report\":\"x\"}} | .jsonl",
        "a.json | {\"z\":{\"report\":\"x\"},\"a\":{\"rep | cannot be read further"
      })
  void whatIsNotClearIsNamedAndTheRestRead(String name, String text, String line)
      throws IOException {
    CommandLineRun run = label(file(name, text.translateEscapes()));
    assertThat(run.code()).as(run.out()).isEqualTo(1);
    assertThat(ids(run)).containsExactly("z");
    assertThat(problems(run)).singleElement().asString().contains(name).contains(line);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.csv", "a.txt", "a.jsonl"})
  void aByteOfAnotherEncodingIsNamedWithItsRow(String name) throws IOException {
    String text =
        switch (name) {
          case "a.csv" -> "id,report\n1,Opacit\u00E9 \u00E0 gauche.\n2,Edema.\n";
          case "a.txt" -> "Opacit\u00E9 \u00E0 gauche.\nEdema.\n";
          default ->
              "{\"id\":\"1\",\"report\":\"Opacit\u00E9.\"}\n{\"id\":\"2\",\"report\":\"Edema.\"}\n";
        };
    Path file = file(name, text.getBytes(Charset.forName("windows-1252")));
    CommandLineRun run = label(file);
    assertThat(run.code()).isEqualTo(1);
    assertThat(ids(run)).containsExactly("2");
    assertThat(problems(run))
        .singleElement()
        .asString()
        .contains("row 1: the byte E9")
        .contains("expected UTF-8");
  }

  @Test
  void aPackedFileThatBreaksOffKeepsItsRowsAndIsNamed() throws IOException {
    StringBuilder text = new StringBuilder("id,report\n");
    for (int i = 0; i < 20_000; i++) {
      text.append(i).append(",Edema ").append(Integer.toHexString(i * 2654435)).append(".\n");
    }
    Path packed = folder.resolve("r.csv.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(packed))) {
      out.write(text.toString().getBytes(StandardCharsets.UTF_8));
    }
    byte[] whole = Files.readAllBytes(packed);
    Files.write(packed, Arrays.copyOf(whole, whole.length / 2));
    CommandLineRun run = label(packed);
    assertThat(run.code()).isEqualTo(1);
    assertThat(ids(run)).hasSizeGreaterThan(5_000).startsWith("0", "1", "2");
    assertThat(problems(run)).singleElement().asString().contains("cannot be read further");
  }

  @Test
  void aLineWithoutAnEndCostsItselfAndNoMemory() throws IOException {
    Path file = folder.resolve("r.txt");
    byte[] block = "effusion ".repeat(100_000).getBytes(StandardCharsets.UTF_8);
    try (OutputStream out = Files.newOutputStream(file)) {
      out.write("Edema.\n".getBytes(StandardCharsets.UTF_8));
      for (int i = 0; i < 40; i++) {
        out.write(block);
      }
      out.write("\nEffusion.\n".getBytes(StandardCharsets.UTF_8));
    }
    CommandLineRun run = label(file, "--json");
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.json())
        .extracting(row -> row.path("id").stringValue())
        .containsExactly("1", "3");
    assertThat(problems(run)).singleElement().asString().contains("row 2: the line has 36000000");
  }

  @Test
  void aSentenceOfAJsonObjectIsNoLongerThanItsSurroundings() throws IOException {
    Path file = file("r.txt", "effusion edema ".repeat(15_000));
    CommandLineRun run = label(file, "--json");
    assertThat(run.code()).as(run.err()).isZero();
    JsonNode where = run.json().getFirst().at("/labels/Pleural Effusion/where");
    assertThat(where.size()).isPositive();
    assertThat(where.get(0).path("sentence").stringValue().length()).isLessThan(1_100);
  }
}
