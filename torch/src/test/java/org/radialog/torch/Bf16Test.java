package org.radialog.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;

/** The way that a CPU without bf16 takes has the results of the other one. */
class Bf16Test {
  private static Tensor drawn(Random random, long... shape) {
    int size = 1;
    for (long side : shape) {
      size *= (int) side;
    }
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Torch.tensor(values, shape).to(ScalarType.BFloat16);
  }

  private static void assertSame(Tensor found, Tensor expected, int sums) {
    assertThat(Torch.shape(found)).isEqualTo(Torch.shape(expected));
    float[] a = Torch.floats(found.to(ScalarType.Float));
    float[] b = Torch.floats(expected.to(ScalarType.Float));
    for (int i = 0; i < a.length; i++) {
      // One step of bf16, and what the order of the sums makes of a value near 0.
      assertThat(a[i]).isCloseTo(b[i], within(Math.abs(b[i]) / 128 + 1e-6f * sums));
    }
  }

  @Test
  void productsThroughFp32AreThoseOfBf16() {
    try (Scope _ = new Scope()) {
      Random random = new Random(1);
      Tensor x = drawn(random, 2, 3, 700);
      Tensor w = drawn(random, 3100, 700); // several panels, the last of which is not full
      assertSame(Bf16.throughFloat(x, w), torch.linear(x, w), 700);
      assertSame(Bf16.linear(x, w), torch.linear(x, w), 700);
      Tensor rows = x.view(6, 700);
      assertSame(Bf16.mm(rows, w.t()), rows.mm(w.t()), 700);
      Tensor exact = x.to(ScalarType.Float);
      assertThat(Bf16.linear(exact, w.to(ScalarType.Float)).scalar_type().intern())
          .isEqualTo(ScalarType.Float);
    }
  }

  @Test
  void gradientsPassThroughAProduct() {
    try (Scope _ = new Scope()) {
      Random random = new Random(2);
      Tensor w = drawn(random, 40, 30);
      Tensor x = drawn(random, 5, 30).detach().requires_grad_(true);
      Bf16.differentiable(x, w).sum().backward();
      assertSame(x.grad(), w.sum(0).expand(5, 30), 40);
    }
  }

  @Test
  void thisCpuIsFastInTheDtypeThatItsNetworksHave() {
    assertThat(Bf16.orFloat()).isEqualTo(Bf16.isFast() ? ScalarType.BFloat16 : ScalarType.Float);
    try (Scope _ = new Scope();
        Autocast _ = Autocast.fast()) {
      Tensor x = Torch.tensor(new float[] {1, 2, 3, 4}, 2, 2);
      assertThat(x.mm(x).scalar_type().intern()).isEqualTo(Bf16.orFloat());
    }
  }
}
