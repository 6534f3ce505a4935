package org.radialog.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.radialog.base.CsvLine;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.Sha256;
import org.radialog.base.WholeFile;
import org.radialog.clinical.Finding;
import org.radialog.clinical.View;

/**
 * The assignment of patients to folds. Films are split by patient, never by image.
 *
 * @param patients fold of each patient, from 0 to {@code count} - 1
 * @param count number of folds
 */
public record Folds(SortedMap<String, Integer> patients, int count) {
  /** The seed of {@code nih14-folds.csv} and of every validation split. */
  public static final long SEED = 14;

  /** Orders numeric names by value. */
  private static final Comparator<String> BY_NAME =
      Comparator.comparingInt(String::length).thenComparing(Comparator.naturalOrder());

  /**
   * The films of a training run.
   *
   * @param train films for training
   * @param validation films for thresholds and early stopping
   * @param test films that are never used in training
   */
  public record Split(List<Film> train, List<Film> validation, List<Film> test) {
    public Split {
      train = List.copyOf(train);
      validation = List.copyOf(validation);
      test = List.copyOf(test);
    }
  }

  public Folds {
    var sorted = new TreeMap<String, Integer>(BY_NAME);
    sorted.putAll(patients);
    for (var e : sorted.entrySet()) {
      if (e.getValue() < 0 || e.getValue() >= count) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            "patient %s is in fold %d: expected a fold from 0 to %d"
                .formatted(e.getKey(), e.getValue(), count - 1));
      }
    }
    patients = Collections.unmodifiableSortedMap(sorted);
  }

  /**
   * The five folds of the NIH films, as committed in {@code data/nih14-folds.csv}: the result of
   * {@code stratified(NihDataSet.read(nih14).films(), 5, SEED)}, {@link #extended} by the films of
   * {@code nih14-more}.
   */
  public static Folds nih14() {
    String name = "nih14-folds.csv";
    try (InputStream in = Folds.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new RadialogException(
            name + " is missing from the class path: build the module data");
      }
      var patients = new TreeMap<String, Integer>(BY_NAME);
      new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .skip(1) // the header; FoldsTest reads the file with read()
          .map(line -> line.split(",", -1))
          .forEach(cells -> patients.put(cells[0], Integer.parseInt(cells[1])));
      return new Folds(patients, Collections.max(patients.values()) + 1);
    } catch (IOException e) {
      throw new RadialogException("cannot read " + name + ": " + e, e);
    }
  }

  /**
   * Reads the folds from a table, or returns those of the NIH films if there is no table.
   *
   * @throws RadialogException if the file is not a table of folds
   */
  public static Folds of(Optional<Path> table) {
    return table.map(Folds::read).orElseGet(Folds::nih14);
  }

  /**
   * Reads a table {@code patient,fold}.
   *
   * @throws RadialogException if it is not such a table, or if a patient occurs twice
   */
  public static Folds read(Path file) {
    var patients = new TreeMap<String, Integer>(BY_NAME);
    CsvTable.of(file, "patient", "fold")
        .read(
            row -> {
              String fold = row.get("fold").strip();
              if (!fold.matches("\\d{1,3}") || row.get("patient").isBlank()) {
                throw wrong(
                    file,
                    row.number(),
                    "expected a patient and a fold of at least 0, found "
                        + Printable.of(row.get("patient"))
                        + ","
                        + Printable.of(fold));
              }
              if (patients.put(row.get("patient"), Integer.parseInt(fold)) != null) {
                throw wrong(
                    file,
                    row.number(),
                    "patient %s is in the table twice".formatted(Printable.of(row.get("patient"))));
              }
            },
            rejected -> {
              throw new RadialogException(Kind.REFUSED_DATA, rejected.toString());
            });
    if (patients.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          Printable.escaped(file.toString()) + " has no patient: expected one per row");
    }
    return new Folds(patients, Collections.max(patients.values()) + 1);
  }

  private static RadialogException wrong(Path file, long line, String what) {
    return new RadialogException(
        Kind.REFUSED_DATA,
        "%s, line %d: %s".formatted(Printable.escaped(file.toString()), line, what));
  }

  /** Writes the table {@code patient,fold} atomically. */
  public void write(Path file) {
    var text = new StringBuilder("patient,fold\n");
    patients.forEach((patient, fold) -> text.append(CsvLine.of(patient, fold)).append('\n'));
    WholeFile.write(file, text.toString());
  }

  /**
   * Iterative stratification (Sechidis, Tsoumakas, Vlahavas, ECML PKDD 2011) by patient: each fold
   * should get its share of the films of every label and every view, and of all films. The strata
   * are the labels known to be present and the views.
   *
   * <ol>
   *   <li>Take the stratum with the fewest films among the unassigned patients.
   *   <li>Order its patients by descending number of films in the stratum, then by SHA-256 of
   *       {@code seed/patient}. Assign each to the fold that lacks the most films of this stratum;
   *       break ties by the most films lacking in total, then by the lowest fold number.
   *   <li>Repeat until every patient has a fold.
   * </ol>
   *
   * @throws RadialogException if there are fewer patients than folds
   */
  public static Folds stratified(List<Film> films, int count, long seed) {
    long patients = films.stream().map(Film::patient).distinct().count();
    if (patients < count) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          ("%d patients cannot be divided into %d folds: expected at least one patient"
                  + " per fold")
              .formatted(patients, count));
    }
    return assigned(films, count, seed);
  }

  /**
   * These folds, and the patients of {@code films} who have none: they are assigned by {@link
   * #stratified} among themselves, and no patient changes the fold.
   */
  public Folds extended(List<Film> films) {
    var all = new TreeMap<String, Integer>(BY_NAME);
    all.putAll(patients);
    List<Film> further =
        films.stream().filter(film -> !patients.containsKey(film.patient())).toList();
    all.putAll(assigned(further, count, SEED).patients);
    return new Folds(all, count);
  }

  private static Folds assigned(List<Film> films, int count, long seed) {
    List<View> views = List.of(View.values());
    int strata = Finding.COUNT + views.size();
    int all = strata; // the last column counts every film
    var carried = new HashMap<String, int[]>();
    double[] total = new double[strata + 1];
    for (Film film : films) {
      int[] row = carried.computeIfAbsent(film.patient(), p -> new int[strata + 1]);
      for (Finding finding : film.present()) {
        row[finding.column()]++;
        total[finding.column()]++;
      }
      row[Finding.COUNT + views.indexOf(film.view())]++;
      total[Finding.COUNT + views.indexOf(film.view())]++;
      row[all]++;
      total[all]++;
    }
    var order = new HashMap<String, String>();
    carried.keySet().forEach(patient -> order.put(patient, Sha256.of(seed + "/" + patient)));
    double[][] lacking = new double[count][];
    for (int fold = 0; fold < count; fold++) {
      lacking[fold] = Arrays.stream(total).map(n -> n / count).toArray();
    }
    double[] left = total.clone();
    var folds = new TreeMap<String, Integer>(BY_NAME);
    while (folds.size() < carried.size()) {
      int rarest = -1;
      for (int s = 0; s < strata; s++) {
        if (left[s] > 0 && (rarest < 0 || left[s] < left[rarest])) {
          rarest = s;
        }
      }
      int stratum = rarest;
      var patients = new ArrayList<String>();
      carried.forEach((patient, row) -> {
        if (row[stratum] > 0 && !folds.containsKey(patient)) {
          patients.add(patient);
        }
      });
      patients.sort(
          Comparator.comparingInt((String p) -> -row(carried, p)[stratum])
              .thenComparing(p -> order.getOrDefault(p, "")));
      for (String patient : patients) {
        int best = 0;
        for (int fold = 1; fold < count; fold++) {
          int more = Double.compare(lacking[fold][stratum], lacking[best][stratum]);
          if (more > 0 || (more == 0 && lacking[fold][all] > lacking[best][all])) {
            best = fold;
          }
        }
        folds.put(patient, best);
        int[] row = row(carried, patient);
        for (int s = 0; s <= strata; s++) {
          lacking[best][s] -= row[s];
          left[s] -= row[s];
        }
      }
    }
    return new Folds(folds, count);
  }

  private static int[] row(Map<String, int[]> carried, String patient) {
    return carried.getOrDefault(patient, new int[0]);
  }

  /**
   * The fold of the patient of a film.
   *
   * @throws RadialogException if the patient has no fold
   */
  public int of(Film film) {
    Integer fold = patients.get(film.patient());
    if (fold == null) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          ("patient %s of %s is in none of the %d folds: create folds for this data set"
                  + " (radialog data folds) and pass their table with --folds")
              .formatted(Printable.of(film.patient()), Printable.of(film.image()), count));
    }
    return fold;
  }

  /** The films of {@code fold}, in their original order. */
  public List<Film> films(List<Film> films, int fold) {
    check(fold);
    return films.stream().filter(film -> of(film) == fold).toList();
  }

  /**
   * Uses {@code testFold} for testing. A tenth of the other patients is used for validation: group
   * 0 of ten groups made by {@link #stratified}.
   */
  public Split split(List<Film> films, int testFold) {
    check(testFold);
    List<Film> rest = films.stream().filter(film -> of(film) != testFold).toList();
    Folds tenths = assigned(rest, 10, SEED);
    return new Split(
        rest.stream().filter(film -> tenths.of(film) != 0).toList(),
        tenths.films(rest, 0),
        films(films, testFold));
  }

  private void check(int fold) {
    if (fold < 0 || fold >= count) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "no fold %d: expected a number from 0 to %d".formatted(fold, count - 1));
    }
  }
}
