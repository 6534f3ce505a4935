package org.radialog.language;

import java.util.function.DoubleUnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;

/**
 * Cosines and sines of the rotary embedding (arXiv 2104.09864), for as many positions as have been
 * used.
 */
final class Rotary implements AutoCloseable {
  private static final int GRAIN = 512;

  private final LlamaConfig config;
  private Tensor cos; // [P, 1, d]
  private Tensor sin; // [P, 1, d]

  Rotary(LlamaConfig config) {
    this.config = config;
    int positions = Math.min(GRAIN, config.maxPositions());
    this.cos = table(positions, Math::cos);
    this.sin = table(positions, Math::sin);
  }

  /** Rows {@code index} [N] of the cosines, all below {@code positions}: [N, 1, d]. */
  synchronized Tensor cos(Tensor index, int positions) {
    grow(positions);
    return cos.index_select(0, index);
  }

  /** The same rows of the sines. */
  synchronized Tensor sin(Tensor index, int positions) {
    grow(positions);
    return sin.index_select(0, index);
  }

  synchronized void grow(int positions) {
    if (positions > cos.size(0)) {
      close();
      int rounded = (positions + GRAIN - 1) / GRAIN * GRAIN;
      cos = table(rounded, Math::cos);
      sin = table(rounded, Math::sin);
    }
  }

  private Tensor table(int positions, DoubleUnaryOperator f) {
    float[] frequencies = config.inverseFrequencies();
    int half = frequencies.length;
    float[] values = new float[positions * 2 * half];
    for (int p = 0; p < positions; p++) {
      for (int i = 0; i < half; i++) {
        float angle = p * frequencies[i];
        float value = (float) f.applyAsDouble(angle);
        values[p * 2 * half + i] = value;
        values[p * 2 * half + half + i] = value;
      }
    }
    try (Scope scope = new Scope()) {
      return scope.release(Torch.tensor(values, positions, 1, 2L * half));
    }
  }

  /** Rotates each pair (i, i + d/2) of x [N, heads, d] by the angle of its position. */
  static Tensor rotate(Tensor x, Tensor cos, Tensor sin) {
    long half = x.size(2) / 2;
    Tensor first = x.narrow(2, 0, half); // [N, heads, d/2]
    Tensor second = x.narrow(2, half, half); // [N, heads, d/2]
    Tensor turned = torch.cat(new TensorVector(second.neg(), first), 2); // [N, heads, d]
    return x.mul(cos).addcmul(turned, sin);
  }

  @Override
  public void close() {
    cos.close();
    sin.close();
  }
}
