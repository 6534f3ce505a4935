package org.radialog.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/**
 * Probabilities of one finding compared with the truth: how well they rank (AUROC, average
 * precision) and how well they are calibrated (Brier score, calibration error). As scores of a
 * resample they are named {@code auroc}, {@code average_precision}, {@code brier} and {@code ece}.
 */
public final class BinaryPredictions implements Resampled {
  /** Number of bins of the calibration error. */
  public static final int BINS = 10;

  private static final List<String> NAMES = List.of("auroc", "average_precision", "brier", "ece");

  private final int items;
  // highest probability first
  private final int[] item;
  private final double[] probability;
  private final boolean[] positive;

  /** One item per probability. */
  public BinaryPredictions(double[] probability, boolean[] positive) {
    this(
        probability.length,
        IntStream.range(0, probability.length).toArray(),
        probability,
        positive);
  }

  /**
   * Probabilities of some of the items.
   *
   * @param items total number of items
   * @param item the item of each probability
   */
  public BinaryPredictions(int items, int[] item, double[] probability, boolean[] positive) {
    if (probability.length != positive.length || probability.length != item.length) {
      throw new IllegalArgumentException(
          probability.length + " probabilities for " + positive.length + " truths");
    }
    Integer[] order = new Integer[probability.length];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, Comparator.comparingDouble((Integer i) -> -probability[i]));
    this.items = items;
    this.item = new int[order.length];
    this.probability = new double[order.length];
    this.positive = new boolean[order.length];
    for (int i = 0; i < order.length; i++) {
      double p = probability[order[i]];
      if (Double.isNaN(p)) {
        throw new IllegalArgumentException(
            "the probability of item " + order[i] + " is not a number");
      }
      this.item[i] = item[order[i]];
      this.probability[i] = p;
      this.positive[i] = positive[order[i]];
    }
  }

  /** Number of probabilities. */
  public int count() {
    return item.length;
  }

  /** Number of them that belong to a positive item. */
  public int positives() {
    int count = 0;
    for (boolean p : positive) {
      count += p ? 1 : 0;
    }
    return count;
  }

  /**
   * The probability that a positive scores higher than a negative, with ties counted half
   * (Mann–Whitney U); empty if one of the two classes is missing. It can be computed for any
   * scores.
   */
  public OptionalDouble auroc() {
    double area = ranked(Resampled.once(items))[0];
    return Double.isNaN(area) ? OptionalDouble.empty() : OptionalDouble.of(area);
  }

  /**
   * Σ (recall − previous recall) · precision over the distinct probabilities in descending order,
   * without interpolation; empty without a positive.
   */
  public OptionalDouble averagePrecision() {
    double mean = ranked(Resampled.once(items))[1];
    return Double.isNaN(mean) ? OptionalDouble.empty() : OptionalDouble.of(mean);
  }

  /** Mean squared difference between probability and truth (0 or 1). */
  public double brier() {
    return calibrated(Resampled.once(items))[0];
  }

  /**
   * Expected calibration error: over {@value BINS} bins (b/10, (b+1)/10], with 0 in the first bin,
   * the sum of fraction of items × |mean probability − fraction of positives|.
   */
  public double calibrationError() {
    return calibrated(Resampled.once(items))[1];
  }

  @Override
  public int items() {
    return items;
  }

  @Override
  public List<String> names() {
    return NAMES;
  }

  @Override
  public double[] of(int[] times) {
    double[] ranked = ranked(times);
    double[] calibrated = calibrated(times);
    return new double[] {ranked[0], ranked[1], calibrated[0], calibrated[1]};
  }

  @Override
  public BinaryPredictions followedBy(Resampled other) {
    if (!(other instanceof BinaryPredictions second)) {
      throw new IllegalArgumentException("probabilities followed by " + other.names());
    }
    int n = item.length;
    int[] bothItems = Arrays.copyOf(item, n + second.item.length);
    double[] both = Arrays.copyOf(probability, bothItems.length);
    boolean[] bothPositive = Arrays.copyOf(positive, bothItems.length);
    for (int i = 0; i < second.item.length; i++) {
      bothItems[n + i] = items + second.item[i];
      both[n + i] = second.probability[i];
      bothPositive[n + i] = second.positive[i];
    }
    return new BinaryPredictions(items + second.items, bothItems, both, bothPositive);
  }

  /** AUROC and average precision; NaN if undefined. */
  public double[] ranked(int[] times) {
    long above = 0; // positives with a higher probability
    long below = 0; // negatives with a higher probability
    double won = 0; // pairs with the positive above the negative, ties half
    double precision = 0; // Σ positives here × precision down to here
    for (int i = 0; i < item.length; ) {
      long positives = 0;
      long negatives = 0;
      double here = probability[i];
      for (; i < item.length && probability[i] == here; i++) {
        int n = times[item[i]];
        if (positive[i]) {
          positives += n;
        } else {
          negatives += n;
        }
      }
      won += negatives * (above + positives / 2.0);
      above += positives;
      below += negatives;
      if (positives > 0) {
        precision += positives * ((double) above / (above + below));
      }
    }
    return new double[] {
      above == 0 || below == 0 ? Double.NaN : won / ((double) above * below),
      above == 0 ? Double.NaN : precision / above
    };
  }

  /** Brier score and calibration error; NaN without items. */
  public double[] calibrated(int[] times) {
    double squares = 0;
    double[] apart = new double[BINS]; // Σ probability − Σ positives
    long count = 0;
    for (int i = 0; i < item.length; i++) {
      int n = times[item[i]];
      double difference = probability[i] - (positive[i] ? 1 : 0);
      squares += n * difference * difference;
      apart[bin(probability[i])] += n * difference;
      count += n;
    }
    double error = 0;
    for (double bin : apart) {
      error += Math.abs(bin);
    }
    return new double[] {squares / count, error / count};
  }

  /**
   * Adds the numbers of true and false positives, false and true negatives of "above the
   * threshold".
   */
  public void count(int[] times, double threshold, long[] counts) {
    for (int i = 0; i < item.length; i++) {
      boolean said = probability[i] > threshold;
      counts[positive[i] ? (said ? 0 : 2) : (said ? 1 : 3)] += times[item[i]];
    }
  }

  private static int bin(double probability) {
    return Math.clamp((int) Math.ceil(probability * BINS) - 1, 0, BINS - 1);
  }

  /**
   * A point of the ROC curve.
   *
   * @param falsePositiveRate fraction of the negatives at or above the threshold
   * @param truePositiveRate fraction of the positives at or above it
   * @param threshold a probability
   */
  public record RocPoint(double falsePositiveRate, double truePositiveRate, double threshold) {}

  /**
   * The ROC curve from (0, 0), whose threshold is infinite, to (1, 1), with one point per distinct
   * probability; empty if one of the two classes is missing.
   */
  public List<RocPoint> roc() {
    long positives = positives();
    long negatives = item.length - positives;
    if (positives == 0 || negatives == 0) {
      return List.of();
    }
    List<RocPoint> points = new ArrayList<>();
    points.add(new RocPoint(0, 0, Double.POSITIVE_INFINITY));
    long hits = 0;
    for (int i = 0; i < item.length; i++) {
      hits += positive[i] ? 1 : 0;
      if (last(i)) {
        points.add(
            new RocPoint(
                (double) (i + 1 - hits) / negatives, (double) hits / positives, probability[i]));
      }
    }
    return List.copyOf(points);
  }

  /** Whether the next probability is different. */
  private boolean last(int i) {
    return i + 1 == item.length || probability[i + 1] != probability[i];
  }

  /**
   * A bin of the reliability curve.
   *
   * @param low lower end of the bin, a probability
   * @param high upper end of the bin, a probability
   * @param items number of probabilities in it
   * @param meanProbability mean of these probabilities
   * @param positives fraction of them that are positive
   */
  public record Bin(double low, double high, int items, double meanProbability, double positives) {}

  /** The non-empty bins of the calibration error, in ascending order. */
  public List<Bin> reliability() {
    double[] sum = new double[BINS];
    int[] count = new int[BINS];
    int[] positives = new int[BINS];
    for (int i = 0; i < item.length; i++) {
      int bin = bin(probability[i]);
      sum[bin] += probability[i];
      count[bin]++;
      positives[bin] += positive[i] ? 1 : 0;
    }
    List<Bin> bins = new ArrayList<>();
    for (int b = 0; b < BINS; b++) {
      if (count[b] > 0) {
        bins.add(
            new Bin(
                (double) b / BINS,
                (double) (b + 1) / BINS,
                count[b],
                sum[b] / count[b],
                (double) positives[b] / count[b]));
      }
    }
    return bins;
  }

  /**
   * The threshold with the highest F1, the largest if there are several; empty without a positive.
   * It must be chosen on other data than it is scored on.
   */
  public OptionalDouble thresholdOfBestF1() {
    return best((hits, said, positives, negatives) ->
        positives == 0 ? Double.NaN : 2.0 * hits / (said + positives));
  }

  /**
   * The threshold with the highest sensitivity + specificity − 1 (Youden 1950), the largest if
   * there are several; empty if one of the two classes is missing. It must be chosen on other data
   * than it is scored on.
   */
  public OptionalDouble thresholdOfYouden() {
    return best((hits, said, positives, negatives) ->
        positives == 0 || negatives == 0
            ? Double.NaN
            : (double) hits / positives - (double) (said - hits) / negatives);
  }

  private interface Goodness {
    double of(long hits, long said, long positives, long negatives);
  }

  private OptionalDouble best(Goodness goodness) {
    long positives = positives();
    OptionalDouble threshold = OptionalDouble.empty();
    double highest = Double.NEGATIVE_INFINITY;
    long hits = 0;
    for (int i = 0; i < item.length; i++) {
      hits += positive[i] ? 1 : 0;
      if (last(i)) {
        double here = goodness.of(hits, i + 1L, positives, item.length - positives);
        if (here > highest) {
          highest = here;
          // halfway to the next probability, so that "above" and "at or above" are equivalent
          double next = i + 1 == item.length ? 0 : probability[i + 1];
          threshold = OptionalDouble.of((probability[i] + next) / 2);
        }
      }
    }
    return threshold;
  }
}
