package org.radialog.torch;

import org.bytedeco.pytorch.Tensor;

/**
 * The end of a sub-layer of BERT (arXiv 1810.04805, post-norm): a linear whose output is added to
 * what came before the sub-layer, and normalised. Names: {@code dense, LayerNorm}.
 *
 * @param dense the linear layer
 * @param norm the layer normalisation
 */
public record BertResidual(Linear dense, LayerNorm norm) {
  /** Standard deviation of BERT's weights before training. */
  public static final double STD = 0.02;

  /** Of BERT's layer normalisations; RoBERTa has another. */
  public static final double EPSILON = 1e-12;

  public static BertResidual of(Parameters p, long in, long out, double epsilon) {
    return new BertResidual(
        Linear.normal(p.at("dense."), in, out, STD),
        LayerNorm.of(p.at("LayerNorm."), out, epsilon));
  }

  public Tensor forward(Tensor x, Tensor before, double dropout) {
    return norm.forward(Dropout.of(dense.forward(x), dropout).add(before));
  }
}
