package org.radialog.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The floating-point operations of a decode step between its matrix products, one vector at a time.
 * Every sum has a fixed order and every function consists of correctly rounded operations, so that
 * interpreted and compiled code give identical bits ({@code reduceLanes(ADD)} and the {@code EXP}
 * of the library do not).
 */
public final class FloatLanes {
  public static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
  public static final int LANES = F.length();

  private static final VectorShuffle<Float> EIGHT = exchange(8);
  private static final VectorShuffle<Float> FOUR = exchange(4);
  private static final VectorShuffle<Float> TWO = exchange(2);
  private static final VectorShuffle<Float> ONE = exchange(1);

  private static final float LOG2_E = 1.442695f;
  private static final float LN2_HIGH =
      0.6933594f; // has few bits, so that its products with integers are exact
  private static final float LN2_LOW = -2.1219444e-4f;
  private static final float ROUND = 0x1.8p23f; // adding it rounds to an integer
  private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);

  private FloatLanes() {}

  private static VectorShuffle<Float> exchange(int distance) {
    return VectorShuffle.fromOp(F, lane -> (lane ^ distance) % LANES);
  }

  /** Sum of the lanes, by halving. */
  public static float sum(FloatVector v) {
    if (LANES > 8) {
      v = v.add(v.rearrange(EIGHT));
    }
    if (LANES > 4) {
      v = v.add(v.rearrange(FOUR));
    }
    v = v.add(v.rearrange(TWO));
    v = v.add(v.rearrange(ONE));
    return v.lane(0);
  }

  /** e^x to 2 units in the last place; 0 below −87, finite above 88. */
  public static FloatVector exp(FloatVector x) {
    FloatVector clamped = x.max(-87f).min(88f);
    FloatVector rounded = clamped.mul(LOG2_E).add(ROUND);
    FloatVector n = rounded.sub(ROUND);
    FloatVector r = n.fma(FloatVector.broadcast(F, -LN2_HIGH), clamped);
    r = n.fma(FloatVector.broadcast(F, -LN2_LOW), r);
    FloatVector p = FloatVector.broadcast(F, 1.9875691e-4f); // minimax, |r| <= ln 2 / 2 (Cephes)
    p = p.fma(r, FloatVector.broadcast(F, 1.3981999e-3f));
    p = p.fma(r, FloatVector.broadcast(F, 8.333452e-3f));
    p = p.fma(r, FloatVector.broadcast(F, 4.1665796e-2f));
    p = p.fma(r, FloatVector.broadcast(F, 0.16666666f));
    p = p.fma(r, FloatVector.broadcast(F, 0.5f));
    p = p.fma(r.mul(r), r.add(1f));
    IntVector power = rounded.reinterpretAsInts().sub(ROUND_BITS).add(127);
    return p.mul(power.lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats())
        .blend(0f, x.lt(-87f));
  }

  /** {@code to = x / sqrt(mean(x²) + eps) · weight}: RMSNorm (arXiv 1910.07467). */
  public static void rmsNorm(float[] x, float[] weight, float eps, float[] to) {
    int n = weight.length;
    int whole = F.loopBound(n);
    FloatVector squares = FloatVector.zero(F);
    for (int i = 0; i < whole; i += LANES) {
      FloatVector v = FloatVector.fromArray(F, x, i);
      squares = v.fma(v, squares);
    }
    float sum = sum(squares);
    for (int i = whole; i < n; i++) {
      sum += x[i] * x[i];
    }
    float scale = 1 / (float) Math.sqrt(sum / n + eps);
    for (int i = 0; i < whole; i += LANES) {
      FloatVector.fromArray(F, x, i)
          .mul(scale)
          .mul(FloatVector.fromArray(F, weight, i))
          .intoArray(to, i);
    }
    for (int i = whole; i < n; i++) {
      to[i] = x[i] * scale * weight[i];
    }
  }

  /** {@code gate[i] = silu(gate[i]) · up[i]} for i in [from, to), whole vectors of the arrays. */
  public static void siluTimes(float[] gate, float[] up, int from, int to) {
    for (int i = from; i < to; i += LANES) {
      FloatVector g = FloatVector.fromArray(F, gate, i);
      FloatVector silu = g.div(exp(g.neg()).add(1f));
      silu.mul(FloatVector.fromArray(F, up, i)).intoArray(gate, i);
    }
  }

  /** {@code x[i] += y[i]} for i in [from, to). */
  public static void add(float[] x, float[] y, int from, int to) {
    for (int i = from; i < to; i++) {
      x[i] += y[i];
    }
  }
}
