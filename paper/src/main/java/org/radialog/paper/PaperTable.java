package org.radialog.paper;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedMap;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.ResearchUse;
import org.radialog.data.CsvTable;
import org.radialog.eval.Evaluation;
import org.radialog.eval.SystemScores;
import org.radialog.metrics.Interval;
import org.radialog.metrics.UncertainMapping;

/**
 * The main table of the paper (arXiv 2311.18681): the evaluated systems with their confidence
 * intervals, followed by rows that are quoted from publications and were not measured here. Scores
 * are in percent, except BERTScore, which is from 0 to 1 as in the paper.
 */
public final class PaperTable {
  private static final String METHOD = "method";
  private static final String TEST_SET = "test_set";
  private static final String SOURCE = "source";
  private static final String NOTE = "note";

  // A column: its name in the table and in files of quoted rows, the factor applied to the score,
  // and the number of decimals.
  private enum Column {
    CE("CE", 100, 1),
    BERT_SCORE("BERTScore", 1, 2),
    BLEU_1("BLEU-1", 100, 1),
    BLEU_4("BLEU-4", 100, 1),
    METEOR("METEOR", 100, 1),
    ROUGE_L("ROUGE-L", 100, 1);

    private final String header;
    private final double factor;
    private final int digits;

    Column(String header, double factor, int digits) {
      this.header = header;
      this.factor = factor;
      this.digits = digits;
    }

    /** The score of a system; empty if it was not computed. */
    Optional<Interval> of(SystemScores system) {
      return switch (this) {
        case CE ->
            Optional.ofNullable(system.clinical().get(UncertainMapping.NEGATIVE.label()))
                .map(scores -> scores.averages().get("macro_f1_14"));
        case BERT_SCORE -> Optional.ofNullable(system.metrics().get("BERTScore"));
        case BLEU_1, BLEU_4, METEOR, ROUGE_L -> Optional.ofNullable(system.metrics().get(header));
      };
    }

    String number(double value) {
      return Double.isNaN(value)
          ? "–"
          : String.format(Locale.ROOT, "%." + digits + "f", factor * value);
    }

    String cell(Interval score) {
      return score.bounded()
          ? "%s (%s–%s)".formatted(number(score.value()), number(score.low()), number(score.high()))
          : number(score.value());
    }
  }

  /** A row quoted from a publication. */
  private record Quoted(String method, List<String> cells, String testSet, String source) {}

  private static Quoted quoted(String method, String scores, String note) {
    String source = "RaDialog, arXiv 2311.18681, main table";
    return new Quoted(
        method,
        List.of(scores.split(" ")),
        "MIMIC-CXR findings",
        note.isEmpty() ? source : source + " (" + note + ")");
  }

  private static final String THEIRS = "BERTScore computed by the paper's authors";

  private static final List<Quoted> PUBLISHED =
      List.of(
          quoted("R2Gen", "27.6 0.27 35.3 10.3 14.2 27.7", THEIRS),
          quoted("MDT+WCL", "29.4 0.28 37.3 10.7 14.4 27.4", THEIRS),
          quoted("M2 Transformer", "30.8 0.39 37.8 10.7 14.5 27.2", THEIRS),
          quoted("ITA", "30.8 – 39.5 12.1 14.7 28.4", ""),
          quoted("METransformer", "31.1 – 38.6 12.4 15.2 29.1", ""),
          quoted("Kiut", "32.1 – 39.3 11.3 16.0 28.5", ""),
          quoted("RaDialog-INS", "38.6 0.39 34.0 9.7 13.6 27.0", ""),
          quoted("RaDialog-RG", "39.4 0.40 34.6 9.5 14.0 27.1", ""));

  private PaperTable() {}

  /**
   * The table as Markdown.
   *
   * @param quoted additional files of quoted rows: CSV with the columns {@code method, test_set,
   *     CE, BERTScore, BLEU-1, BLEU-4, METEOR, ROUGE-L, note, source}, where a cell is empty if the
   *     publication does not give the score
   * @throws RadialogException if a file cannot be read or contains a malformed row
   */
  public static String markdown(Evaluation evaluation, List<Path> quoted) {
    List<String> lines = new ArrayList<>();
    lines.add("# The paper's table: " + Printable.escaped(evaluation.title()));
    lines.add("");
    lines.add("**" + ResearchUse.NOTICE + "**");
    evaluation.marks().forEach(mark -> lines.add("**" + Printable.escaped(mark) + ".**"));
    lines.add("");
    lines.add(
        "CE is macro F1 of 14 labels, uncertain as negative. Measured here, with 95 % intervals:");
    lines.add("");
    header(lines, "system");
    for (SystemScores system : evaluation.systems()) {
      List<String> cells = new ArrayList<>();
      cells.add(
          Printable.escaped(system.name())
              + (system.marks().isEmpty()
                  ? ""
                  : " (" + Printable.escaped(String.join("; ", system.marks())) + ")"));
      for (Column column : Column.values()) {
        cells.add(column.of(system).map(column::cell).orElse("–"));
      }
      row(lines, cells);
    }
    lines.add("");
    lines.add(
        "Quoted from publications, **not measured here**, on their own test sets and with their own"
            + " tools:");
    lines.add("");
    header(lines, METHOD);
    SequencedMap<String, String> sources = new LinkedHashMap<>();
    for (Quoted other : quoted(quoted)) {
      List<String> cells = new ArrayList<>(List.of(other.method));
      cells.addAll(other.cells);
      row(lines, cells);
      sources.merge(other.testSet + "; " + other.source, other.method, (a, b) -> a + ", " + b);
    }
    lines.add("");
    sources.forEach((source, methods) -> lines.add("- " + methods + ": " + source));
    return String.join("\n", lines) + "\n";
  }

  private static void header(List<String> lines, String first) {
    List<String> cells = new ArrayList<>(List.of(first));
    for (Column column : Column.values()) {
      cells.add(column.header);
    }
    row(lines, cells);
    lines.add("|---|" + "---:|".repeat(cells.size() - 1));
  }

  private static void row(List<String> lines, List<String> cells) {
    lines.add("| " + String.join(" | ", cells.stream().map(PaperTable::cell).toList()) + " |");
  }

  private static String cell(String text) {
    return text.replace("|", "\\|");
  }

  private static List<Quoted> quoted(List<Path> files) {
    List<Quoted> rows = new ArrayList<>(PUBLISHED);
    files.forEach(file -> rows.addAll(read(file)));
    return rows;
  }

  private static List<Quoted> read(Path file) {
    List<String> columns = new ArrayList<>(List.of(METHOD, TEST_SET, NOTE, SOURCE));
    for (Column column : Column.values()) {
      columns.add(column.header);
    }
    List<Quoted> rows = new ArrayList<>();
    CsvTable.of(file, columns.toArray(String[]::new))
        .read(
            row -> {
              List<String> cells = new ArrayList<>();
              for (Column column : Column.values()) {
                String text = row.get(column.header).strip();
                if (!text.isEmpty() && !text.matches("\\d{1,3}(\\.\\d{1,6})?")) {
                  throw new RadialogException(
                      Kind.REFUSED_DATA,
                      "%s, line %d: %s is %s, expected a number or nothing"
                          .formatted(
                              Printable.escaped(file.toString()),
                              row.number(),
                              column.header,
                              Printable.of(text)));
                }
                cells.add(text.isEmpty() ? "–" : text);
              }
              String note = row.get(NOTE).strip();
              rows.add(
                  new Quoted(
                      Printable.of(row.get(METHOD)),
                      cells,
                      Printable.of(row.get(TEST_SET)),
                      Printable.of(row.get(SOURCE))
                          + (note.isEmpty() ? "" : " (" + Printable.of(note) + ")")));
            },
            rejected -> {
              throw new RadialogException(Kind.REFUSED_DATA, rejected.toString());
            });
    return rows;
  }
}
