package org.radialog.data;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.View;

/**
 * Films of NIH ChestX-ray14 with their text-mined labels (Wang et al., CVPR 2017) mapped to the
 * names of CheXpert: a folder with {@code labels.csv} and {@code images/}.
 *
 * <p>Enlarged Cardiomediastinum, Fracture and Support Devices have no counterpart at the NIH and
 * are unknown on every film. No Finding is what the NIH says: none of its own 14 labels was mined;
 * a film with only Emphysema, Fibrosis or Hernia has neither it nor any other finding.
 *
 * @param films in the order of the table
 */
public record NihDataSet(List<Film> films) {
  private static final Set<String> COLUMNS =
      Set.of("image", "patient", "age", "sex", "view", "chexpert_positive");

  public NihDataSet {
    films = List.copyOf(films);
  }

  /**
   * Reads {@code labels.csv} of {@code folder}; the images themselves are not opened.
   *
   * @throws RadialogException if the table is missing, lacks a column, names an unknown label or
   *     one image twice
   */
  public static NihDataSet read(Path folder) {
    Path table = folder.resolve("labels.csv");
    CSVFormat format = CSVFormat.DEFAULT.builder().setHeader().setSkipHeaderRecord(true).get();
    var films = new ArrayList<Film>();
    var seen = new HashSet<String>();
    try (Reader reader = Files.newBufferedReader(table, StandardCharsets.UTF_8);
        CSVParser rows = format.parse(reader)) {
      for (String column : COLUMNS) {
        if (!rows.getHeaderNames().contains(column)) {
          throw new RadialogException(
              "%s has no column \"%s\": expected %s, found %s"
                  .formatted(table, column, COLUMNS, rows.getHeaderNames()));
        }
      }
      for (CSVRecord row : rows) {
        Film film = film(folder, table, row);
        if (!seen.add(film.image())) {
          throw new RadialogException(
              "%s, row %d: image \"%s\" stands in the table twice"
                  .formatted(table, row.getRecordNumber() + 1, film.image()));
        }
        films.add(film);
      }
    } catch (IOException e) {
      throw new RadialogException("cannot read the labels " + table + ": " + e, e);
    }
    return new NihDataSet(films);
  }

  private static Film film(Path folder, Path table, CSVRecord row) {
    String image = row.get("image");
    // The table comes from outside: a name is a name, not a way out of the folder.
    if (image.isBlank() || image.contains("/") || image.contains("\\") || image.contains("..")) {
      throw new RadialogException(
          "%s, row %d: expected a file name in the column image, found \"%s\""
              .formatted(table, row.getRecordNumber() + 1, image));
    }
    var truth = new EnumMap<Finding, Truth>(Finding.class);
    truth.put(Finding.NO_FINDING, Truth.ABSENT);
    for (Finding finding : Finding.NIH_MAPPED) {
      truth.put(finding, Truth.ABSENT);
    }
    for (String name : row.get("chexpert_positive").split("\\|", -1)) {
      if (!name.isBlank()) {
        truth.put(Finding.of(name), Truth.PRESENT);
      }
    }
    int age;
    try {
      age = Integer.parseInt(row.get("age").strip());
    } catch (NumberFormatException e) {
      throw new RadialogException(
          "%s, row %d: expected an age in years, found \"%s\""
              .formatted(table, row.getRecordNumber() + 1, row.get("age")),
          e);
    }
    return new Film(
        image,
        folder.resolve("images").resolve(image),
        row.get("patient"),
        age,
        row.get("sex"),
        View.of(row.get("view")),
        truth);
  }

  /** The same films with CheXpert's tree of labels applied, see {@link Film#withHierarchy}. */
  public NihDataSet withHierarchy() {
    return new NihDataSet(films.stream().map(Film::withHierarchy).toList());
  }

  /** The film of a file name. */
  public Optional<Film> film(String image) {
    return films.stream().filter(film -> film.image().equals(image)).findFirst();
  }

  /** Films with {@code finding} present, absent, unknown. */
  public Map<Truth, Long> counts(Finding finding) {
    var counts = new EnumMap<Truth, Long>(Truth.class);
    for (Truth t : Truth.values()) {
      counts.put(t, films.stream().filter(film -> film.truth(finding) == t).count());
    }
    return counts;
  }
}
