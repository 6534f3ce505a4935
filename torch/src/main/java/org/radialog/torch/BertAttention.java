package org.radialog.torch;

import static org.bytedeco.pytorch.global.torch.matmul;
import static org.bytedeco.pytorch.global.torch.softmax;

import java.util.Optional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * Attention of one sequence to another or to itself, as BERT has it. Names: {@code self.query,
 * self.key, self.value, output}.
 *
 * <p>B batch, T positions that ask, S positions of the source, D width, H heads, d = D / H.
 *
 * @param query [D, D]
 * @param key [D, width of the source]
 * @param value [D, width of the source]
 * @param output linear, residual and norm
 * @param heads H
 */
public record BertAttention(
    Linear query, Linear key, Linear value, BertResidual output, int heads) {
  public static BertAttention of(
      Parameters p, long width, long sourceWidth, int heads, double epsilon) {
    double std = BertResidual.STD;
    return new BertAttention(
        Linear.normal(p.at("self.query."), width, width, std),
        Linear.normal(p.at("self.key."), sourceWidth, width, std),
        Linear.normal(p.at("self.value."), sourceWidth, width, std),
        BertResidual.of(p.at("output."), width, width, epsilon),
        heads);
  }

  /**
   * {@code x} [B, T, D] and {@code source} [B, S, ·] to [B, T, D].
   *
   * @param mask added to the scores, [B, 1, 1, S]: 0 for visible positions of the source
   */
  public Tensor forward(Tensor x, Tensor source, Optional<Tensor> mask, double dropout) {
    try (Scope scope = new Scope()) {
      Tensor q = split(query.forward(x)); // [B, H, T, d]
      Tensor k = split(key.forward(source)); // [B, H, S, d]
      Tensor v = split(value.forward(source)); // [B, H, S, d]
      double scale = 1 / Math.sqrt((double) q.size(3));
      Tensor scores = matmul(q, k.transpose(2, 3)).mul(new Scalar(scale)); // [B, H, T, S]
      if (mask.isPresent()) {
        scores = scores.add(mask.get());
      }
      Tensor shares = Dropout.of(softmax(scores, -1), dropout); // [B, H, T, S]
      Tensor mixed = matmul(shares, v).transpose(1, 2).flatten(2, 3); // [B, T, H, d] to [B, T, D]
      return scope.keep(output.forward(mixed, x, dropout)); // [B, T, D]
    }
  }

  // [B, T, D] to [B, H, T, d]
  private Tensor split(Tensor x) {
    return x.view(x.size(0), x.size(1), heads, -1).transpose(1, 2);
  }
}
