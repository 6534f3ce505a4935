package org.radialog.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.radialog.base.RadialogException;
import org.radialog.testing.GoldenWeights;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;

class AlignmentTest {
  private static final QFormer.Config SMALL =
      new QFormer.Config(4, 3, 16, 2, 32, 2, VisionEncoder.Source.PATCHES, TokenOrder.PATCHES);

  @Test
  void aPatchIsATokenAndAScrambledTokenIsARunOfTheMap() {
    try (Scope _ = new Scope()) {
      // Two channels of 2 x 2 cells.
      Tensor map = Torch.tensor(new float[] {0, 1, 2, 3, 10, 11, 12, 13}, 1, 2, 2, 2);
      assertThat(Torch.floats(TokenOrder.PATCHES.tokens(map, 2)))
          .containsExactly(0, 10, 1, 11, 2, 12, 3, 13);
      assertThat(Torch.floats(TokenOrder.SCRAMBLED.tokens(map, 2)))
          .containsExactly(0, 1, 2, 3, 10, 11, 12, 13);
    }
  }

  @Test
  void queriesBecomeRowsOfTheLanguageModelForAnyGrid() {
    try (Scope _ = new Scope();
        Parameters p = Parameters.fresh(1)) {
      Alignment alignment = QueryProjector.of(p.at("projector."), QFormer.of(p, SMALL, 6), 10);
      assertThat(Torch.shape(alignment.forward(features(2, 6, 5)))).containsExactly(2, 4, 10);
      assertThat(Torch.shape(alignment.forward(features(1, 6, 7)))).containsExactly(1, 4, 10);
      assertThat(p.named()).containsKey("projector.img_proj_layer.weight");
    }
  }

  @Test
  void everySecondLayerAttendsToTheImage() {
    try (Parameters p = Parameters.fresh(1)) {
      QFormer.of(p, SMALL, 6);
      assertThat(
              p.named().keySet().stream().filter(n -> n.endsWith("crossattention.self.key.weight")))
          .containsExactly(
              "Qformer.bert.encoder.layer.0.crossattention.self.key.weight",
              "Qformer.bert.encoder.layer.2.crossattention.self.key.weight");
    }
  }

  @Test
  void trainingReachesEveryParameterOfTheQueryPath() {
    try (Scope _ = new Scope();
        Parameters p = Parameters.fresh(1)) {
      Alignment alignment = QueryProjector.of(p, QFormer.of(p, SMALL, 6), 10);
      p.trainable(_ -> true);
      alignment.forward(features(2, 6, 4), 0.1).square().mean().backward();
      p.named().forEach((name, tensor) -> assertThat(tensor.grad().defined()).as(name).isTrue());
    }
  }

  @Test
  void dropoutChangesTheOutputAndInferenceDoesNotDropAnything() {
    try (Scope _ = new Scope();
        Parameters p = Parameters.fresh(1)) {
      QFormer qformer = QFormer.of(p, SMALL, 6);
      Tensor features = features(1, 6, 4);
      float[] once = Torch.floats(qformer.forward(features));
      assertThat(Torch.floats(qformer.forward(features))).containsExactly(once);
      assertThat(Torch.floats(qformer.forward(features, 0.5))).isNotEqualTo(once);
    }
  }

  @Test
  void featuresOfAnotherWidthAreRefusedWithBothWidths() {
    try (Scope _ = new Scope();
        Parameters p = Parameters.fresh(1)) {
      Alignment mlp =
          MlpProjector.of(
              p,
              new MlpProjector.Config(8, VisionEncoder.Source.PATCHES, TokenOrder.PATCHES),
              6,
              8);
      assertThatThrownBy(() -> mlp.forward(features(1, 5, 4)))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("[batch, 6, rows, columns]")
          .hasMessageContaining("[1, 5, 4, 4]");
    }
  }

  private static Tensor features(int batch, int channels, int side) {
    long[] shape = {batch, channels, side, side};
    return Torch.tensor(GoldenWeights.floats("", "features", -1, 1, shape), shape);
  }
}
