package org.radialog.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.radialog.base.RadialogException;

/**
 * M vectors of C activations rounded to 8 bits, with one scale per group of 32: {@code x ≈ scale ·
 * q}, scale = largest magnitude / 127.
 *
 * <p>A value is stored twice as 16 bits in an int, because the processor broadcasts a 32-bit word
 * from memory for free, but needs a shuffle for a 16-bit word. Not thread-safe; every thread rounds
 * its own copy, which is cheaper than waiting for another thread.
 */
public final class QuantisedVectors {
  // Adding 1.5 · 2^23 to a float of small magnitude leaves its value, rounded to even, in the low
  // bits of the significand.
  private static final float ROUND = 0x1.8p23f;
  private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);

  // Below this 127 / magnitude overflows.
  private static final float LEAST = 0x1p-100f;

  private final int columns;
  final int[] values; // [M, C], q in both halves
  final float[] floats; // [M, C], q
  final float[] scales; // [M, C/32]
  final int[] sums; // [M, C/32], Σ q of the group
  final int[]
      biases; // [M, C/32], −8 Σ q in both halves: converts sums of unsigned nibbles to signed ones

  /**
   * Allocates {@code count} vectors of {@code columns} values.
   *
   * @throws RadialogException if the columns are not in groups of 32
   */
  public QuantisedVectors(int count, int columns) {
    if (columns < 1 || columns % WeightFormat.GROUP != 0) {
      throw new RadialogException(
          "quantised vectors: expected a length in groups of "
              + WeightFormat.GROUP
              + ", found "
              + columns);
    }
    this.columns = columns;
    this.values = new int[Math.multiplyExact(count, columns)];
    this.floats = new float[values.length];
    this.scales = new float[count * (columns / WeightFormat.GROUP)];
    this.sums = new int[scales.length];
    this.biases = new int[scales.length];
  }

  /** C, the length of each vector. */
  public int columns() {
    return columns;
  }

  /** Rounds {@code x[0 … C−1]} into vector {@code m}. */
  public void set(int m, float[] x) {
    int groups = columns / WeightFormat.GROUP;
    for (int g = 0; g < groups; g++) {
      round(x, g * WeightFormat.GROUP, m * columns + g * WeightFormat.GROUP, m * groups + g);
    }
  }

  private void round(float[] x, int from, int to, int group) {
    FloatVector largest = FloatVector.zero(PackedMatrix.FLOATS);
    for (int i = 0; i < WeightFormat.GROUP; i += PackedMatrix.FLOATS.length()) {
      largest = largest.max(FloatVector.fromArray(PackedMatrix.FLOATS, x, from + i).abs());
    }
    float magnitude = largest.reduceLanes(VectorOperators.MAX); // exact in any order
    float inverse = magnitude < LEAST ? 0 : 127 / magnitude;
    IntVector sum = IntVector.zero(PackedMatrix.INTS);
    for (int i = 0; i < WeightFormat.GROUP; i += PackedMatrix.FLOATS.length()) {
      FloatVector rounded =
          FloatVector.fromArray(PackedMatrix.FLOATS, x, from + i).mul(inverse).add(ROUND);
      rounded.sub(ROUND).intoArray(floats, to + i);
      IntVector q = rounded.reinterpretAsInts().sub(ROUND_BITS);
      sum = sum.add(q);
      q.and(0xffff).or(q.lanewise(VectorOperators.LSHL, 16)).intoArray(values, to + i);
    }
    int s = sum.reduceLanes(VectorOperators.ADD);
    scales[group] = magnitude < LEAST ? 0 : magnitude / 127;
    sums[group] = s;
    biases[group] = twice(-8 * s);
  }

  /** The scalar reference for {@link #set}. */
  void setScalar(int m, float[] x) {
    for (int g = 0; g < columns / WeightFormat.GROUP; g++) {
      float magnitude = 0;
      for (int i = 0; i < WeightFormat.GROUP; i++) {
        magnitude = Math.max(magnitude, Math.abs(x[g * WeightFormat.GROUP + i]));
      }
      float inverse = magnitude < LEAST ? 0 : 127 / magnitude;
      int sum = 0;
      for (int i = 0; i < WeightFormat.GROUP; i++) {
        int q = (int) Math.rint(x[g * WeightFormat.GROUP + i] * inverse);
        values[m * columns + g * WeightFormat.GROUP + i] = twice(q);
        floats[m * columns + g * WeightFormat.GROUP + i] = q;
        sum += q;
      }
      int at = m * (columns / WeightFormat.GROUP) + g;
      scales[at] = magnitude < LEAST ? 0 : magnitude / 127;
      sums[at] = sum;
      biases[at] = twice(-8 * sum);
    }
  }

  // The low 16 bits in both halves.
  private static int twice(int value) {
    return (value & 0xffff) | (value << 16);
  }
}
