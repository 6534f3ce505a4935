package org.radialog.torch;

import static org.bytedeco.pytorch.global.torch.layer_norm;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;

/**
 * Layer normalisation over the last dimension (arXiv 1607.06450), with {@code weight, bias}.
 *
 * @param weight [D]
 * @param bias [D]
 * @param epsilon added to the variance
 */
public record LayerNorm(Tensor weight, Tensor bias, double epsilon) {
  public static LayerNorm of(Parameters p, long size, double epsilon) {
    return new LayerNorm(
        p.get("weight", Init.ones(), size), p.get("bias", Init.zeros(), size), epsilon);
  }

  public Tensor forward(Tensor x) {
    long[] last = {weight.size(0)};
    return layer_norm(
        x, last, new TensorOptional(weight), new TensorOptional(bias), epsilon, false);
  }
}
