package org.radialog.data;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.ReportSections;
import org.radialog.clinical.ReportSections.Section;
import org.radialog.clinical.View;
import org.radialog.data.CsvTable.Row;
import org.radialog.data.StudyImage.Orientation;
import tools.jackson.core.JacksonException;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * CheXpert Plus (Chambon et al., 2024): 223,462 images with 187,711 reports.
 *
 * <pre>
 * df_chexpert_plus_240401.csv     one row per image: path_to_image, frontal_lateral, ap_pa,
 *                                 deid_patient_id, report, section_findings, section_impression, …,
 *                                 age, sex, split
 * PNG/train/patient00001/study1/view1_frontal.png   (or PNG/PNG/…, or the .jpg of the table)
 * chexbert_labels/impression_fixed.json             one line per image: path_to_image, 14 labels
 * </pre>
 *
 * <p>The rows of one study folder form one study. All {@code section_…} columns become sections;
 * those with the clinical history become {@code history}.
 */
public final class ChexpertPlus implements StudySource {
  private static final String SECTION = "section_";

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  private final Path folder;
  private final ImageFolder images;
  private final Optional<Path> labels;

  private ChexpertPlus(Path folder, ImageFolder images, Optional<Path> labels) {
    this.folder = folder;
    this.images = images;
    this.labels = labels;
  }

  /** The release in a folder that also contains its images. */
  public static ChexpertPlus of(Path folder) {
    return new ChexpertPlus(folder, new ImageFolder(Optional.of(folder)), Optional.empty());
  }

  /** This source with the images in another folder. */
  public ChexpertPlus withImages(Path other) {
    return new ChexpertPlus(folder, new ImageFolder(Optional.of(other)), labels);
  }

  /** This source without checking that the images exist, if only text is needed. */
  public ChexpertPlus withoutImages() {
    return new ChexpertPlus(folder, new ImageFolder(Optional.empty()), labels);
  }

  /**
   * This source with the labels of a file in {@code chexbert_labels/}, as label source {@code
   * chexbert}.
   */
  public ChexpertPlus withLabels(Path jsonLines) {
    return new ChexpertPlus(folder, images, Optional.of(jsonLines));
  }

  @Override
  public String name() {
    return "chexpert-plus";
  }

  @Override
  public Tally read(Consumer<? super ReportedStudy> studies, Consumer<? super Rejected> rejected) {
    var out = new StudySink(studies, rejected);
    Path file = CsvTable.find(folder, "df_chexpert_plus*.csv{,.gz}");
    CsvTable table =
        CsvTable.of(
            file, "path_to_image", "deid_patient_id", "section_findings", "section_impression");
    List<String> sections =
        table.header().stream().filter(column -> column.startsWith(SECTION)).toList();
    Map<String, Integer> states = labels.map(lines -> labels(lines, out)).orElse(Map.of());
    GroupedRows.read(
        table,
        row -> parent(row.get("path_to_image")),
        out,
        (study, rows) -> study(file, study, rows, sections, states, out));
    return out.tally();
  }

  private void study(
      Path table,
      String id,
      List<Row> rows,
      List<String> columns,
      Map<String, Integer> states,
      StudySink out) {
    Row first = rows.getFirst();
    if (id.isEmpty()) {
      for (Row row : rows) {
        out.reject(
            table,
            row.number(),
            "expected a path like train/patient00001/study1/view1_frontal.jpg, found \"%s\""
                .formatted(row.get("path_to_image")));
      }
      return;
    }
    var list = new ArrayList<StudyImage>();
    var labelled = new TreeMap<String, Map<Finding, FindingState>>();
    for (Row row : rows) {
      String path = row.get("path_to_image");
      Integer packed = states.get(path);
      if (packed != null) {
        labelled.putIfAbsent("chexbert", FindingColumns.unpack(packed));
      }
      switch (images.find(files(path))) {
        case ImageFolder.Found.At(Path file) -> {
          View view = View.of(row.get("ap_pa"));
          Orientation orientation = Orientation.of(row.get("frontal_lateral"));
          list.add(
              view == View.UNKNOWN
                  ? StudyImage.of(path, file, orientation)
                  : StudyImage.of(path, file, view));
        }
        case ImageFolder.Found.Not(String reason) -> out.reject(table, row.number(), reason);
      }
    }
    var sections = new ArrayList<Section>();
    if (!first.get("report").isBlank()) {
      sections.add(new Section(ReportSections.FULL_REPORT, first.get("report")));
    }
    for (String column : columns) {
      if (!first.get(column).isBlank()) {
        String name = column.substring(SECTION.length()).replace('_', ' ');
        sections.add(
            new Section(
                name.equals("clinical history") ? ReportSections.HISTORY : name,
                first.get(column)));
      }
    }
    var attributes = new TreeMap<String, String>();
    for (String name : List.of(ReportedStudy.AGE, ReportedStudy.SEX, "race", "ethnicity")) {
      if (!first.get(name).isBlank()) {
        attributes.put(name, first.get(name));
      }
    }
    out.study(
        new ReportedStudy(
            id,
            first.get("deid_patient_id"),
            list,
            new ReportSections(sections),
            StudySplit.of(first.get("split")),
            labelled,
            attributes));
  }

  // The table names .jpg files; the PNG release has the same folders.
  private List<String> files(String path) {
    int dot = path.lastIndexOf('.');
    String png = (dot < 0 ? path : path.substring(0, dot)) + ".png";
    return List.of(path, png, "PNG/" + png, "PNG/PNG/" + png);
  }

  private static String parent(String path) {
    int slash = path.lastIndexOf('/');
    return slash < 0 ? "" : path.substring(0, slash);
  }

  private static Map<String, Integer> labels(Path file, StudySink out) {
    var states = new HashMap<String, Integer>();
    var columns = new LinkedHashMap<String, Finding>();
    Finding.ALL.forEach(finding -> columns.put(finding.label(), finding));
    try (Reader text = TextFile.open(file)) {
      var lines = new TextLines(text);
      long number = 0;
      for (String line = lines.next(); line != null; line = lines.next()) {
        number++;
        if (line.isBlank()) {
          continue;
        }
        try {
          JsonNode row = JSON.readTree(line);
          if (!row.path("path_to_image").isString()) {
            throw new RadialogException(Kind.BAD_INPUT, "has no path_to_image");
          }
          states.put(
              row.path("path_to_image").asString(),
              FindingColumns.pack(columns, name -> row.path(name).asString("")));
        } catch (JacksonException e) {
          out.reject(file, number, "is not JSON: " + e.getOriginalMessage());
        } catch (RadialogException e) {
          out.reject(file, number, e.getMessage());
        }
      }
    } catch (IOException e) {
      throw new RadialogException(
          Kind.REFUSED_DATA, "cannot read the labels " + file + ": " + e, e);
    }
    if (states.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          file
              + " contains no labels: expected one JSON object per line with path_to_image and"
              + " 14 labels");
    }
    return states;
  }
}
