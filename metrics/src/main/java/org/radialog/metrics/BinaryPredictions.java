package org.radialog.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/**
 * Probabilities of one finding against the truth: how well they rank (AUROC, average precision) and
 * how far they can be taken at their word (Brier score, calibration error). As scores of a resample
 * they are called {@code auroc}, {@code average_precision}, {@code brier} and {@code ece}.
 */
public final class BinaryPredictions implements Resampled {
  /** Bins of the calibration error. */
  public static final int BINS = 10;

  private static final List<String> NAMES = List.of("auroc", "average_precision", "brier", "ece");

  private final int items;
  // highest probability first
  private final int[] item;
  private final double[] probability;
  private final boolean[] positive;

  /** One item a probability. */
  public BinaryPredictions(double[] probability, boolean[] positive) {
    this(
        probability.length,
        IntStream.range(0, probability.length).toArray(),
        probability,
        positive);
  }

  /**
   * Of some of the items.
   *
   * @param items how many there are
   * @param item whose the probability is
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

  /** How many probabilities there are. */
  public int count() {
    return item.length;
  }

  /** How many of them are of a positive. */
  public int positives() {
    int count = 0;
    for (boolean p : positive) {
      count += p ? 1 : 0;
    }
    return count;
  }

  /**
   * The probability that a positive scores higher than a negative, ties counted half (Mann–Whitney
   * U); empty where one of the two classes is missing. Any scores will do.
   */
  public OptionalDouble auroc() {
    double area = ranked(Resampled.once(items))[0];
    return Double.isNaN(area) ? OptionalDouble.empty() : OptionalDouble.of(area);
  }

  /**
   * Σ (recall − recall before) · precision over the distinct probabilities from above, without
   * interpolation; empty without a positive.
   */
  public OptionalDouble averagePrecision() {
    double mean = ranked(Resampled.once(items))[1];
    return Double.isNaN(mean) ? OptionalDouble.empty() : OptionalDouble.of(mean);
  }

  /** Mean squared difference of probability and truth (0 or 1). */
  public double brier() {
    return calibrated(Resampled.once(items))[0];
  }

  /**
   * Expected calibration error: over {@value BINS} bins (b/10, (b+1)/10], 0 in the first, the sum
   * of share × |mean probability − share of positives|.
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

  /** AUROC and average precision; not a number where undefined. */
  public double[] ranked(int[] times) {
    long above = 0; // positives with a higher probability
    long below = 0; // negatives with a higher probability
    double won = 0; // pairs of a positive above a negative, ties half
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

  /** Brier score and calibration error; not a number without items. */
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

  /** Adds true and false positives, false and true negatives of "above the threshold". */
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
   * @param falsePositiveRate share of the negatives at or above the threshold
   * @param truePositiveRate share of the positives at or above it
   */
  public record RocPoint(double falsePositiveRate, double truePositiveRate, double threshold) {}

  /**
   * The ROC curve from (0, 0), whose threshold is infinite, to (1, 1), one point a distinct
   * probability; empty where one of the two classes is missing.
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

  /** Whether the next probability is another one. */
  private boolean last(int i) {
    return i + 1 == item.length || probability[i + 1] != probability[i];
  }

  /**
   * A bin of the reliability curve.
   *
   * @param items how many probabilities fall into it
   * @param meanProbability of them
   * @param positives share of them that are positive
   */
  public record Bin(double low, double high, int items, double meanProbability, double positives) {}

  /** The bins of the calibration error that are not empty, from below. */
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
   * The threshold with the highest F1, the highest of several; empty without a positive. To be
   * chosen on other data than it is scored on.
   */
  public OptionalDouble thresholdOfBestF1() {
    return best((hits, said, positives, negatives) ->
        positives == 0 ? Double.NaN : 2.0 * hits / (said + positives));
  }

  /**
   * The threshold with the highest sensitivity + specificity − 1 (Youden 1950), the highest of
   * several; empty where one of the two classes is missing. To be chosen on other data than it is
   * scored on.
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
          // halfway to the next probability: "above" and "at or above" then say the same
          double next = i + 1 == item.length ? 0 : probability[i + 1];
          threshold = OptionalDouble.of((probability[i] + next) / 2);
        }
      }
    }
    return threshold;
  }
}
