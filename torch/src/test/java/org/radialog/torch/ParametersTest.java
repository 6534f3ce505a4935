package org.radialog.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;

class ParametersTest {
  @Test
  void freshValuesDependOnSeedAndNameAndNotOnTheOrderOfLayers() {
    try (Parameters a = Parameters.fresh(7);
        Parameters b = Parameters.fresh(7);
        Parameters other = Parameters.fresh(8)) {
      float[] x = Torch.floats(a.get("x", Init.normal(1), 5));
      float[] y = Torch.floats(a.get("y", Init.normal(1), 5));
      assertThat(Torch.floats(b.get("y", Init.normal(1), 5))).containsExactly(y);
      assertThat(Torch.floats(b.get("x", Init.normal(1), 5))).containsExactly(x);
      assertThat(x).isNotEqualTo(y);
      assertThat(Torch.floats(other.get("x", Init.normal(1), 5))).isNotEqualTo(x);
    }
  }

  @Test
  void kaimingUniformIsBoundedByTheInputsOfARow() {
    try (Parameters p = Parameters.fresh(1)) {
      float[] values = Torch.floats(p.get("w", Init.kaimingUniform(), 8, 4, 5, 5));
      float bound = 0.1f; // 1 / sqrt(4 · 5 · 5)
      assertThat(values).hasSize(800);
      float largest = 0;
      for (float value : values) {
        largest = Math.max(largest, Math.abs(value));
      }
      assertThat(largest).isBetween(0.9f * bound, bound);
    }
  }

  @Test
  void aNameAskedForTwiceIsOneTensorAndAnotherShapeIsRefused() {
    try (Parameters p = Parameters.fresh(1)) {
      Tensor first = p.at("a.").get("weight", Init.ones(), 2, 3);
      assertThat(p.get("a.weight", Init.ones(), 2, 3)).isSameAs(first);
      assertThatThrownBy(() -> p.get("a.weight", Init.ones(), 3, 2))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("a.weight")
          .hasMessageContaining("[3, 2]")
          .hasMessageContaining("[2, 3]");
    }
  }

  @Test
  void whatIsSavedComesBackAndACheckpointMustHaveEveryNameInItsShape(@TempDir Path folder) {
    Path file = folder.resolve("p.safetensors");
    float[] values;
    try (Parameters p = Parameters.fresh(3)) {
      values = Torch.floats(p.at("layer.").get("weight", Init.normal(1), 4, 2));
      p.save(file, Map.of("step", "5"), DType.F32);
    }
    try (Checkpoint checkpoint = Checkpoint.open(file);
        Parameters p = Parameters.of(checkpoint)) {
      assertThat(checkpoint.metadata()).containsEntry("step", "5");
      assertThat(Torch.floats(p.get("layer.weight", Init.zeros(), 4, 2))).containsExactly(values);
      assertThatThrownBy(() -> p.get("layer.bias", Init.zeros(), 4))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("layer.bias");
    }
    try (Checkpoint checkpoint = Checkpoint.open(file);
        Parameters p = Parameters.of(checkpoint)) {
      assertThatThrownBy(() -> p.get("layer.weight", Init.zeros(), 2, 4))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("expected shape [2, 4], found [4, 2]");
    }
  }

  @Test
  void sourcesMayBeMovedBehindAPrefixAndJoined() {
    Parameters.Source encoder = (name, _) -> one(name, "conv", 1);
    Parameters.Source head = (name, _) -> one(name, "head.fc", 2);
    try (Parameters p = Parameters.of(encoder.behind("encoder.").or(head.at("head.")), 1)) {
      assertThat(Torch.floats(p.get("encoder.conv", Init.zeros(), 1))).containsExactly(1);
      assertThat(Torch.floats(p.get("fc", Init.zeros(), 1))).containsExactly(2);
      assertThat(Torch.floats(p.get("conv", Init.constant(9), 1))).containsExactly(9);
    }
  }

  @Test
  void anOutlineSaysWhatANetworkNeedsAtAnySize() {
    try (Parameters p = Parameters.outline()) {
      // 4 TiB, were there values
      Linear.of(p.at("head."), 1L << 20, 1L << 20);
      assertThat(p.shapes().sequencedKeySet()).containsExactly("head.weight", "head.bias");
      assertThat(p.shapes().get("head.weight")).containsExactly(1L << 20, 1L << 20);
      assertThat(p.at("head.").get("bias", Init.zeros(), 1L << 20))
          .isSameAs(p.named().get("head.bias"));
    }
  }

  private static Optional<float[]> one(String name, String known, float value) {
    return name.equals(known) ? Optional.of(new float[] {value}) : Optional.empty();
  }

  @Test
  void conversionKeepsTheTensorAndItsGradientSwitch() {
    try (Parameters p = Parameters.fresh(1)) {
      Tensor w = p.get("w", Init.normal(1), 3);
      p.trainable(_ -> true);
      p.to(ScalarType.BFloat16, name -> name.equals("w"));
      assertThat(p.named().firstEntry().getValue()).isSameAs(w);
      assertThat(Torch.type(w)).isEqualTo(ScalarType.BFloat16);
      assertThat(w.requires_grad()).isTrue();
    }
  }

  @Test
  void onlyChosenNamesTakeAGradient() {
    try (Parameters p = Parameters.fresh(1)) {
      p.get("frozen", Init.normal(1), 3);
      p.get("learned", Init.normal(1), 3);
      p.trainable(name -> name.equals("learned"));
      assertThat(p.trainable().sequencedKeySet()).containsExactly("learned");
    }
  }
}
