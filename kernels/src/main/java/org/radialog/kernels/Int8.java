package org.radialog.kernels;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static org.radialog.kernels.PackedMatrix.FLOATS;
import static org.radialog.kernels.PackedMatrix.INTS;
import static org.radialog.kernels.PackedMatrix.SHORTS;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * 8-bit weights × 1 to 4 vectors, for all groups of one block of rows.
 *
 * <p>A weight w is split into unsigned nibbles, w + 128 = 16 h + l, so that Σ w x = 16 Σ (h − 8) x
 * + Σ (l − 8) x + 8 Σ x. Each of the first two sums is within ±32,512, as in {@link Int4}.
 *
 * <p>Each product is a single method, for the reason given there.
 */
final class Int8 {
  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
  private static final long BYTES = PackedMatrix.VECTOR_BYTES;
  private static final int ROWS = FLOATS.length(); // of half a block
  private static final short NIBBLE = 15;
  // An f16 as an int: its sign, exponent and significand, shifted right by 3 from the upper half.
  private static final int HALF = 0x8fffe000;
  // The difference of the exponent biases of fp32 and f16, as a factor.
  private static final float HALF_UNIT = 0x1p112f;
  private static final long BLOCK = 17 * BYTES;

  private Int8() {}

  /** y[row …] = block · vector m. */
  static void one(MemorySegment w, long at, QuantisedVectors vectors, int m, float[] y, int row) {
    int groups = vectors.columns() / WeightFormat.GROUP;
    int[] x = vectors.values;
    int[] biases = vectors.biases;
    int[] sums = vectors.sums;
    float[] scales = vectors.scales;
    FloatVector y0 = FloatVector.zero(FLOATS);
    FloatVector y1 = FloatVector.zero(FLOATS);
    for (int g = m * groups; g < (m + 1) * groups; g++, at += BLOCK) {
      ShortVector l = IntVector.broadcast(INTS, biases[g]).reinterpretAsShorts();
      ShortVector h = l;
      long p = at;
      for (int k = g * WeightFormat.GROUP, end = k + WeightFormat.GROUP;
          k != end;
          k += 2, p += BYTES) {
        ShortVector n0 = ShortVector.fromMemorySegment(SHORTS, w, p, LE);
        ShortVector x0 = IntVector.broadcast(INTS, x[k]).reinterpretAsShorts();
        l = l.add(n0.and(NIBBLE).mul(x0));
        h = h.add(n0.lanewise(LSHR, 4).and(NIBBLE).mul(x0));
        ShortVector x1 = IntVector.broadcast(INTS, x[k + 1]).reinterpretAsShorts();
        l = l.add(n0.lanewise(LSHR, 8).and(NIBBLE).mul(x1));
        h = h.add(n0.lanewise(LSHR, 12).mul(x1));
      }
      IntVector t = IntVector.fromMemorySegment(INTS, w, at + 16 * BYTES, LE);
      FloatVector t0 =
          t.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      FloatVector t1 = t.lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      IntVector low = l.reinterpretAsInts();
      IntVector high = h.reinterpretAsInts();
      IntVector s0 =
          high.lanewise(LSHL, 16)
              .lanewise(ASHR, 12)
              .add(low.lanewise(LSHL, 16).lanewise(ASHR, 16))
              .add(8 * sums[g]);
      IntVector s1 =
          high.lanewise(ASHR, 16).lanewise(LSHL, 4).add(low.lanewise(ASHR, 16)).add(8 * sums[g]);
      y0 = ((FloatVector) s0.convert(I2F, 0)).fma(t0.mul(scales[g]), y0);
      y1 = ((FloatVector) s1.convert(I2F, 0)).fma(t1.mul(scales[g]), y1);
    }
    y0.intoArray(y, row);
    y1.intoArray(y, row + ROWS);
  }

  /** The same for vectors m to m + 1. */
  static void two(
      MemorySegment w,
      long at,
      QuantisedVectors vectors,
      int m,
      float[] first,
      float[] second,
      int row) {
    int columns = vectors.columns();
    int groups = columns / WeightFormat.GROUP;
    int[] x = vectors.values;
    int[] biases = vectors.biases;
    int[] sums = vectors.sums;
    float[] scales = vectors.scales;
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = FloatVector.zero(FLOATS);
    FloatVector b0 = FloatVector.zero(FLOATS);
    FloatVector b1 = FloatVector.zero(FLOATS);
    for (int g = m * groups; g < (m + 1) * groups; g++, at += BLOCK) {
      ShortVector al = IntVector.broadcast(INTS, biases[g]).reinterpretAsShorts();
      ShortVector ah = al;
      ShortVector bl = IntVector.broadcast(INTS, biases[g + groups]).reinterpretAsShorts();
      ShortVector bh = bl;
      long o = at;
      for (int k = g * WeightFormat.GROUP, end = k + WeightFormat.GROUP;
          k != end;
          k += 2, o += BYTES) {
        ShortVector n = ShortVector.fromMemorySegment(SHORTS, w, o, LE);
        ShortVector n0 = n.and(NIBBLE);
        ShortVector n1 = n.lanewise(LSHR, 4).and(NIBBLE);
        ShortVector n2 = n.lanewise(LSHR, 8).and(NIBBLE);
        ShortVector n3 = n.lanewise(LSHR, 12);
        ShortVector ax = IntVector.broadcast(INTS, x[k]).reinterpretAsShorts();
        al = al.add(n0.mul(ax));
        ah = ah.add(n1.mul(ax));
        ax = IntVector.broadcast(INTS, x[k + 1]).reinterpretAsShorts();
        al = al.add(n2.mul(ax));
        ah = ah.add(n3.mul(ax));
        ShortVector bx = IntVector.broadcast(INTS, x[k + columns]).reinterpretAsShorts();
        bl = bl.add(n0.mul(bx));
        bh = bh.add(n1.mul(bx));
        bx = IntVector.broadcast(INTS, x[k + 1 + columns]).reinterpretAsShorts();
        bl = bl.add(n2.mul(bx));
        bh = bh.add(n3.mul(bx));
      }
      IntVector t = IntVector.fromMemorySegment(INTS, w, at + 16 * BYTES, LE);
      FloatVector t0 =
          t.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      FloatVector t1 = t.lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      IntVector alow = al.reinterpretAsInts();
      IntVector ahigh = ah.reinterpretAsInts();
      IntVector as0 =
          ahigh
              .lanewise(LSHL, 16)
              .lanewise(ASHR, 12)
              .add(alow.lanewise(LSHL, 16).lanewise(ASHR, 16))
              .add(8 * sums[g]);
      IntVector as1 =
          ahigh.lanewise(ASHR, 16).lanewise(LSHL, 4).add(alow.lanewise(ASHR, 16)).add(8 * sums[g]);
      a0 = ((FloatVector) as0.convert(I2F, 0)).fma(t0.mul(scales[g]), a0);
      a1 = ((FloatVector) as1.convert(I2F, 0)).fma(t1.mul(scales[g]), a1);
      IntVector blow = bl.reinterpretAsInts();
      IntVector bhigh = bh.reinterpretAsInts();
      IntVector bs0 =
          bhigh
              .lanewise(LSHL, 16)
              .lanewise(ASHR, 12)
              .add(blow.lanewise(LSHL, 16).lanewise(ASHR, 16))
              .add(8 * sums[g + groups]);
      IntVector bs1 =
          bhigh
              .lanewise(ASHR, 16)
              .lanewise(LSHL, 4)
              .add(blow.lanewise(ASHR, 16))
              .add(8 * sums[g + groups]);
      b0 = ((FloatVector) bs0.convert(I2F, 0)).fma(t0.mul(scales[g + groups]), b0);
      b1 = ((FloatVector) bs1.convert(I2F, 0)).fma(t1.mul(scales[g + groups]), b1);
    }
    a0.intoArray(first, row);
    a1.intoArray(first, row + ROWS);
    b0.intoArray(second, row);
    b1.intoArray(second, row + ROWS);
  }

  /**
   * The same for vectors m to m + 2, in floats: for this many vectors, converting a weight costs
   * less than multiplying its two nibbles. With bytes b = w + 128, Σ w x = −128 Σ x + Σ b x, and
   * all intermediate sums are within ±2^24, so they are exact.
   */
  static void three(
      MemorySegment w, long at, QuantisedVectors vectors, int m, float[][] y, int row) {
    int columns = vectors.columns();
    int groups = columns / WeightFormat.GROUP;
    float[] x = vectors.floats;
    int[] sums = vectors.sums;
    float[] scales = vectors.scales;
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = FloatVector.zero(FLOATS);
    FloatVector b0 = FloatVector.zero(FLOATS);
    FloatVector b1 = FloatVector.zero(FLOATS);
    FloatVector c0 = FloatVector.zero(FLOATS);
    FloatVector c1 = FloatVector.zero(FLOATS);
    for (int g = m * groups; g < (m + 1) * groups; g++, at += BLOCK) {
      FloatVector as0 = FloatVector.broadcast(FLOATS, (float) (-128 * sums[g]));
      FloatVector as1 = as0;
      FloatVector bs0 = FloatVector.broadcast(FLOATS, (float) (-128 * sums[g + groups]));
      FloatVector bs1 = bs0;
      FloatVector cs0 = FloatVector.broadcast(FLOATS, (float) (-128 * sums[g + 2 * groups]));
      FloatVector cs1 = cs0;
      long o = at;
      for (int k = g * WeightFormat.GROUP, end = k + WeightFormat.GROUP;
          k != end;
          k += 2, o += BYTES) {
        IntVector n = IntVector.fromMemorySegment(INTS, w, o, LE);
        FloatVector n0 = (FloatVector) n.and(255).convert(I2F, 0);
        FloatVector n1 = (FloatVector) n.lanewise(LSHR, 8).and(255).convert(I2F, 0);
        FloatVector n2 = (FloatVector) n.lanewise(LSHR, 16).and(255).convert(I2F, 0);
        FloatVector n3 = (FloatVector) n.lanewise(LSHR, 24).convert(I2F, 0);
        FloatVector ax = FloatVector.broadcast(FLOATS, x[k]);
        as0 = n0.fma(ax, as0);
        as1 = n2.fma(ax, as1);
        ax = FloatVector.broadcast(FLOATS, x[k + 1]);
        as0 = n1.fma(ax, as0);
        as1 = n3.fma(ax, as1);
        FloatVector bx = FloatVector.broadcast(FLOATS, x[k + columns]);
        bs0 = n0.fma(bx, bs0);
        bs1 = n2.fma(bx, bs1);
        bx = FloatVector.broadcast(FLOATS, x[k + 1 + columns]);
        bs0 = n1.fma(bx, bs0);
        bs1 = n3.fma(bx, bs1);
        FloatVector cx = FloatVector.broadcast(FLOATS, x[k + 2 * columns]);
        cs0 = n0.fma(cx, cs0);
        cs1 = n2.fma(cx, cs1);
        cx = FloatVector.broadcast(FLOATS, x[k + 1 + 2 * columns]);
        cs0 = n1.fma(cx, cs0);
        cs1 = n3.fma(cx, cs1);
      }
      IntVector t = IntVector.fromMemorySegment(INTS, w, at + 16 * BYTES, LE);
      FloatVector t0 =
          t.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      FloatVector t1 = t.lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      a0 = as0.fma(t0.mul(scales[g]), a0);
      a1 = as1.fma(t1.mul(scales[g]), a1);
      b0 = bs0.fma(t0.mul(scales[g + groups]), b0);
      b1 = bs1.fma(t1.mul(scales[g + groups]), b1);
      c0 = cs0.fma(t0.mul(scales[g + 2 * groups]), c0);
      c1 = cs1.fma(t1.mul(scales[g + 2 * groups]), c1);
    }
    a0.intoArray(y[m], row);
    a1.intoArray(y[m], row + ROWS);
    b0.intoArray(y[m + 1], row);
    b1.intoArray(y[m + 1], row + ROWS);
    c0.intoArray(y[m + 2], row);
    c1.intoArray(y[m + 2], row + ROWS);
  }

  /** The same for vectors m to m + 3. */
  static void four(
      MemorySegment w, long at, QuantisedVectors vectors, int m, float[][] y, int row) {
    int columns = vectors.columns();
    int groups = columns / WeightFormat.GROUP;
    float[] x = vectors.floats;
    int[] sums = vectors.sums;
    float[] scales = vectors.scales;
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = FloatVector.zero(FLOATS);
    FloatVector b0 = FloatVector.zero(FLOATS);
    FloatVector b1 = FloatVector.zero(FLOATS);
    FloatVector c0 = FloatVector.zero(FLOATS);
    FloatVector c1 = FloatVector.zero(FLOATS);
    FloatVector d0 = FloatVector.zero(FLOATS);
    FloatVector d1 = FloatVector.zero(FLOATS);
    for (int g = m * groups; g < (m + 1) * groups; g++, at += BLOCK) {
      FloatVector as0 = FloatVector.broadcast(FLOATS, (float) (-128 * sums[g]));
      FloatVector as1 = as0;
      FloatVector bs0 = FloatVector.broadcast(FLOATS, (float) (-128 * sums[g + groups]));
      FloatVector bs1 = bs0;
      FloatVector cs0 = FloatVector.broadcast(FLOATS, (float) (-128 * sums[g + 2 * groups]));
      FloatVector cs1 = cs0;
      FloatVector ds0 = FloatVector.broadcast(FLOATS, (float) (-128 * sums[g + 3 * groups]));
      FloatVector ds1 = ds0;
      long o = at;
      for (int k = g * WeightFormat.GROUP, end = k + WeightFormat.GROUP;
          k != end;
          k += 2, o += BYTES) {
        IntVector n = IntVector.fromMemorySegment(INTS, w, o, LE);
        FloatVector n0 = (FloatVector) n.and(255).convert(I2F, 0);
        FloatVector n1 = (FloatVector) n.lanewise(LSHR, 8).and(255).convert(I2F, 0);
        FloatVector n2 = (FloatVector) n.lanewise(LSHR, 16).and(255).convert(I2F, 0);
        FloatVector n3 = (FloatVector) n.lanewise(LSHR, 24).convert(I2F, 0);
        FloatVector ax = FloatVector.broadcast(FLOATS, x[k]);
        as0 = n0.fma(ax, as0);
        as1 = n2.fma(ax, as1);
        ax = FloatVector.broadcast(FLOATS, x[k + 1]);
        as0 = n1.fma(ax, as0);
        as1 = n3.fma(ax, as1);
        FloatVector bx = FloatVector.broadcast(FLOATS, x[k + columns]);
        bs0 = n0.fma(bx, bs0);
        bs1 = n2.fma(bx, bs1);
        bx = FloatVector.broadcast(FLOATS, x[k + 1 + columns]);
        bs0 = n1.fma(bx, bs0);
        bs1 = n3.fma(bx, bs1);
        FloatVector cx = FloatVector.broadcast(FLOATS, x[k + 2 * columns]);
        cs0 = n0.fma(cx, cs0);
        cs1 = n2.fma(cx, cs1);
        cx = FloatVector.broadcast(FLOATS, x[k + 1 + 2 * columns]);
        cs0 = n1.fma(cx, cs0);
        cs1 = n3.fma(cx, cs1);
        FloatVector dx = FloatVector.broadcast(FLOATS, x[k + 3 * columns]);
        ds0 = n0.fma(dx, ds0);
        ds1 = n2.fma(dx, ds1);
        dx = FloatVector.broadcast(FLOATS, x[k + 1 + 3 * columns]);
        ds0 = n1.fma(dx, ds0);
        ds1 = n3.fma(dx, ds1);
      }
      IntVector t = IntVector.fromMemorySegment(INTS, w, at + 16 * BYTES, LE);
      FloatVector t0 =
          t.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      FloatVector t1 = t.lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      a0 = as0.fma(t0.mul(scales[g]), a0);
      a1 = as1.fma(t1.mul(scales[g]), a1);
      b0 = bs0.fma(t0.mul(scales[g + groups]), b0);
      b1 = bs1.fma(t1.mul(scales[g + groups]), b1);
      c0 = cs0.fma(t0.mul(scales[g + 2 * groups]), c0);
      c1 = cs1.fma(t1.mul(scales[g + 2 * groups]), c1);
      d0 = ds0.fma(t0.mul(scales[g + 3 * groups]), d0);
      d1 = ds1.fma(t1.mul(scales[g + 3 * groups]), d1);
    }
    a0.intoArray(y[m], row);
    a1.intoArray(y[m], row + ROWS);
    b0.intoArray(y[m + 1], row);
    b1.intoArray(y[m + 1], row + ROWS);
    c0.intoArray(y[m + 2], row);
    c1.intoArray(y[m + 2], row + ROWS);
    d0.intoArray(y[m + 3], row);
    d1.intoArray(y[m + 3], row + ROWS);
  }

  /** The scalar reference: one row times vector m, in the same order. */
  static float oracle(MemorySegment w, int row, QuantisedVectors vectors, int m, int lanes) {
    int groups = vectors.columns() / WeightFormat.GROUP;
    byte[] q = new byte[WeightFormat.GROUP];
    float y = 0;
    for (int g = 0; g < groups; g++) {
      int scale = PackedMatrix.read(w, WeightFormat.INT8, vectors.columns(), row, g, lanes, q);
      int at = m * groups + g;
      int sum = 0;
      for (int i = 0; i < WeightFormat.GROUP; i++) {
        sum += q[i] * (short) vectors.values[at * WeightFormat.GROUP + i];
      }
      y = Math.fma(sum, Float.float16ToFloat((short) scale) * vectors.scales[at], y);
    }
    return y;
  }
}
