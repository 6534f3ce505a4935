package org.radialog.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.radialog.base.RadialogException;

/** The factor on the loss of a training in fp16. */
class LossScaleTest {
  private final Parameters parameters = Parameters.fresh(1);
  private final Tensor weight = parameters.get("weight", Init.ones(), 2);
  private final AdamW optimizer = optimizer();
  private final LossScale scale = new LossScale();

  private AdamW optimizer() {
    parameters.trainable(_ -> true);
    return new AdamW(AdamW.Config.TORCH, parameters.named());
  }

  @AfterEach
  void close() {
    optimizer.close();
    parameters.close();
  }

  // The gradient of a loss of the two weights.
  private boolean backward(float first, float second) {
    try (Scope _ = new Scope()) {
      optimizer.zeroGrad();
      scale.of(weight.mul(Torch.tensor(new float[] {first, second}, 2)).sum()).backward();
      return scale.unscale(optimizer);
    }
  }

  @Test
  void gradientsLoseTheFactorAgain() {
    assertThat(backward(3, -0.5f)).isTrue();
    try (Scope _ = new Scope()) {
      assertThat(Torch.floats(weight.grad())).containsExactly(3, -0.5f);
    }
    assertThat(scale.state()).isEqualTo(new LossScale.State(65_536, 1, 0));
  }

  @Test
  void aGradientThatIsNotFiniteHalvesTheFactorAndTwoThousandStepsDoubleIt() {
    assertThat(backward(1, Float.POSITIVE_INFINITY)).isFalse();
    assertThat(backward(Float.NaN, 1)).isFalse();
    assertThat(backward(1e35f, 1)).isFalse(); // only with the factor
    assertThat(scale.state()).isEqualTo(new LossScale.State(8_192, 0, 3));

    scale.restore(new LossScale.State(8_192, 1_998, 3));
    assertThat(backward(1, 1)).isTrue();
    assertThat(scale.state()).isEqualTo(new LossScale.State(8_192, 1_999, 3));
    assertThat(backward(1, 1)).isTrue();
    assertThat(scale.state()).isEqualTo(new LossScale.State(16_384, 0, 3));
  }

  @Test
  void aTrainingThatHasDivergedEndsInOneLine() {
    assertThatThrownBy(
            () -> {
              while (true) {
                backward(Float.NaN, 1);
              }
            })
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("after 32 skipped steps: the training in fp16 has diverged");
  }
}
