package org.radialog.train;

import static org.bytedeco.pytorch.global.torch.binary_cross_entropy_with_logits;
import static org.bytedeco.pytorch.global.torch.cross_entropy_loss;

import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.radialog.clinical.Finding;
import org.radialog.data.RadiologistClass;
import org.radialog.data.Truth;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;
import org.radialog.torch.Torch;

/**
 * Heads on the mean patch that are used in training only. They let the encoder learn from films
 * whose labels mean something else than those of the findings classifier.
 *
 * @param mined whether text mining found nothing, {@code [1, C]}
 * @param lungs the radiologists' classes of films of which only the lungs are shown, {@code [3, C]}
 * @param lungsFindings the findings of such films, {@code [14, C]}
 */
record TrainingHeads(Linear mined, Linear lungs, Linear lungsFindings) {
  private static final List<RadiologistClass> CLASSES = List.of(RadiologistClass.values());

  /** Under {@code p}, for C channels of a patch. */
  static TrainingHeads of(Parameters p, int channels) {
    return new TrainingHeads(
        Linear.of(p.at("mined."), channels, 1),
        Linear.of(p.at("lungs."), channels, CLASSES.size()),
        Linear.of(p.at("lungs_findings."), channels, Finding.COUNT));
  }

  /**
   * The cross-entropy of the text-mined No Finding over the examples that have it, {@code []}.
   *
   * @param patch mean patch of B whole films, {@code [B, C]} fp32
   */
  Tensor minedLoss(Tensor patch, List<Example> batch) {
    int[] said =
        IntStream.range(0, batch.size())
            .filter(i -> batch.get(i).mined() != Truth.UNKNOWN)
            .toArray();
    if (said.length == 0) {
      return nothing();
    }
    float[] targets = new float[said.length];
    for (int i = 0; i < said.length; i++) {
      targets[i] = batch.get(said[i]).mined() == Truth.PRESENT ? 1 : 0;
    }
    return binary_cross_entropy_with_logits(
        mined.forward(of(patch, said)), Torch.tensor(targets, said.length, 1));
  }

  /**
   * The cross-entropies of the radiologists' classes and of the findings, {@code []}.
   *
   * @param patch mean patch of B films that show the lungs only, {@code [B, C]} fp32
   */
  Tensor lungsLoss(Tensor patch, List<Example> batch, Tensor positiveWeight) {
    Tensor findings =
        FindingsAndView.findingsLoss(
            lungsFindings.forward(patch),
            batch.stream().map(Example::film).toList(),
            positiveWeight);
    int[] seen =
        IntStream.range(0, batch.size()).filter(i -> batch.get(i).seen().isPresent()).toArray();
    if (seen.length == 0) {
      return findings;
    }
    int[] classes =
        IntStream.of(seen)
            .map(row -> CLASSES.indexOf(batch.get(row).seen().orElseThrow()))
            .toArray();
    return findings.add(
        cross_entropy_loss(lungs.forward(of(patch, seen)), Torch.tensor(classes, seen.length)));
  }

  private static Tensor nothing() {
    return Torch.tensor(new float[1]).squeeze();
  }

  private static Tensor of(Tensor patch, int[] rows) {
    return patch.index_select(0, Torch.tensor(rows, rows.length));
  }
}
