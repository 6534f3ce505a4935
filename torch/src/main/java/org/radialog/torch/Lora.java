package org.radialog.torch;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A low-rank adapter of a frozen linear layer (arXiv 2106.09685, section 4.1):
 *
 * <pre>
 *   x ──┬── W (frozen, [out, in]) ──────────────── + ── y
 *       └── A [r, in] ── B [out, r] ── · alpha/r ──┘
 * </pre>
 *
 * B is initialised to 0, so that an untrained adapter changes nothing.
 *
 * @param a {@code [r, in]}, checkpoint key {@code lora_A.weight}
 * @param b {@code [out, r]}, checkpoint key {@code lora_B.weight}
 * @param scale alpha / r
 * @param dropout probability of dropping an input of the adapter during training
 */
public record Lora(Tensor a, Tensor b, double scale, double dropout) {
  /** An adapter of rank {@code rank} under {@code p} for a layer {@code [out, in]}. */
  public static Lora of(Parameters p, long in, long out, int rank, double alpha, double dropout) {
    return new Lora(
        p.get("lora_A.weight", Init.kaimingUniform(), rank, in),
        p.get("lora_B.weight", Init.zeros(), out, rank),
        alpha / rank,
        dropout);
  }

  /**
   * The output of the layer with its adapter.
   *
   * @param y output of the frozen layer for {@code x}, {@code [N, out]}, to which the adapter's is
   *     added in place
   * @param x its input, {@code [N, in]}, of the same type
   * @param training whether inputs of the adapter are dropped
   */
  public Tensor add(Tensor y, Tensor x, boolean training) {
    ScalarType type = Torch.type(x);
    Tensor input = training ? Dropout.of(x, dropout) : x;
    Tensor down = torch.linear(input, a.to(type)); // [N, r]
    // One operation in place, whose gradient is scaled where it is small.
    return y.addmm_(down, b.to(type).t(), new Scalar(1), new Scalar(scale)); // [N, out]
  }
}
