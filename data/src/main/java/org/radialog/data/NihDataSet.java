package org.radialog.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.clinical.View;

/**
 * Films of NIH ChestX-ray14 with their text-mined labels (Wang et al., CVPR 2017) mapped to the
 * names of CheXpert: a folder with {@code labels.csv} and {@code images/}.
 *
 * <p>Enlarged Cardiomediastinum, Fracture and Support Devices have no counterpart in the NIH labels
 * and are unknown on every film. No Finding has the NIH meaning: none of the 14 NIH labels was
 * mined. A film with only Emphysema, Fibrosis or Hernia therefore has neither No Finding nor any
 * other finding.
 *
 * @param films in the order of the table
 */
public record NihDataSet(List<Film> films) {
  private static final List<String> COLUMNS = List.of("image", "patient", "age", "sex", "view");
  private static final String LABELS = "chexpert_positive";
  private static final String NIH_LABELS = "nih_labels"; // where the table has no LABELS

  public NihDataSet {
    films = List.copyOf(films);
  }

  /** The path of the table of labels in a folder, whether or not it exists. */
  public static Path table(Path folder) {
    return folder.resolve("labels.csv");
  }

  /** Whether a folder contains this table. */
  public static boolean in(Path folder) {
    return Files.exists(table(folder));
  }

  /**
   * Reads {@code labels.csv} of {@code folder}; the images are not opened. The labels are those of
   * the column {@code chexpert_positive}, or in a table without it those of {@code nih_labels}, in
   * the words of the NIH.
   *
   * @throws RadialogException if the table is missing, lacks a column, names an unknown label or
   *     names an image twice
   */
  public static NihDataSet read(Path folder) {
    Path table = table(folder);
    var films = new ArrayList<Film>();
    var seen = new HashSet<String>();
    CsvTable all = CsvTable.of(table);
    String labels = all.has(NIH_LABELS) && !all.has(LABELS) ? NIH_LABELS : LABELS;
    CsvTable.of(table, Stream.concat(COLUMNS.stream(), Stream.of(labels)).toArray(String[]::new))
        .read(
            row -> {
              Film film = film(folder, table, labels, row);
              if (!seen.add(film.image())) {
                throw wrong(table, row, "image \"%s\" is in the table twice", film.image());
              }
              films.add(film);
            },
            // Scores are computed from films and labels, so none of them may be left out silently.
            rejected -> {
              throw new RadialogException(Kind.REFUSED_DATA, rejected.toString());
            });
    return new NihDataSet(films);
  }

  private static RadialogException wrong(Path table, CsvTable.Row row, String what, String found) {
    return new RadialogException(
        Kind.REFUSED_DATA,
        "%s, row %d: %s"
            .formatted(
                Printable.escaped(table.toString()),
                row.number(),
                what.formatted(Printable.of(found))));
  }

  private static Film film(Path folder, Path table, String labels, CsvTable.Row row) {
    String image = row.get("image");
    // The table is not trusted: a name must not be a path that leaves the folder.
    if (image.isBlank() || image.contains("/") || image.contains("\\") || image.contains("..")) {
      throw wrong(table, row, "expected a file name in the column image, found \"%s\"", image);
    }
    var truth = new EnumMap<Finding, Truth>(Finding.class);
    truth.put(Finding.NO_FINDING, Truth.ABSENT);
    for (Finding finding : Finding.NIH_MAPPED) {
      truth.put(finding, Truth.ABSENT);
    }
    for (String name : row.get(labels).split("\\|", -1)) {
      if (!name.isBlank()) {
        finding(table, row, labels, name).ifPresent(finding -> truth.put(finding, Truth.PRESENT));
      }
    }
    // Films are grouped by patient, which is not possible without a patient.
    if (row.get("patient").isBlank()) {
      throw wrong(table, row, "expected a name in the column patient, found \"%s\"", "");
    }
    return new Film(
        image,
        folder.resolve("images").resolve(image),
        row.get("patient"),
        age(table, row),
        row.get("sex"),
        View.of(row.get("view")),
        truth);
  }

  private static Optional<Finding> finding(
      Path table, CsvTable.Row row, String labels, String name) {
    try {
      return labels.equals(NIH_LABELS)
          ? NihLabels.finding(name)
          : Optional.of(Finding.of(name.strip()));
    } catch (RadialogException e) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "%s, row %d: %s"
              .formatted(Printable.escaped(table.toString()), row.number(), e.getMessage()),
          e);
    }
  }

  private static int age(Path table, CsvTable.Row row) {
    try {
      return Integer.parseInt(row.get("age").strip());
    } catch (NumberFormatException e) {
      RadialogException wrong =
          wrong(table, row, "expected an age in years, found \"%s\"", row.get("age"));
      wrong.initCause(e);
      throw wrong;
    }
  }

  /** The same films with CheXpert's label hierarchy applied, see {@link Film#withHierarchy}. */
  public NihDataSet withHierarchy() {
    return new NihDataSet(films.stream().map(Film::withHierarchy).toList());
  }

  /** The film with a file name. */
  public Optional<Film> film(String image) {
    return films.stream().filter(film -> film.image().equals(image)).findFirst();
  }

  /** The number of films in which {@code finding} is present, absent or unknown. */
  public Map<Truth, Long> counts(Finding finding) {
    var counts = new EnumMap<Truth, Long>(Truth.class);
    for (Truth t : Truth.values()) {
      counts.put(t, films.stream().filter(film -> film.truth(finding) == t).count());
    }
    return counts;
  }
}
