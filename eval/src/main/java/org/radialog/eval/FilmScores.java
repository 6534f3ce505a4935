package org.radialog.eval;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.ToIntFunction;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.data.Truth;
import org.radialog.metrics.FindingsScores;
import org.radialog.metrics.Interval;

/** Scores classifier probabilities of films against the labels of a data set. */
public final class FilmScores {
  private FilmScores() {}

  /**
   * Scores {@code probabilities} of {@code films}.
   *
   * @param probabilities 14 columns per film, by image name, from a model that was not trained on
   *     the patient
   * @param fold returns the fold of a film
   * @throws RadialogException if the probabilities of a film are missing
   */
  public static FindingsScores of(
      List<Film> films, Map<String, double[]> probabilities, ToIntFunction<Film> fold, long seed) {
    return FindingsScores.of(
        films.stream().map(film -> item(film, films.size(), probabilities, fold)).toList(), seed);
  }

  private static FindingsScores.Item item(
      Film film, int films, Map<String, double[]> probabilities, ToIntFunction<Film> fold) {
    double[] row = probabilities.get(film.image());
    if (row == null || row.length != Finding.COUNT) {
      throw new RadialogException(
          "the probabilities of film "
              + film.image()
              + (row == null ? " are missing" : " have " + row.length + " columns")
              + "; expected 14 for each of the "
              + films
              + " films");
    }
    Map<Finding, Boolean> truth = new EnumMap<>(Finding.class);
    film.truth()
        .forEach((finding, known) -> {
          switch (known) {
            case PRESENT -> truth.put(finding, true);
            case ABSENT -> truth.put(finding, false);
            case UNKNOWN -> {
              // unknown labels are not scored
            }
          }
        });
    return new FindingsScores.Item(film.image(), film.patient(), fold.applyAsInt(film), truth, row);
  }

  /**
   * The mean AUROC over the mapped labels for each sex, age band and view: {@code
   * mean_auroc_of_ten}, computed within folds and with intervals, as for all films.
   */
  public static List<SystemScores.Subgroup> subgroups(
      List<Film> films, Map<String, double[]> probabilities, ToIntFunction<Film> fold, long seed) {
    return Stratum.of(films).stream()
        .map(part -> {
          FindingsScores scores = of(part.among(films), probabilities, fold, seed);
          SequencedMap<String, Interval> metrics = new LinkedHashMap<>();
          metrics.put("mean_auroc_of_ten", scores.meanOfMapped());
          return new SystemScores.Subgroup(part.attribute(), part.value(), scores.films(), metrics);
        })
        .toList();
  }

  /**
   * A baseline from view and age only: logistic regression, trained on the other folds. A
   * classifier that does not score better has learned which patients get which film, not what the
   * film shows.
   */
  public static Map<String, double[]> viewAndAgeOnly(List<Film> films, ToIntFunction<Film> fold) {
    Map<String, double[]> probabilities = new HashMap<>();
    for (Film film : films) {
      probabilities.put(film.image(), new double[Finding.COUNT]);
    }
    int[] folds = films.stream().mapToInt(fold).distinct().sorted().toArray();
    for (Finding finding : Finding.ALL) {
      for (int held : folds) {
        List<Film> known =
            films.stream()
                .filter(f -> fold.applyAsInt(f) != held && f.truth(finding) != Truth.UNKNOWN)
                .toList();
        double[] w = logistic(known, finding);
        for (Film film : films) {
          double[] row = probabilities.get(film.image());
          if (row != null && fold.applyAsInt(film) == held) {
            row[finding.column()] = sigmoid(dot(w, features(film)));
          }
        }
      }
    }
    return probabilities;
  }

  private static double[] features(Film film) {
    double age = (Math.clamp(film.age(), 0, 100) - 50) / 20.0;
    return new double[] {1, film.view() == View.AP ? 1 : 0, age, age * age};
  }

  // Gradient ascent on the mean log-likelihood with a small ridge penalty. With only four weights,
  // fixed steps
  // suffice.
  private static double[] logistic(List<Film> films, Finding finding) {
    double[] w = new double[4];
    for (int step = 0; step < 2000 && !films.isEmpty(); step++) {
      double[] gradient = new double[w.length];
      for (Film film : films) {
        double[] x = features(film);
        double error = (film.truth(finding) == Truth.PRESENT ? 1 : 0) - sigmoid(dot(w, x));
        for (int i = 0; i < w.length; i++) {
          gradient[i] += error * x[i];
        }
      }
      for (int i = 0; i < w.length; i++) {
        w[i] += 0.5 * (gradient[i] / films.size() - 1e-4 * w[i]);
      }
    }
    return w;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }
}
