package org.radialog.train;

import static org.bytedeco.pytorch.global.torch.binary_cross_entropy_with_logits;
import static org.bytedeco.pytorch.global.torch.cross_entropy_loss;

import java.util.List;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
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
 */
record TrainingHeads(Linear mined, Linear lungs) {
  private static final List<RadiologistClass> CLASSES = List.of(RadiologistClass.values());

  /** Under {@code p}, for C channels of a patch. */
  static TrainingHeads of(Parameters p, int channels) {
    return new TrainingHeads(
        Linear.of(p.at("mined."), channels, 1),
        Linear.of(p.at("lungs."), channels, CLASSES.size()));
  }

  /**
   * The weighted losses over the examples that have these labels.
   *
   * @param patch mean patch of the B examples, {@code [B, C]} fp32
   */
  Tensor loss(Tensor patch, List<Example> batch, ClassifierRecipe recipe) {
    Tensor sum = Torch.tensor(new float[1]).squeeze(); // []
    int[] said = rows(batch, example -> example.mined() != Truth.UNKNOWN);
    if (said.length > 0 && recipe.minedLoss() > 0) {
      float[] nothing = new float[said.length];
      for (int i = 0; i < said.length; i++) {
        nothing[i] = batch.get(said[i]).mined() == Truth.PRESENT ? 1 : 0;
      }
      Tensor logits = mined.forward(of(patch, said)); // [M, 1]
      Tensor targets = Torch.tensor(nothing, said.length, 1);
      sum =
          sum.add(
              binary_cross_entropy_with_logits(logits, targets), new Scalar(recipe.minedLoss()));
    }
    int[] seen = rows(batch, example -> example.lungs().isPresent());
    if (seen.length > 0 && recipe.lungsLoss() > 0) {
      int[] classes =
          IntStream.of(seen)
              .map(row -> CLASSES.indexOf(batch.get(row).lungs().orElseThrow()))
              .toArray();
      Tensor logits = lungs.forward(of(patch, seen)); // [M, 3]
      sum =
          sum.add(
              cross_entropy_loss(logits, Torch.tensor(classes, seen.length)),
              new Scalar(recipe.lungsLoss()));
    }
    return sum;
  }

  private static int[] rows(List<Example> batch, Predicate<Example> wanted) {
    return IntStream.range(0, batch.size()).filter(i -> wanted.test(batch.get(i))).toArray();
  }

  private static Tensor of(Tensor patch, int[] rows) {
    return patch.index_select(0, Torch.tensor(rows, rows.length));
  }
}
