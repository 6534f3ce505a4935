package org.radialog.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;
import org.radialog.clinical.Finding;

/**
 * Scores of the probabilities of findings in cross-validation. AUROC is computed within each fold
 * and averaged over the folds that have both classes, because scores of different models are not on
 * one scale. Intervals are the 2.5th and 97.5th percentile over resamples of patients.
 *
 * @param labels one row per label that is known for some item and true for at least one, in column
 *     order
 * @param unknown labels that are not known for any item, in column order; they are not scored
 * @param meanOfMapped mean AUROC over the ten mapped labels, without No Finding
 * @param meanByFold the same mean within each fold, in order of folds
 * @param films number of scored items
 * @param patients number of groups of the items
 */
public record FindingsScores(
    List<LabelScore> labels,
    List<Finding> unknown,
    Interval meanOfMapped,
    SortedMap<Integer, Double> meanByFold,
    int films,
    int patients) {
  /** Number of resamples of patients. */
  public static final int RESAMPLES = 1000;

  private static final int COLUMNS = 12;

  /** A score with fewer positives is marked as uncertain. */
  public static final int FEW_POSITIVES = 40;

  /**
   * An item with probabilities, for example a film.
   *
   * @param id the name in messages
   * @param group items of one group are resampled together, for example those of a patient
   * @param fold the fold whose model gave the probabilities; 0 if one model gave all
   * @param truth whether a finding is present; without an entry it is unknown
   * @param probabilities one per finding, by column
   */
  @SuppressWarnings("ArrayRecordComponent") // read in inner loops, never changed
  public record Item(
      String id, String group, int fold, Map<Finding, Boolean> truth, double[] probabilities) {
    /** Copies the truth. */
    public Item {
      truth = Map.copyOf(truth);
      if (probabilities.length != Finding.COUNT) {
        throw new IllegalArgumentException(
            "the probabilities of %s have %d columns, expected %d"
                .formatted(id, probabilities.length, Finding.COUNT));
      }
    }
  }

  /**
   * The scores of one label.
   *
   * @param finding the label
   * @param films number of films for which it is known
   * @param positives number of films that have it
   * @param auroc mean over folds
   * @param averagePrecision mean over folds
   * @param brier over all films together
   * @param calibrationError expected calibration error over ten equal bins of probability, over all
   *     films together
   * @param bestF1 at the thresholds with the highest F1, each chosen on the other folds
   * @param youden at the thresholds with the highest sensitivity + specificity − 1, chosen likewise
   * @param roc the mean of the curves of the folds at 101 false positive rates, whose area is the
   *     AUROC except for the steps between them; empty if no fold has both classes
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

    /** Whether there are so few positives that the score is only an indication. */
    public boolean few() {
      return positives < FEW_POSITIVES;
    }
  }

  /**
   * Scores of binary decisions, each film decided by the threshold that was chosen on the films of
   * all other folds; NaN if there is a single fold.
   *
   * @param precision from 0 to 1
   * @param sensitivity from 0 to 1
   * @param specificity from 0 to 1
   * @param f1 from 0 to 1
   */
  public record Decided(
      Interval precision, Interval sensitivity, Interval specificity, Interval f1) {
    private static Decided decided(List<Interval> columns) {
      return new Decided(columns.get(0), columns.get(1), columns.get(2), columns.get(3));
    }
  }

  /**
   * A point of a mean ROC curve.
   *
   * @param falsePositiveRate from 0 to 1
   * @param truePositiveRate from 0 to 1
   */
  public record Point(double falsePositiveRate, double truePositiveRate) {}

  public FindingsScores {
    labels = List.copyOf(labels);
    unknown = List.copyOf(unknown);
    meanByFold = Collections.unmodifiableSortedMap(new TreeMap<>(meanByFold));
  }

  /** The films of one label, each fold separately and all together. */
  private record Scored(
      Finding finding,
      SortedMap<Integer, BinaryPredictions> byFold,
      BinaryPredictions all,
      Map<Integer, OptionalDouble> bestF1,
      Map<Integer, OptionalDouble> youden) {
    /** All scores of a resample. */
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

    /** Mean over the folds that have both classes; NaN if there are none. */
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
   * Scores items with {@value RESAMPLES} resamples of their groups.
   *
   * @param items with probabilities from a model that was not trained on their group
   */
  public static FindingsScores of(List<Item> items, long seed) {
    List<Scored> labels = new ArrayList<>();
    List<Finding> unknown = new ArrayList<>();
    for (Finding finding : Finding.ALL) {
      Scored scored = scored(finding, items);
      if (scored.all.count() == 0) {
        unknown.add(finding);
      } else if (scored.positives() > 0) {
        labels.add(scored);
      }
    }
    List<Interval> intervals = intervals(labels, items, seed);
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
    items.stream()
        .mapToInt(Item::fold)
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
    int groups = (int) items.stream().map(Item::group).distinct().count();
    return new FindingsScores(
        scores, unknown, intervals.getLast(), meanByFold, items.size(), groups);
  }

  private static Scored scored(Finding finding, List<Item> items) {
    SortedMap<Integer, List<Integer>> known = new TreeMap<>();
    for (int i = 0; i < items.size(); i++) {
      if (items.get(i).truth().containsKey(finding)) {
        known.computeIfAbsent(items.get(i).fold(), f -> new ArrayList<>()).add(i);
      }
    }
    SortedMap<Integer, BinaryPredictions> byFold = new TreeMap<>();
    Map<Integer, OptionalDouble> bestF1 = new HashMap<>();
    Map<Integer, OptionalDouble> youden = new HashMap<>();
    known.forEach((k, ofFold) -> {
      byFold.put(k, predictions(finding, items, ofFold));
      List<Integer> others =
          known.entrySet().stream()
              .filter(e -> !e.getKey().equals(k))
              .flatMap(e -> e.getValue().stream())
              .toList();
      BinaryPredictions elsewhere = predictions(finding, items, others);
      bestF1.put(k, elsewhere.thresholdOfBestF1());
      youden.put(k, elsewhere.thresholdOfYouden());
    });
    return new Scored(
        finding,
        byFold,
        predictions(finding, items, known.values().stream().flatMap(List::stream).toList()),
        bestF1,
        youden);
  }

  private static BinaryPredictions predictions(
      Finding finding, List<Item> items, List<Integer> chosen) {
    int[] item = new int[chosen.size()];
    double[] probability = new double[item.length];
    boolean[] positive = new boolean[item.length];
    for (int k = 0; k < item.length; k++) {
      Item one = items.get(chosen.get(k));
      item[k] = chosen.get(k);
      probability[k] = one.probabilities()[finding.column()];
      positive[k] = one.truth().getOrDefault(finding, false);
    }
    return new BinaryPredictions(items.size(), item, probability, positive);
  }

  /** {@value COLUMNS} per label, then the mean AUROC of the mapped labels. */
  private static List<Interval> intervals(List<Scored> labels, List<Item> items, long seed) {
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
    double[] values = scores.apply(Resampled.once(items.size()));
    double[][] drawn =
        new Bootstrap(RESAMPLES, seed)
            .drawn(Groups.by(items.stream().map(Item::group).toList()), scores);
    List<Interval> intervals = new ArrayList<>();
    for (int k = 0; k < values.length; k++) {
      intervals.add(Bootstrap.interval(values[k], Bootstrap.column(drawn, k)));
    }
    return intervals;
  }

  /** Mean of the defined values; NaN if there are none. */
  private static double mean(double[] values) {
    return Arrays.stream(values).filter(v -> !Double.isNaN(v)).average().orElse(Double.NaN);
  }

  // Scores of different folds are not on one scale, so their curves are averaged instead of pooling
  // their films.
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

  /**
   * The highest true positive rate of a curve at a false positive rate, with linear interpolation.
   */
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
}
