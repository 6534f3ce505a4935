package org.radialog.train;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.data.CsvTable;
import org.radialog.data.Film;
import org.radialog.data.Truth;

/** Tables of probabilities from classifier runs, and the choice of thresholds. */
final class Probabilities {
  private static final double LOWEST = 0.05;
  private static final double HIGHEST = 0.95;

  private Probabilities() {}

  /**
   * Reads the 14 probabilities per image from all {@code tables}.
   *
   * @throws RadialogException if a table cannot be read or an image occurs in two tables
   */
  static Map<String, double[]> read(List<Path> tables) {
    Map<String, double[]> rows = new LinkedHashMap<>();
    String[] columns =
        Stream.concat(Stream.of("image"), Finding.ALL.stream().map(Finding::label))
            .toArray(String[]::new);
    for (Path table : tables) {
      CsvTable.of(table, columns)
          .read(
              row -> {
                double[] probabilities = new double[Finding.COUNT];
                for (Finding finding : Finding.ALL) {
                  probabilities[finding.column()] = probability(table, row, finding);
                }
                if (rows.put(row.get("image"), probabilities) != null) {
                  throw new RadialogException(
                      Kind.REFUSED_DATA,
                      "%s: image %s occurs in two of %s"
                          .formatted(
                              Printable.escaped(table.toString()),
                              Printable.of(row.get("image")),
                              Printable.of(tables)));
                }
              },
              rejected -> {
                throw new RadialogException(Kind.REFUSED_DATA, rejected.toString());
              });
    }
    return rows;
  }

  private static double probability(Path table, CsvTable.Row row, Finding finding) {
    String cell = row.get(finding.label());
    try {
      return Double.parseDouble(cell);
    } catch (NumberFormatException e) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "%s, row %d was not written by a classifier run: expected a probability of %s, found \"%s\""
              .formatted(
                  Printable.escaped(table.toString()),
                  row.number(),
                  finding.label(),
                  Printable.of(cell)),
          e);
    }
  }

  /**
   * Chooses for each label the threshold at which the fraction of {@code films} called present
   * equals the prevalence of the label in {@code frequency}. A small set with few positives does
   * not allow a better choice. The threshold is from {@value #LOWEST} to {@value #HIGHEST}, midway
   * between the two scores that it separates, or 0.5 for a label that {@code frequency} has never
   * or always.
   *
   * @param films films that the classifier was not trained on
   * @param frequency films from which the prevalence is determined
   * @param probabilities 14 per film, by image; films without an entry are ignored
   */
  static double[] thresholds(
      List<Film> films, List<Film> frequency, Map<String, double[]> probabilities) {
    double[] thresholds = new double[Finding.COUNT];
    Arrays.fill(thresholds, 0.5);
    for (Finding finding : Finding.ALL) {
      double[] scores =
          films.stream()
              .map(Film::image)
              .filter(probabilities::containsKey)
              .mapToDouble(image -> score(probabilities, image, finding))
              .sorted()
              .toArray();
      double share = share(frequency, finding);
      if (scores.length > 0 && share > 0 && share < 1) {
        int called = Math.clamp(Math.round(share * scores.length), 1, scores.length);
        int lowest = scores.length - called; // index of the lowest score that is called present
        double below = lowest > 0 ? scores[lowest - 1] : 0;
        thresholds[finding.column()] = Math.clamp((scores[lowest] + below) / 2, LOWEST, HIGHEST);
      }
    }
    return thresholds;
  }

  private static double score(Map<String, double[]> probabilities, String image, Finding finding) {
    return probabilities.getOrDefault(image, new double[Finding.COUNT])[finding.column()];
  }

  private static double share(List<Film> films, Finding finding) {
    long known = films.stream().filter(film -> film.truth(finding) != Truth.UNKNOWN).count();
    long present = films.stream().filter(film -> film.truth(finding) == Truth.PRESENT).count();
    return known == 0 ? 0 : (double) present / known;
  }
}
