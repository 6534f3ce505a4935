package org.radialog.eval;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.ToIntFunction;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.data.Truth;

/**
 * How well probabilities rank the films of held-out folds: AUROC within each fold, averaged over
 * the folds that have both classes, because scores of different models are not on one scale.
 * Intervals are the 2.5th and 97.5th percentile over resamples of patients.
 *
 * @param labels one row an assessed label, in column order
 * @param meanOfMapped mean over the ten mapped labels, No Finding left out
 * @param meanByFold the same mean within each fold, in order of folds
 * @param films how many films were scored
 * @param patients how many patients they show
 */
public record FindingsScores(
    List<LabelScore> labels,
    Interval meanOfMapped,
    SortedMap<Integer, Double> meanByFold,
    int films,
    int patients) {
  /** Resamples of patients. */
  public static final int RESAMPLES = 1000;

  /** Below this many positives a score is marked as uncertain. */
  public static final int FEW_POSITIVES = 40;

  /** A value and its 95 % interval. */
  public record Interval(double value, double low, double high) {}

  /**
   * One label.
   *
   * @param positives films that have it
   * @param calibrationError expected calibration error over ten equal bins of probability
   */
  public record LabelScore(
      Finding finding, int positives, Interval auroc, double calibrationError) {
    /** Whether there are too few positives for more than a hint. */
    public boolean few() {
      return positives < FEW_POSITIVES;
    }
  }

  public FindingsScores {
    labels = List.copyOf(labels);
    meanByFold = Collections.unmodifiableSortedMap(new TreeMap<>(meanByFold));
  }

  private record Scored(String patient, int fold, double score, boolean positive) {}

  /**
   * Scores {@code probabilities} of {@code films}.
   *
   * @param probabilities 14 columns a film, by image name, from a model that never saw its patient
   * @param fold the fold of a film
   * @throws RadialogException if a film has no probabilities
   */
  public static FindingsScores of(
      List<Film> films, Map<String, double[]> probabilities, ToIntFunction<Film> fold, long seed) {
    List<LabelScore> labels = new ArrayList<>();
    List<List<Scored>> mapped = new ArrayList<>();
    for (Finding finding : Finding.ALL) {
      List<Scored> rows = new ArrayList<>();
      for (Film film : films) {
        double[] row = probabilities.get(film.image());
        if (row == null || row.length != Finding.COUNT) {
          throw new RadialogException(
              "the probabilities of film "
                  + film.image()
                  + (row == null ? " are missing" : " have " + row.length + " columns")
                  + "; expected 14 for each of the "
                  + films.size()
                  + " films");
        }
        switch (film.truth(finding)) {
          case PRESENT, ABSENT ->
              rows.add(
                  new Scored(
                      film.patient(),
                      fold.applyAsInt(film),
                      row[finding.column()],
                      film.truth(finding) == Truth.PRESENT));
          case UNKNOWN -> {
            // not scored: nobody knows
          }
        }
      }
      int positives = (int) rows.stream().filter(Scored::positive).count();
      if (positives == 0) {
        continue;
      }
      if (Finding.NIH_MAPPED.contains(finding)) {
        mapped.add(rows);
      }
      labels.add(
          new LabelScore(
              finding, positives, interval(List.of(rows), seed), calibrationError(rows)));
    }
    int patients = (int) films.stream().map(Film::patient).distinct().count();
    SortedMap<Integer, Double> meanByFold = new TreeMap<>();
    films.stream()
        .mapToInt(fold)
        .distinct()
        .forEach(k ->
            meanByFold.put(
                k,
                mean(
                    mapped.stream()
                        .map(rows -> rows.stream().filter(row -> row.fold == k).toList())
                        .toList())));
    return new FindingsScores(labels, interval(mapped, seed), meanByFold, films.size(), patients);
  }

  /**
   * What view and age alone would reach: logistic regression on them, learned on the other folds. A
   * classifier that is no better has learned who gets which film, not what the film shows.
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

  // Gradient ascent of the mean log likelihood with a little ridge: four weights, so plain steps
  // do.
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

  /** Mean over the given labels of the mean over folds, with its interval. */
  private static Interval interval(List<List<Scored>> labels, long seed) {
    double value = mean(labels);
    // one set of patients drawn for all labels of a resample
    var byPatient = new TreeMap<String, Integer>();
    labels.forEach(rows -> rows.forEach(r -> byPatient.putIfAbsent(r.patient, byPatient.size())));
    int patients = byPatient.size();
    var random = new SplittableRandom(seed);
    List<Double> means = new ArrayList<>();
    for (int resample = 0; resample < RESAMPLES && patients > 0; resample++) {
      int[] times = new int[patients];
      for (int i = 0; i < patients; i++) {
        times[random.nextInt(patients)]++;
      }
      List<List<Scored>> drawn = new ArrayList<>();
      for (List<Scored> rows : labels) {
        List<Scored> again = new ArrayList<>(rows.size());
        for (Scored row : rows) {
          Integer index = byPatient.get(row.patient);
          for (int k = 0; index != null && k < times[index]; k++) {
            again.add(row);
          }
        }
        drawn.add(again);
      }
      double m = mean(drawn);
      if (!Double.isNaN(m)) {
        means.add(m);
      }
    }
    means.sort(null);
    return means.isEmpty()
        ? new Interval(value, value, value)
        : new Interval(
            value,
            means.get((int) (0.025 * (means.size() - 1))),
            means.get((int) Math.ceil(0.975 * (means.size() - 1))));
  }

  private static double mean(List<List<Scored>> labels) {
    double sum = 0;
    int count = 0;
    for (List<Scored> rows : labels) {
      Map<Integer, List<Scored>> folds = new TreeMap<>();
      for (Scored row : rows) {
        folds.computeIfAbsent(row.fold, f -> new ArrayList<>()).add(row);
      }
      double foldSum = 0;
      int foldCount = 0;
      for (List<Scored> fold : folds.values()) {
        boolean[] positive = new boolean[fold.size()];
        double[] scores = new double[fold.size()];
        for (int i = 0; i < positive.length; i++) {
          positive[i] = fold.get(i).positive;
          scores[i] = fold.get(i).score;
        }
        OptionalDouble auroc = Auroc.of(scores, positive);
        if (auroc.isPresent()) {
          foldSum += auroc.getAsDouble();
          foldCount++;
        }
      }
      if (foldCount > 0) {
        sum += foldSum / foldCount;
        count++;
      }
    }
    return count == 0 ? Double.NaN : sum / count;
  }

  /** Σ over ten bins of share × |mean probability − share of positives|. */
  private static double calibrationError(List<Scored> rows) {
    double[] probability = new double[10];
    double[] positives = new double[10];
    int[] n = new int[10];
    for (Scored row : rows) {
      int bin = Math.clamp((int) Math.ceil(row.score * 10) - 1, 0, 9);
      probability[bin] += row.score;
      positives[bin] += row.positive ? 1 : 0;
      n[bin]++;
    }
    double error = 0;
    for (int bin = 0; bin < 10; bin++) {
      error += Math.abs(probability[bin] - positives[bin]) / rows.size();
    }
    return error;
  }
}
