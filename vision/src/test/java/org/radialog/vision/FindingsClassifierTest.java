package org.radialog.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.radialog.base.RadialogException;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.FindingsClassifier.Config;
import org.radialog.vision.FindingsClassifier.Pooling;

class FindingsClassifierTest {
  @Test
  void thePublishedClassifierRefusesAFilmOf448PixelsByNamingTheSizesThatFit() {
    try (Scope _ = new Scope();
        Parameters p = Parameters.fresh(1)) {
      FindingsClassifier classifier = FindingsClassifier.of(p, Config.PUBLISHED);
      Tensor projected = Torch.tensor(new float[128 * 14 * 14], 1, 128, 14, 14);
      assertThatThrownBy(() -> classifier.forward(projected))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("expects a grid of 16 cells per side (films of 481 to 512 pixels)")
          .hasMessageContaining("got 14 x 14");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 13, 14, 16})
  void adaptivePoolingTakesAGridOfAnySize(int side) {
    try (Scope _ = new Scope();
        Parameters p = Parameters.fresh(1)) {
      Config config = new Config(8, new Pooling.Adaptive(2), 32, 14);
      Tensor projected = Torch.tensor(new float[3 * 8 * side * side], 3, 8, side, side);
      Tensor logits = FindingsClassifier.of(p, config).forward(projected);
      assertThat(Torch.shape(logits)).containsExactly(3, 14);
    }
  }

  @Test
  void featuresAreMeansOfTheCellsOneChannelAfterTheOther() {
    try (Scope _ = new Scope();
        Parameters p = Parameters.fresh(1)) {
      Config config = new Config(2, new Pooling.Adaptive(2), 4, 1);
      // Two channels of 2 x 4 cells: 0..7 and 10..17.
      float[] cells = {0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17};
      Tensor projected = Torch.tensor(cells, 1, 2, 2, 4);
      assertThat(Torch.floats(FindingsClassifier.of(p, config).features(projected)))
          .containsExactly(0.5f, 2.5f, 4.5f, 6.5f, 10.5f, 12.5f, 14.5f, 16.5f);
    }
  }

  @Test
  void anUnknownLabelDoesNotEnterTheLoss() {
    try (Scope _ = new Scope()) {
      Tensor logits = Torch.tensor(new float[] {0.5f, -2, 3, 1}, 2, 2);
      Tensor known = Torch.tensor(new float[] {1, 0, 1, 1}, 2, 2);
      Tensor weight = Torch.tensor(new float[] {2, 3}, 2);
      double present = loss(logits, Torch.tensor(new float[] {1, 1, 0, 1}, 2, 2), known, weight);
      double absent = loss(logits, Torch.tensor(new float[] {1, 0, 0, 1}, 2, 2), known, weight);
      assertThat(present).isEqualTo(absent);
      // -2 ln s(0.5) - ln(1 - s(3)) - 3 ln s(1), over three known labels
      assertThat(present).isCloseTo((0.948154 + 3.048587 + 0.939785) / 3, within(1e-5));
    }
  }

  @Test
  void aLabelThatIsNeverPresentHasNoWeight() {
    assertThatThrownBy(
            () -> FindingsClassifier.positiveWeights(new long[] {9, 9}, new long[] {3, 0}))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("label 1 is present in 0 of 9 films");
  }

  private static double loss(Tensor logits, Tensor targets, Tensor known, Tensor weight) {
    return Torch.item(FindingsClassifier.loss(logits, targets, known, weight));
  }
}
