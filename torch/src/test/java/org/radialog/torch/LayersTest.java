package org.radialog.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;

class LayersTest {
  @Test
  void aFreshAdapterChangesNothingAndATaughtOneAddsItsProduct() {
    try (Scope _ = new Scope();
        Parameters p = Parameters.fresh(1)) {
      Linear base = Linear.of(p.at("base."), 6, 5);
      Lora lora = Lora.of(p.at("lora."), 6, 5, 2, 8, 0);
      Tensor x = Torch.tensor(Init.normal(1).values(new Random(1), 3, 6), 3, 6);
      Tensor y = base.forward(x);
      assertThat(Torch.floats(lora.add(y.clone(), x, true))).containsExactly(Torch.floats(y));

      lora.b().detach().fill_(new Scalar(0.3));
      Tensor merged = base.weight().add(lora.b().mm(lora.a()), new Scalar(lora.scale()));
      float[] expected = Torch.floats(new Linear(merged, base.bias()).forward(x));
      assertThat(Torch.floats(lora.add(y.clone(), x, true)))
          .containsExactly(expected, within(1e-5f));
    }
  }

  @Test
  void dropoutAffectsTheAdapterOnlyAndInTrainingOnly() {
    try (Scope _ = new Scope();
        Parameters p = Parameters.fresh(1)) {
      Linear base = Linear.withoutBias(p.at("base."), 6, 5);
      Lora lora = Lora.of(p.at("lora."), 6, 5, 2, 8, 1);
      lora.b().detach().fill_(new Scalar(0.3));
      Tensor x = Torch.tensor(Init.normal(1).values(new Random(1), 3, 6), 3, 6);
      Tensor y = base.forward(x);
      assertThat(Torch.floats(lora.add(y.clone(), x, true))).containsExactly(Torch.floats(y));
      assertThat(Torch.floats(lora.add(y.clone(), x, false))).isNotEqualTo(Torch.floats(y));
    }
  }

  @Test
  void autocastComputesInBf16AndAnInnerRegionMayTurnItOff() {
    try (Scope _ = new Scope();
        Parameters p = Parameters.fresh(1)) {
      Linear layer = Linear.of(p, 8, 8);
      Tensor x = Torch.tensor(new float[8], 1, 8);
      try (Autocast _ = Autocast.bf16()) {
        assertThat(Torch.type(layer.forward(x))).isEqualTo(ScalarType.BFloat16);
        try (Autocast _ = Autocast.off()) {
          assertThat(Torch.type(layer.forward(x))).isEqualTo(ScalarType.Float);
        }
        assertThat(Torch.type(layer.forward(x))).isEqualTo(ScalarType.BFloat16);
      }
      assertThat(Torch.type(layer.forward(x))).isEqualTo(ScalarType.Float);
    }
  }

  @Test
  void aScopeFreesAllButWhatIsKept() {
    Tensor kept;
    try (Scope outer = new Scope()) {
      Tensor lost;
      try (Scope inner = new Scope()) {
        lost = Torch.tensor(new float[] {1, 2}, 2);
        kept = inner.keep(Torch.tensor(new float[] {3, 4}, 2));
      }
      assertThat(lost.isNull()).isTrue();
      assertThat(Torch.floats(kept)).containsExactly(3, 4);
      kept = outer.keep(kept);
    }
    assertThat(Torch.floats(kept)).containsExactly(3, 4);
    kept.close();
    assertThat(kept.isNull()).isTrue();
  }

  @Test
  void aLoopOfScopesHoldsItsMemory() {
    long before = 0;
    for (int i = 0; i < 400; i++) {
      try (Scope _ = new Scope()) {
        Torch.tensor(new float[250_000], 500, 500).mul(Torch.tensor(new float[] {2}, 1));
      }
      if (i == 100) {
        before = Pointer.physicalBytes();
      }
    }
    // 300 more rounds of 2 MB would be 600 MB without scopes
    assertThat(Pointer.physicalBytes() - before).isLessThan(200L << 20);
  }
}
