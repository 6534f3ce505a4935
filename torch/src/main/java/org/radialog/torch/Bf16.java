package org.radialog.torch;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Products of bf16 numbers on the CPU. oneDNN has none for a CPU without AVX-512, and there
 * PyTorch's own take about ten times as long as products in fp32. On such a CPU these products are
 * computed in fp32 and rounded, which gives the same apart from the order of the sums.
 *
 * <p>N rows · C columns · M rows of the matrix.
 */
public final class Bf16 {
  private static final boolean FAST = torch.get_cpu_capability().getString().startsWith("AVX512");

  // Values of a matrix that are converted at once, so that they stay in the processor cache.
  private static final long PANEL = 1L << 20;

  private Bf16() {}

  /** Whether this CPU computes in bf16 faster than in fp32. */
  public static boolean isFast() {
    return FAST;
  }

  /** The dtype in which this CPU computes a network fastest: bf16, or else fp32. */
  public static ScalarType orFloat() {
    return FAST ? ScalarType.BFloat16 : ScalarType.Float;
  }

  /**
   * {@code x Wᵀ} without gradients: [N, C] by [M, C] to [N, M], of the dtype of both. It belongs to
   * the scope of the caller.
   */
  public static Tensor linear(Tensor x, Tensor w) {
    return isNative(w) ? torch.linear(x, w) : throughFloat(x, w);
  }

  /** The same, through which gradients pass to x; in the meantime the converted matrix is kept. */
  public static Tensor differentiable(Tensor x, Tensor w) {
    return isNative(w)
        ? torch.linear(x, w)
        : torch.linear(x.to(ScalarType.Float), w.to(ScalarType.Float)).to(ScalarType.BFloat16);
  }

  private static boolean isNative(Tensor w) {
    return FAST || w.scalar_type().intern() != ScalarType.BFloat16;
  }

  // [..., C] by [M, C] to [..., M]
  static Tensor throughFloat(Tensor x, Tensor w) {
    try (Scope scope = new Scope()) {
      Tensor exact = x.to(ScalarType.Float); // [..., C]
      long[] shape = Torch.shape(x);
      long rows = w.size(0); // M
      shape[shape.length - 1] = rows;
      Tensor y = Torch.empty(ScalarType.BFloat16, shape); // [..., M]
      long panel = Math.clamp(PANEL / w.size(1), 1, rows);
      for (long first = 0; first < rows; first += panel) {
        long count = Math.min(panel, rows - first);
        try (Scope _ = new Scope()) {
          Tensor some = w.narrow(0, first, count).to(ScalarType.Float); // [m, C]
          y.narrow(shape.length - 1, first, count).copy_(torch.linear(exact, some));
        }
      }
      return scope.keep(y);
    }
  }

  /** {@code x W} without gradients: [N, C] by [C, M] to [N, M], fp32 if that is faster. */
  public static Tensor mm(Tensor x, Tensor w) {
    return FAST ? x.mm(w) : x.to(ScalarType.Float).mm(w.to(ScalarType.Float));
  }
}
