package org.radialog.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.data.Truth;
import org.radialog.metrics.BinaryPredictions;
import org.radialog.metrics.Bootstrap;
import org.radialog.metrics.Groups;
import org.radialog.metrics.Interval;
import org.radialog.metrics.Resampled;

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

  private static final int COLUMNS = 12;

  /** Below this many positives a score is marked as uncertain. */
  public static final int FEW_POSITIVES = 40;

  /**
   * One label.
   *
   * @param films whose label is known
   * @param positives films that have it
   * @param auroc mean over folds
   * @param averagePrecision mean over folds
   * @param brier over all films together
   * @param calibrationError expected calibration error over ten equal bins of probability, over all
   *     films together
   * @param bestF1 at the thresholds of the highest F1, each chosen on the other folds
   * @param youden at the thresholds of the highest sensitivity + specificity − 1, likewise
   * @param roc the mean of the folds' curves at 101 false positive rates, whose area is the AUROC
   *     but for the steps between them; empty where no fold has both classes
   * @param reliability over all films together
   */
  public record LabelScore(
      Finding finding,
      int films,
      int positives,
      Interval auroc,
      Interval averagePrecision,
      Interval brier,
      Interval calibrationError,
      Decided bestF1,
      Decided youden,
      List<Point> roc,
      List<BinaryPredictions.Bin> reliability) {
    public LabelScore {
      roc = List.copyOf(roc);
      reliability = List.copyOf(reliability);
    }

    /** Whether there are too few positives for more than a hint. */
    public boolean few() {
      return positives < FEW_POSITIVES;
    }
  }

  /**
   * Yes and no above and below thresholds, each film by the threshold that was chosen on the films
   * of all other folds; not a number where there is a single fold.
   */
  public record Decided(
      Interval precision, Interval sensitivity, Interval specificity, Interval f1) {
    private static Decided decided(List<Interval> columns) {
      return new Decided(columns.get(0), columns.get(1), columns.get(2), columns.get(3));
    }
  }

  /** A point of a mean ROC curve. */
  public record Point(double falsePositiveRate, double truePositiveRate) {}

  public FindingsScores {
    labels = List.copyOf(labels);
    meanByFold = Collections.unmodifiableSortedMap(new TreeMap<>(meanByFold));
  }

  /** One label's films, each fold by itself and all together. */
  private record Scored(
      Finding finding,
      SortedMap<Integer, BinaryPredictions> byFold,
      BinaryPredictions all,
      Map<Integer, OptionalDouble> bestF1,
      Map<Integer, OptionalDouble> youden) {
    /** All columns of a resample. */
    double[] of(int[] times) {
      double[] columns = new double[COLUMNS];
      System.arraycopy(ranked(times), 0, columns, 0, 2);
      System.arraycopy(all.calibrated(times), 0, columns, 2, 2);
      System.arraycopy(decided(times, bestF1), 0, columns, 4, 4);
      System.arraycopy(decided(times, youden), 0, columns, 8, 4);
      return columns;
    }

    /** Precision, sensitivity, specificity and F1. */
    private double[] decided(int[] times, Map<Integer, OptionalDouble> thresholds) {
      long[] counts = new long[4];
      if (byFold.size() > 1) {
        byFold.forEach((fold, predictions) ->
            predictions.count(
                times,
                thresholds
                    .getOrDefault(fold, OptionalDouble.empty())
                    .orElse(Double.POSITIVE_INFINITY),
                counts));
      }
      double hit = counts[0];
      boolean none = Arrays.stream(counts).sum() == 0;
      return new double[] {
        none ? Double.NaN : hit == 0 ? 0 : hit / (counts[0] + counts[1]),
        hit / (counts[0] + counts[2]),
        (double) counts[3] / (counts[1] + counts[3]),
        none ? Double.NaN : hit == 0 ? 0 : 2 * hit / (2 * hit + counts[1] + counts[2])
      };
    }

    /** Mean over the folds that have both classes; not a number where none has. */
    double[] ranked(int[] times) {
      double[] auroc = new double[byFold.size()];
      double[] precision = new double[byFold.size()];
      int k = 0;
      for (BinaryPredictions fold : byFold.values()) {
        double[] ranked = fold.ranked(times);
        auroc[k] = ranked[0];
        precision[k++] = ranked[1];
      }
      return new double[] {mean(auroc), mean(precision)};
    }

    int positives() {
      return all.positives();
    }
  }

  /**
   * Scores {@code probabilities} of {@code films} with {@value RESAMPLES} resamples of patients.
   *
   * @param probabilities 14 columns a film, by image name, from a model that never saw its patient
   * @param fold the fold of a film
   * @throws RadialogException if a film has no probabilities
   */
  public static FindingsScores of(
      List<Film> films, Map<String, double[]> probabilities, ToIntFunction<Film> fold, long seed) {
    List<Scored> labels = new ArrayList<>();
    for (Finding finding : Finding.ALL) {
      Scored scored = scored(finding, films, probabilities, fold);
      if (scored.positives() > 0) {
        labels.add(scored);
      }
    }
    List<Interval> intervals = intervals(labels, films, seed);
    List<LabelScore> scores = new ArrayList<>();
    for (int k = 0; k < labels.size(); k++) {
      Scored label = labels.get(k);
      List<Interval> own = intervals.subList(COLUMNS * k, COLUMNS * (k + 1));
      scores.add(
          new LabelScore(
              label.finding,
              label.all.count(),
              label.positives(),
              own.get(0),
              own.get(1),
              own.get(2),
              own.get(3),
              Decided.decided(own.subList(4, 8)),
              Decided.decided(own.subList(8, 12)),
              meanRoc(label.byFold.values()),
              label.all.reliability()));
    }
    SortedMap<Integer, Double> meanByFold = new TreeMap<>();
    films.stream()
        .mapToInt(fold)
        .distinct()
        .forEach(k ->
            meanByFold.put(
                k,
                mean(
                    labels.stream()
                        .filter(label -> Finding.NIH_MAPPED.contains(label.finding))
                        .flatMap(label -> Stream.ofNullable(label.byFold.get(k)))
                        .map(BinaryPredictions::auroc)
                        .flatMapToDouble(OptionalDouble::stream)
                        .toArray())));
    int patients = (int) films.stream().map(Film::patient).distinct().count();
    return new FindingsScores(scores, intervals.getLast(), meanByFold, films.size(), patients);
  }

  /**
   * The mean AUROC over the mapped labels for each sex, age band and view: {@code
   * mean_auroc_of_ten}, within folds and with intervals as over all films.
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

  private static Scored scored(
      Finding finding,
      List<Film> films,
      Map<String, double[]> probabilities,
      ToIntFunction<Film> fold) {
    SortedMap<Integer, List<Integer>> known = new TreeMap<>();
    for (int i = 0; i < films.size(); i++) {
      Film film = films.get(i);
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
            known.computeIfAbsent(fold.applyAsInt(film), f -> new ArrayList<>()).add(i);
        case UNKNOWN -> {
          // not scored: nobody knows
        }
      }
    }
    SortedMap<Integer, BinaryPredictions> byFold = new TreeMap<>();
    Map<Integer, OptionalDouble> bestF1 = new HashMap<>();
    Map<Integer, OptionalDouble> youden = new HashMap<>();
    known.forEach((k, items) -> {
      byFold.put(k, predictions(finding, films, probabilities, items));
      List<Integer> others =
          known.entrySet().stream()
              .filter(e -> !e.getKey().equals(k))
              .flatMap(e -> e.getValue().stream())
              .toList();
      BinaryPredictions elsewhere = predictions(finding, films, probabilities, others);
      bestF1.put(k, elsewhere.thresholdOfBestF1());
      youden.put(k, elsewhere.thresholdOfYouden());
    });
    return new Scored(
        finding,
        byFold,
        predictions(
            finding, films, probabilities, known.values().stream().flatMap(List::stream).toList()),
        bestF1,
        youden);
  }

  private static BinaryPredictions predictions(
      Finding finding, List<Film> films, Map<String, double[]> probabilities, List<Integer> items) {
    int[] item = new int[items.size()];
    double[] probability = new double[item.length];
    boolean[] positive = new boolean[item.length];
    for (int k = 0; k < item.length; k++) {
      Film film = films.get(items.get(k));
      item[k] = items.get(k);
      probability[k] = Objects.requireNonNull(probabilities.get(film.image()))[finding.column()];
      positive[k] = film.truth(finding) == Truth.PRESENT;
    }
    return new BinaryPredictions(films.size(), item, probability, positive);
  }

  /** {@value COLUMNS} a label, then the mean AUROC of the mapped labels. */
  private static List<Interval> intervals(List<Scored> labels, List<Film> films, long seed) {
    Function<int[], double[]> scores =
        times -> {
          double[] of = new double[COLUMNS * labels.size() + 1];
          List<Double> mapped = new ArrayList<>();
          int at = 0;
          for (Scored label : labels) {
            double[] columns = label.of(times);
            System.arraycopy(columns, 0, of, at, COLUMNS);
            at += COLUMNS;
            if (Finding.NIH_MAPPED.contains(label.finding)) {
              mapped.add(columns[0]);
            }
          }
          of[at] = mean(mapped.stream().mapToDouble(Double::doubleValue).toArray());
          return of;
        };
    double[] values = scores.apply(Resampled.once(films.size()));
    double[][] drawn =
        new Bootstrap(RESAMPLES, seed)
            .drawn(Groups.by(films.stream().map(Film::patient).toList()), scores);
    List<Interval> intervals = new ArrayList<>();
    for (int k = 0; k < values.length; k++) {
      intervals.add(Bootstrap.interval(values[k], Bootstrap.column(drawn, k)));
    }
    return intervals;
  }

  /** Mean of those that are defined; not a number where none is. */
  private static double mean(double[] values) {
    return Arrays.stream(values).filter(v -> !Double.isNaN(v)).average().orElse(Double.NaN);
  }

  // Scores of different folds are not on one scale, so their curves are averaged, not their films
  // pooled.
  private static List<Point> meanRoc(Collection<BinaryPredictions> folds) {
    List<List<BinaryPredictions.RocPoint>> curves =
        folds.stream().map(BinaryPredictions::roc).filter(roc -> !roc.isEmpty()).toList();
    List<Point> points = new ArrayList<>();
    for (int step = 0; step <= 100 && !curves.isEmpty(); step++) {
      double rate = step / 100.0;
      points.add(
          new Point(
              rate,
              curves.stream().mapToDouble(roc -> sensitivity(roc, rate)).average().orElse(0)));
    }
    return points;
  }

  /** The highest true positive rate of a curve at a false positive rate, steps drawn straight. */
  private static double sensitivity(List<BinaryPredictions.RocPoint> roc, double rate) {
    int last = 0;
    while (last + 1 < roc.size() && roc.get(last + 1).falsePositiveRate() <= rate) {
      last++;
    }
    BinaryPredictions.RocPoint here = roc.get(last);
    if (last + 1 == roc.size()) {
      return here.truePositiveRate();
    }
    BinaryPredictions.RocPoint next = roc.get(last + 1);
    double share =
        (rate - here.falsePositiveRate()) / (next.falsePositiveRate() - here.falsePositiveRate());
    return here.truePositiveRate() + share * (next.truePositiveRate() - here.truePositiveRate());
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
}
