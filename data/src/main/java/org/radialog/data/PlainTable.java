package org.radialog.data;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.ReportSections;
import org.radialog.clinical.ReportSections.Section;
import org.radialog.clinical.View;
import org.radialog.data.CsvTable.Row;
import org.radialog.data.StudyImage.Orientation;

/**
 * A user's own table with the columns {@code image,report} and optionally {@code id}, {@code
 * patient}, {@code study}, {@code split}, {@code view}, {@code age}, {@code sex}, the sections
 * {@code findings}, {@code impression}, {@code indication}, {@code comparison}, {@code history},
 * {@code technique}, and the 14 labels by name (source {@code table}).
 *
 * <p>Image paths are absolute or relative to the folder of the table. Rows with the same {@code
 * study} form one study with the report of the first row; without that column each row is a study.
 * A report with MIMIC-CXR headers is divided into its sections; any other report is taken as
 * findings.
 *
 * @param file the table
 */
public record PlainTable(Path file) implements StudySource {
  private static final List<String> SECTIONS =
      List.of("indication", "history", "technique", "comparison", "findings", "impression");

  private static final List<String> OPTIONAL =
      Stream.concat(
              Stream.of(
                  "id", "study", "patient", "split", "view", ReportedStudy.AGE, ReportedStudy.SEX),
              Stream.concat(SECTIONS.stream(), Finding.ALL.stream().map(Finding::label)))
          .toList();

  /** The name of this label source in {@link ReportedStudy#labels}. */
  public static final String LABELS = "table";

  @Override
  public String name() {
    return file.getFileName().toString();
  }

  @Override
  public Tally read(Consumer<? super ReportedStudy> studies, Consumer<? super Rejected> rejected) {
    var out = new StudySink(studies, rejected);
    CsvTable table = CsvTable.of(file, "image", "report").with(OPTIONAL);
    Map<String, Finding> columns = FindingColumns.among(table.header());
    if (columns.values().stream().distinct().count() < columns.size()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "%s has a label twice: expected each once, found %s".formatted(file, columns.keySet()));
    }
    if (table.has("study")) {
      GroupedRows.read(
          table,
          row -> row.get("study").isBlank() ? "row " + row.number() : row.get("study"),
          out,
          (study, rows) -> study(rows, columns, out));
    } else {
      table.read(row -> study(List.of(row), columns, out), out);
    }
    return out.tally();
  }

  private void study(List<Row> rows, Map<String, Finding> columns, StudySink out) {
    var images = new ArrayList<StudyImage>();
    for (Row row : rows) {
      image(row, images, out);
    }
    Row first = rows.getFirst();
    var labels = new TreeMap<String, Map<Finding, FindingState>>();
    if (!columns.isEmpty()) {
      try {
        labels.put(LABELS, FindingColumns.unpack(FindingColumns.pack(columns, first::get)));
      } catch (RadialogException e) {
        out.reject(file, first.number(), e.getMessage());
      }
    }
    var attributes = new TreeMap<String, String>();
    for (String name : List.of(ReportedStudy.AGE, ReportedStudy.SEX)) {
      if (!first.get(name).isBlank()) {
        attributes.put(name, first.get(name));
      }
    }
    String id = first(first, "study", "id", "image");
    String patient = first.get("patient").isBlank() ? id : first.get("patient");
    out.study(
        new ReportedStudy(
            id,
            patient,
            images,
            report(first),
            StudySplit.of(first.get("split")),
            labels,
            attributes));
  }

  private void image(Row row, List<StudyImage> images, StudySink out) {
    String name = row.get("image");
    if (name.isBlank()) {
      return; // a report without an image
    }
    try {
      Path at = file.toAbsolutePath().resolveSibling(name);
      if (!Files.isRegularFile(at)) {
        out.reject(file, row.number(), "the image %s is missing".formatted(at));
        return;
      }
      View view = View.of(row.get("view"));
      images.add(
          view == View.UNKNOWN
              ? StudyImage.of(name, at, Orientation.of(row.get("view")))
              : StudyImage.of(name, at, view));
    } catch (InvalidPathException e) {
      out.reject(file, row.number(), "expected an image's path, found \"%s\"".formatted(name));
    }
  }

  private static ReportSections report(Row row) {
    var sections = new ArrayList<Section>();
    String report = row.get("report");
    ReportSections cut = ReportSections.mimic(report);
    if (cut.raw(ReportSections.FULL_REPORT).isEmpty()) {
      sections.addAll(cut.sections());
    } else if (!report.isBlank()) {
      sections.add(new Section(ReportSections.FULL_REPORT, report));
      if (row.get(ReportSections.FINDINGS).isBlank()) {
        sections.add(new Section(ReportSections.FINDINGS, report));
      }
    }
    for (String name : SECTIONS) {
      if (!row.get(name).isBlank()) {
        sections.add(new Section(name, row.get(name)));
      }
    }
    return new ReportSections(sections);
  }

  private static String first(Row row, String... columns) {
    for (String column : columns) {
      if (!row.get(column).isBlank()) {
        return row.get(column);
      }
    }
    return "row " + row.number();
  }
}
