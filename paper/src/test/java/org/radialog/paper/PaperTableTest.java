package org.radialog.paper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.eval.Evaluation;
import org.radialog.eval.SystemScores;
import org.radialog.metrics.Interval;

/** The table of the paper, with measured rows above quoted rows. */
class PaperTableTest {
  private static final String HEADER =
      "method,test_set,CE,BERTScore,BLEU-1,BLEU-4,METEOR,ROUGE-L,note,source\n";

  @TempDir private Path folder = Path.of("");

  @Test
  void measuredRowsHaveIntervalsAndQuotedRowsTheirSource() {
    String table = PaperTable.markdown(evaluation(), List.of());
    assertThat(table.lines())
        .contains(
            "**For research use, not for diagnosis.**",
            "| system | CE | BERTScore | BLEU-1 | BLEU-4 | METEOR | ROUGE-L |",
            "| mine \\| other | – | 0.39 | 34.0 (31.2–36.9) | – | – | – |",
            "| RaDialog-INS | 38.6 | 0.39 | 34.0 | 9.7 | 13.6 | 27.0 |",
            "| ITA | 30.8 | – | 39.5 | 12.1 | 14.7 | 28.4 |");
    int quoted = table.indexOf("**not measured here**");
    assertThat(table.indexOf("mine")).isLessThan(quoted);
    assertThat(table.indexOf("RaDialog-RG")).isGreaterThan(quoted);
    assertThat(table).contains("MIMIC-CXR findings; RaDialog, arXiv 2311.18681, main table");
  }

  @Test
  void aFileAddsRows() throws Exception {
    Path file =
        Files.writeString(
            folder.resolve("more.csv"),
            HEADER + "Another,IU X-Ray,,0.41,,10.0,,,by the authors,\"Somebody, 2026\"\n");
    assertThat(PaperTable.markdown(evaluation(), List.of(file)).lines())
        .contains(
            "| Another | – | 0.41 | – | 10.0 | – | – |",
            "- Another: IU X-Ray; Somebody, 2026 (by the authors)");
  }

  @Test
  void aRowThatHasNoNumberWhereOneBelongsIsNamed() throws Exception {
    Path file =
        Files.writeString(
            folder.resolve("wrong.csv"), HEADER + "Another,IU X-Ray,high,,,,,,,Somebody\n");
    assertThatThrownBy(() -> PaperTable.markdown(evaluation(), List.of(file)))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("wrong.csv, line 2: CE is high, expected a number or nothing");
  }

  private static Evaluation evaluation() {
    LinkedHashMap<String, Interval> scores = new LinkedHashMap<>();
    scores.put("BLEU-1", new Interval(0.34, 0.312, 0.369));
    scores.put("BERTScore", Interval.point(0.39));
    return new Evaluation(
        "a model on films",
        List.of(),
        List.of(SystemScores.of("mine | other", 3).with(scores)),
        List.of(),
        new LinkedHashMap<>());
  }
}
