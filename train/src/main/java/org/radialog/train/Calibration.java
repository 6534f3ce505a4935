package org.radialog.train;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.radialog.clinical.Finding;

/**
 * Platt scaling of the 14 probabilities of a classifier (Platt 1999, with the targets and the
 * damped Newton steps of Lin, Lin and Weng 2007), so that of the films with a probability of 0.3
 * about 30 % show the finding. The scaling is affine in the logit with a positive slope: it changes
 * no order of films, and it can be written into the last linear layer of the network.
 *
 * @param scalings one per finding, by column
 */
record Calibration(List<Scaling> scalings) {
  /** With fewer films of either kind than this only the offset is fitted. */
  static final int FEW = 10;

  /** A table has five decimals, so that a probability of 0 is somewhere below half the last. */
  private static final double SMALLEST = 5e-6;

  /** Changes nothing. */
  static final Calibration NONE =
      new Calibration(Collections.nCopies(Finding.COUNT, new Scaling(1, 0)));

  Calibration {
    scalings = List.copyOf(scalings);
  }

  /**
   * The calibrated logit is {@code slope} · logit + {@code offset}.
   *
   * @param slope above 0
   * @param offset added to the scaled logit
   */
  record Scaling(double slope, double offset) {
    double of(double probability) {
      return sigmoid(slope * logit(probability) + offset);
    }

    /**
     * The most likely scaling of these probabilities. Where a slope of 0 or less would be the most
     * likely, or there are few films of either kind, the slope is 1.
     */
    static Scaling fitted(double[] probabilities, boolean[] present) {
      int positives = 0;
      for (boolean one : present) {
        positives += one ? 1 : 0;
      }
      int negatives = present.length - positives;
      if (positives == 0 || negatives == 0) {
        return new Scaling(1, 0);
      }
      double[] logits = new double[present.length];
      double[] targets = new double[present.length];
      for (int i = 0; i < targets.length; i++) {
        logits[i] = logit(probabilities[i]);
        // Not 1 and 0: a few films do not make anything certain.
        targets[i] = present[i] ? (positives + 1.0) / (positives + 2) : 1.0 / (negatives + 2);
      }
      if (positives >= FEW && negatives >= FEW) {
        Scaling both = newton(logits, targets, true);
        if (both.slope > 0) {
          return both;
        }
      }
      return newton(logits, targets, false);
    }

    private static Scaling newton(double[] logits, double[] targets, boolean slope) {
      Scaling now = new Scaling(1, 0);
      double loss = now.loss(logits, targets);
      for (int step = 0; step < 100; step++) {
        double[] direction = now.direction(logits, targets, slope);
        double size = 1;
        Scaling next = now.moved(direction, size);
        while (next.loss(logits, targets) > loss && size > 1e-10) {
          size /= 2;
          next = now.moved(direction, size);
        }
        double reached = next.loss(logits, targets);
        if (reached >= loss) {
          break; // no step lowers it any more
        }
        loss = reached;
        now = next;
      }
      return now;
    }

    private Scaling moved(double[] direction, double size) {
      return new Scaling(slope + size * direction[0], offset + size * direction[1]);
    }

    // The Newton step of the cross-entropy, in slope and offset or in the offset alone.
    private double[] direction(double[] logits, double[] targets, boolean both) {
      double toSlope = 0;
      double toOffset = 0;
      double xx = 1e-9;
      double x1 = 0;
      double one = 1e-9;
      for (int i = 0; i < logits.length; i++) {
        double p = sigmoid(slope * logits[i] + offset);
        double weight = p * (1 - p);
        toSlope += (targets[i] - p) * logits[i];
        toOffset += targets[i] - p;
        xx += weight * logits[i] * logits[i];
        x1 += weight * logits[i];
        one += weight;
      }
      if (!both) {
        return new double[] {0, toOffset / one};
      }
      double determinant = xx * one - x1 * x1;
      return new double[] {
        (one * toSlope - x1 * toOffset) / determinant, (xx * toOffset - x1 * toSlope) / determinant
      };
    }

    // The cross-entropy, in a form that does not overflow.
    private double loss(double[] logits, double[] targets) {
      double sum = 0;
      for (int i = 0; i < logits.length; i++) {
        double x = slope * logits[i] + offset;
        sum += Math.max(x, 0) - x * targets[i] + Math.log1p(Math.exp(-Math.abs(x)));
      }
      return sum;
    }
  }

  /**
   * Fits each finding on the films whose truth is known; films without probabilities are ignored.
   *
   * @param probabilities 14 per film, by image, from a classifier that was not trained on the film
   */
  static Calibration fitted(ScoredFilms films, Map<String, double[]> probabilities) {
    List<Scaling> scalings = new ArrayList<>();
    for (Finding finding : Finding.ALL) {
      ScoredFilms.Column column = films.column(finding, probabilities);
      scalings.add(Scaling.fitted(column.probabilities(), column.present()));
    }
    return new Calibration(scalings);
  }

  /** The calibrated probabilities, 14 per film, by image. */
  Map<String, double[]> of(Map<String, double[]> probabilities) {
    Map<String, double[]> calibrated = new LinkedHashMap<>();
    probabilities.forEach((image, row) -> calibrated.put(image, of(row)));
    return calibrated;
  }

  /** The 14 calibrated probabilities of a film. */
  double[] of(double[] row) {
    double[] calibrated = new double[Finding.COUNT];
    for (int i = 0; i < calibrated.length; i++) {
      calibrated[i] = scalings.get(i).of(row[i]);
    }
    return calibrated;
  }

  /**
   * The last layer of the classifier with calibrated logits.
   *
   * @param tensor weight {@code [14, F]} or bias {@code [14]} of that layer
   * @param bias whether it is the bias
   */
  float[] ofLayer(float[] tensor, boolean bias) {
    int columns = tensor.length / scalings.size();
    float[] calibrated = new float[tensor.length];
    for (int i = 0; i < tensor.length; i++) {
      Scaling scaling = scalings.get(i / columns);
      calibrated[i] = (float) (scaling.slope * tensor[i] + (bias ? scaling.offset : 0));
    }
    return calibrated;
  }

  static double logit(double probability) {
    double p = Math.clamp(probability, SMALLEST, 1 - SMALLEST);
    return Math.log(p / (1 - p));
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }
}
