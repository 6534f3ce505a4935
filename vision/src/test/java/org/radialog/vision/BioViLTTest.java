package org.radialog.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.assertj.core.data.Offset;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.radialog.base.RadialogException;
import org.radialog.testing.GoldenWeights;
import org.radialog.testing.Outputs;
import org.radialog.torch.Autocast;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.BioViLT.Backbone;
import org.radialog.vision.BioViLT.BatchNorm;
import org.radialog.vision.BioViLT.Config;

class BioViLTTest {
  private static final Config SMALL = Config.of(Backbone.EFFICIENTNET_LITE0, 16, 8);

  @ParameterizedTest
  @CsvSource({"64, 2", "96, 3", "100, 4"})
  void aFilmGivesOneCellPer32PixelsRoundedUp(int side, int cells) {
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        Parameters p = Parameters.fresh(1)) {
      VisionEncoder.Features output = BioViLT.of(p, SMALL).forward(image(2, 3, side));
      assertThat(Torch.shape(output.patches())).containsExactly(2, 32, cells, cells);
      assertThat(Torch.shape(output.projected())).containsExactly(2, 8, cells, cells);
    }
  }

  @Test
  void aGreyFilmIsSeenAsThreeEqualChannels() {
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        Parameters p = Parameters.fresh(1)) {
      BioViLT network = BioViLT.of(p, SMALL);
      Tensor grey = image(1, 1, 64);
      float[] one = Torch.floats(network.forward(grey).projected());
      Tensor three = grey.expand(1, 3, 64, 64).contiguous();
      assertThat(one).containsExactly(Torch.floats(network.forward(three).projected()));
    }
  }

  @Test
  void thePriorsHalfOfAPatchIsTheEmbeddingOfTheMissingFilmInEveryCell() {
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        Parameters p = Parameters.fresh(1)) {
      Tensor patches = BioViLT.of(p, SMALL).forward(image(2, 3, 64)).patches();
      Tensor missing = Outputs.named(p.named(), "encoder.missing_previous_emb");
      Tensor half = patches.narrow(1, 16, 16);
      assertThat(Torch.floats(half))
          .containsExactly(Torch.floats(missing.expand(2, 16, 2, 2).contiguous()));
    }
  }

  @ParameterizedTest
  @EnumSource(Backbone.class)
  void theFoldedNetworkIsTheSameFunctionAndOutlivesItsParameters(Backbone backbone) {
    Config config = Config.of(backbone, 16, 8);
    List<BioViLT> folded = new ArrayList<>();
    float[] expected;
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        Parameters p = trained(config)) {
      expected = Torch.floats(BioViLT.of(p, config).forward(image(1, 1, 64)).projected());
      folded.add(BioViLT.folded(p, config, ScalarType.Float));
    }
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        BioViLT network = folded.getFirst()) {
      float[] actual = Torch.floats(network.forward(image(1, 1, 64)).projected());
      assertThat(actual).usingComparatorWithPrecision(1e-4f).containsExactly(expected);
      assertThatThrownBy(() -> network.forward(image(1, 1, 64), BatchNorm.BATCH))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("no batch statistics");
    }
  }

  @Test
  void projectingThePatchesGivesTheJointSpaceOfTheSamePass() {
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        Parameters p = Parameters.fresh(1);
        BioViLT network = BioViLT.folded(p, SMALL, ScalarType.BFloat16)) {
      VisionEncoder.Features output = network.forward(image(1, 1, 64));
      assertThat(Torch.type(output.patches())).isEqualTo(ScalarType.Float);
      assertThat(Torch.floats(network.project(output.patches(), BatchNorm.RUNNING)))
          .containsExactly(Torch.floats(output.projected()));
    }
  }

  @Test
  void trainingReachesEveryParameterAndMovesEveryRunningStatistic() {
    try (Scope _ = new Scope();
        Parameters p = Parameters.fresh(1)) {
      BioViLT network = BioViLT.of(p, SMALL);
      p.trainable(name -> !BioViLT.isBuffer(name));
      List<float[]> before = p.named().values().stream().map(Torch::floats).toList();
      Tensor projected;
      try (Autocast _ = Autocast.bf16()) {
        projected = network.forward(image(2, 1, 64), BatchNorm.BATCH).projected();
      }
      projected.to(ScalarType.Float).square().mean().backward();
      List<String> names = List.copyOf(p.named().keySet());
      for (int i = 0; i < names.size(); i++) {
        Tensor tensor = Outputs.named(p.named(), names.get(i));
        if (BioViLT.isBuffer(names.get(i))) {
          assertThat(tensor.requires_grad()).as(names.get(i)).isFalse();
          assertThat(Torch.floats(tensor)).as(names.get(i)).isNotEqualTo(before.get(i));
        } else {
          assertThat(tensor.grad().defined()).as(names.get(i)).isTrue();
        }
      }
    }
  }

  @Test
  void bf16TrainingFollowsTheFp32Loss() {
    try (Scope _ = new Scope();
        Parameters p = Parameters.fresh(1)) {
      BioViLT network = BioViLT.of(p, SMALL);
      double exact = Torch.item(network.forward(image(2, 1, 64)).projected().square().mean());
      try (Autocast _ = Autocast.bf16()) {
        Tensor projected = network.forward(image(2, 1, 64)).projected();
        assertThat(Torch.item(projected.to(ScalarType.Float).square().mean()))
            .isCloseTo(exact, Offset.offset(0.05 * exact));
      }
    }
  }

  @Test
  void anImageOfAnotherShapeIsRefusedWithItsShape() {
    try (Scope _ = new Scope();
        Parameters p = Parameters.fresh(1)) {
      BioViLT network = BioViLT.of(p, SMALL);
      assertThatThrownBy(() -> network.forward(Torch.tensor(new float[2 * 64 * 64], 2, 64, 64)))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("[batch, 1 or 3, rows, columns]")
          .hasMessageContaining("[2, 64, 64]");
      assertThatThrownBy(() -> network.forward(image(1, 1, 16)))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("[1, 1, 16, 16]");
    }
  }

  private static Tensor image(int batch, int channels, int side) {
    long[] shape = {batch, channels, side, side};
    return Torch.tensor(GoldenWeights.floats("", "image", 0, 1, shape), shape);
  }

  // Running statistics other than 0 and 1, so that folding has an effect.
  private static Parameters trained(Config config) {
    Parameters p = Parameters.fresh(1);
    BioViLT.of(p, config);
    p.named()
        .forEach((name, tensor) -> {
          if (BioViLT.isBuffer(name)) {
            float[] values = GoldenWeights.fill("", name, Torch.shape(tensor));
            tensor.copy_(Torch.tensor(values, values.length));
          }
        });
    assertThat(p.named().keySet()).contains("projector.model.1.running_var");
    return p;
  }
}
