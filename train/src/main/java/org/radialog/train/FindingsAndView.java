package org.radialog.train;

import static org.bytedeco.pytorch.global.torch.binary_cross_entropy_with_logits;
import static org.bytedeco.pytorch.global.torch.sigmoid;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.clinical.Finding;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.data.Truth;
import org.radialog.metrics.BinaryPredictions;
import org.radialog.torch.Torch;
import org.radialog.vision.FindingsClassifier;

/**
 * The outputs of the stages without a language model: 14 findings, and whether the view is AP.
 *
 * @param findings logits {@code [B, 14]}
 * @param view logit of AP, {@code [B, 1]}
 */
record FindingsAndView(Tensor findings, Tensor view) {
  /** Probabilities, one row per film: 14 findings, then AP. */
  double[][] probabilities() {
    float[] finding = Torch.floats(sigmoid(findings)); // [B, 14]
    float[] ap = Torch.floats(sigmoid(view)); // [B, 1]
    double[][] rows = new double[ap.length][Finding.COUNT + 1];
    for (int i = 0; i < rows.length; i++) {
      for (int k = 0; k < Finding.COUNT; k++) {
        rows[i][k] = finding[i * Finding.COUNT + k];
      }
      rows[i][Finding.COUNT] = ap[i];
    }
    return rows;
  }

  /**
   * The cross-entropy over the known labels, plus {@code viewLoss} times that of the view.
   *
   * @param viewLoss weight of the loss for the view
   * @param batch the B films
   * @param positiveWeight {@code [14]}
   */
  Tensor loss(double viewLoss, List<Film> batch, Tensor positiveWeight) {
    float[] ap = new float[batch.size()];
    for (int i = 0; i < ap.length; i++) {
      ap[i] = batch.get(i).view() == View.AP ? 1 : 0;
    }
    Tensor ofView =
        binary_cross_entropy_with_logits(
            view.to(ScalarType.Float), Torch.tensor(ap, batch.size(), 1));
    return findingsLoss(findings, batch, positiveWeight).add(ofView, new Scalar(viewLoss));
  }

  /**
   * The cross-entropy over the known labels.
   *
   * @param logits {@code [B, 14]}
   * @param batch the B films
   * @param positiveWeight {@code [14]}
   */
  static Tensor findingsLoss(Tensor logits, List<Film> batch, Tensor positiveWeight) {
    float[] targets = new float[batch.size() * Finding.COUNT];
    float[] known = new float[targets.length];
    for (int i = 0; i < batch.size(); i++) {
      Film film = batch.get(i);
      for (Finding finding : Finding.ALL) {
        int at = i * Finding.COUNT + finding.column();
        targets[at] = film.truth(finding) == Truth.PRESENT ? 1 : 0;
        known[at] = film.truth(finding) == Truth.UNKNOWN ? 0 : 1;
      }
    }
    return FindingsClassifier.loss(
        logits.to(ScalarType.Float),
        Torch.tensor(targets, batch.size(), Finding.COUNT),
        Torch.tensor(known, batch.size(), Finding.COUNT),
        positiveWeight);
  }

  // A label that cannot be learned from these films has weight 1; where it is unknown, it is masked
  // out of the
  // loss.
  static float[] positiveWeights(List<Film> trained) {
    float[] weights = new float[Finding.COUNT];
    Arrays.fill(weights, 1);
    for (Finding finding : Finding.ALL) {
      long positive = trained.stream().filter(f -> f.truth(finding) == Truth.PRESENT).count();
      long known = trained.stream().filter(f -> f.truth(finding) != Truth.UNKNOWN).count();
      if (positive > 0 && positive < known) {
        weights[finding.column()] =
            FindingsClassifier.positiveWeights(new long[] {known}, new long[] {positive})[0];
      }
    }
    return weights;
  }

  /** The mean AUROC over the labels that the data set assesses, without No Finding. */
  static OptionalDouble meanOfMapped(List<Film> of, double[][] rows) {
    return Finding.NIH_MAPPED.stream()
        .map(finding -> auroc(of, rows, finding))
        .filter(OptionalDouble::isPresent)
        .mapToDouble(OptionalDouble::getAsDouble)
        .average();
  }

  static OptionalDouble auroc(List<Film> of, double[][] rows, Finding finding) {
    int[] known =
        IntStream.range(0, of.size())
            .filter(i -> of.get(i).truth(finding) != Truth.UNKNOWN)
            .toArray();
    boolean[] positive = new boolean[known.length];
    for (int k = 0; k < known.length; k++) {
      positive[k] = of.get(known[k]).truth(finding) == Truth.PRESENT;
    }
    return new BinaryPredictions(
            Arrays.stream(known).mapToDouble(i -> rows[i][finding.column()]).toArray(), positive)
        .auroc();
  }

  static OptionalDouble viewAuroc(List<Film> of, double[][] rows) {
    boolean[] ap = new boolean[of.size()];
    for (int i = 0; i < ap.length; i++) {
      ap[i] = of.get(i).view() == View.AP;
    }
    return new BinaryPredictions(
            Arrays.stream(rows).mapToDouble(row -> row[Finding.COUNT]).toArray(), ap)
        .auroc();
  }
}
