package org.radialog.torch;

import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * {@code y = x W^T + b}.
 *
 * @param weight {@code [out, in]}, checkpoint key {@code weight}
 * @param bias {@code [out]}, checkpoint key {@code bias}
 */
public record Linear(Tensor weight, Optional<Tensor> bias) {
  /** A layer with a bias, under {@code p}. */
  public static Linear of(Parameters p, long in, long out) {
    return new Linear(
        p.get("weight", Init.kaimingUniform(), out, in),
        Optional.of(p.get("bias", Init.bias(in), out)));
  }

  /** A layer without a bias, under {@code p}. */
  public static Linear withoutBias(Parameters p, long in, long out) {
    return new Linear(p.get("weight", Init.kaimingUniform(), out, in), Optional.empty());
  }

  /** A layer with a bias of 0 and normal weights, as transformers begin. */
  public static Linear normal(Parameters p, long in, long out, double std) {
    return new Linear(
        p.get("weight", Init.normal(std), out, in), Optional.of(p.get("bias", Init.zeros(), out)));
  }

  /** {@code [..., in]} to {@code [..., out]}. */
  public Tensor forward(Tensor x) {
    return bias.isPresent() ? torch.linear(x, weight, bias.get()) : torch.linear(x, weight);
  }
}
