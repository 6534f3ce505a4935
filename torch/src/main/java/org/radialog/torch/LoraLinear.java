package org.radialog.torch;

import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * A linear layer with a low-rank adapter beside it (arXiv 2106.09685, section 4.1):
 *
 * <pre>
 *   x ──┬── W (frozen, [out, in]) ──────────────── + ── y
 *       └── A [r, in] ── B [out, r] ── · alpha/r ──┘
 * </pre>
 *
 * B begins at 0, so that an untrained adapter changes nothing.
 *
 * @param base the frozen layer
 * @param a {@code [r, in]}, checkpoint key {@code lora_A.weight}
 * @param b {@code [out, r]}, checkpoint key {@code lora_B.weight}
 * @param scale alpha / r
 * @param dropout the share of the adapter's inputs that is dropped; 0 outside of training
 */
public record LoraLinear(Linear base, Tensor a, Tensor b, double scale, double dropout)
    implements Dense {
  /** An adapter of rank {@code rank} under {@code p} for {@code base}. */
  public static LoraLinear of(Linear base, Parameters p, int rank, double alpha) {
    long out = base.weight().size(0);
    long in = base.weight().size(1);
    return new LoraLinear(
        base,
        p.get("lora_A.weight", Init.kaimingUniform(), rank, in),
        p.get("lora_B.weight", Init.zeros(), out, rank),
        alpha / rank,
        0);
  }

  /** The same adapter, for training with dropout on its input. */
  public LoraLinear withDropout(double share) {
    return new LoraLinear(base, a, b, scale, share);
  }

  @Override
  public Tensor forward(Tensor x) {
    Tensor input = dropout > 0 ? torch.dropout(x, dropout, true) : x;
    Tensor down = torch.linear(input, a); // [..., r]
    Tensor up = torch.linear(down, b); // [..., out]
    return base.forward(x).add(up, new Scalar(scale));
  }

  /** One layer that computes the same: W + scale · B A. The caller closes its weight. */
  public Linear merged() {
    try (Scope scope = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      Tensor delta = b.mm(a); // [out, in]
      Tensor weight = base.weight().add(delta.to(Torch.type(base.weight())), new Scalar(scale));
      return new Linear(scope.keep(weight), base.bias());
    }
  }
}
