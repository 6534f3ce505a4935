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
 * 4-bit weights × 1, 2 and 4 vectors, for all groups of one block of rows.
 *
 * <p>With unsigned nibbles u = q + 8, Σ q x = −8 Σ x + Σ u x. The sum of 32 products of a signed
 * nibble and an int8 is within ±8 · 127 · 32 = ±32,512, so sums in shorts are exact even if
 * intermediate values wrap around. With an offset the weight is d u + m, and Σ u x = Σ q x + 8 Σ x.
 *
 * <p>Each product is a single method: a helper in the inner loop would exceed the node count of C2
 * for inlining, which boxes every vector. The loop over the vectors of a group ends with {@code
 * !=}: with {@code <} C2 would compute the range of the index checks in each iteration, which costs
 * more than the checks. It is not unrolled by hand, because that gains little and doubles the
 * compilation time.
 */
final class Int4 {
  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
  private static final long BYTES = PackedMatrix.VECTOR_BYTES;
  private static final int ROWS = FLOATS.length(); // of half a block
  private static final short NIBBLE = 15;
  // An f16 as an int: its sign, exponent and significand, shifted right by 3 from the upper half.
  private static final int HALF = 0x8fffe000;
  // The difference of the exponent biases of fp32 and f16, as a factor.
  private static final float HALF_UNIT = 0x1p112f;
  private static final long BLOCK = 9 * BYTES;
  private static final long BLOCK_WITH_OFFSET = 10 * BYTES;

  private Int4() {}

  /** y[row …] = block · vector m. */
  static void one(
      MemorySegment w,
      long at,
      boolean offset,
      QuantisedVectors vectors,
      int m,
      float[] y,
      int row) {
    int groups = vectors.columns() / WeightFormat.GROUP;
    int[] x = vectors.values;
    int[] biases = vectors.biases;
    int[] sums = vectors.sums;
    float[] scales = vectors.scales;
    long block = offset ? BLOCK_WITH_OFFSET : BLOCK;
    FloatVector y0 = FloatVector.zero(FLOATS);
    FloatVector y1 = FloatVector.zero(FLOATS);
    for (int g = m * groups; g < (m + 1) * groups; g++, at += block) {
      ShortVector a = IntVector.broadcast(INTS, biases[g]).reinterpretAsShorts();
      ShortVector b = ShortVector.zero(SHORTS);
      long p = at;
      for (int k = g * WeightFormat.GROUP, end = k + WeightFormat.GROUP;
          k != end;
          k += 4, p += BYTES) {
        ShortVector n0 = ShortVector.fromMemorySegment(SHORTS, w, p, LE);
        ShortVector x0 = IntVector.broadcast(INTS, x[k]).reinterpretAsShorts();
        a = a.add(n0.and(NIBBLE).mul(x0));
        ShortVector x1 = IntVector.broadcast(INTS, x[k + 1]).reinterpretAsShorts();
        b = b.add(n0.lanewise(LSHR, 4).and(NIBBLE).mul(x1));
        ShortVector x2 = IntVector.broadcast(INTS, x[k + 2]).reinterpretAsShorts();
        a = a.add(n0.lanewise(LSHR, 8).and(NIBBLE).mul(x2));
        ShortVector x3 = IntVector.broadcast(INTS, x[k + 3]).reinterpretAsShorts();
        b = b.add(n0.lanewise(LSHR, 12).mul(x3));
      }
      IntVector s = a.add(b).reinterpretAsInts();
      IntVector t = IntVector.fromMemorySegment(INTS, w, at + 8 * BYTES, LE);
      FloatVector t0 =
          t.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      FloatVector t1 = t.lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      float scale = scales[g];
      FloatVector ds0 = t0.mul(scale);
      FloatVector ds1 = t1.mul(scale);
      IntVector s0 = s.lanewise(LSHL, 16).lanewise(ASHR, 16);
      IntVector s1 = s.lanewise(ASHR, 16);
      if (offset) {
        int shift = 8 * sums[g];
        float sum = scale * sums[g];
        IntVector o = IntVector.fromMemorySegment(INTS, w, at + 9 * BYTES, LE);
        FloatVector o0 =
            o.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
        FloatVector o1 = o.lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
        y0 = o0.fma(FloatVector.broadcast(FLOATS, sum), y0);
        y1 = o1.fma(FloatVector.broadcast(FLOATS, sum), y1);
        s0 = s0.add(shift);
        s1 = s1.add(shift);
      }
      y0 = ((FloatVector) s0.convert(I2F, 0)).fma(ds0, y0);
      y1 = ((FloatVector) s1.convert(I2F, 0)).fma(ds1, y1);
    }
    y0.intoArray(y, row);
    y1.intoArray(y, row + ROWS);
  }

  /** The same for vectors m to m + 1. */
  static void two(
      MemorySegment w,
      long at,
      boolean offset,
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
    long block = offset ? BLOCK_WITH_OFFSET : BLOCK;
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = FloatVector.zero(FLOATS);
    FloatVector b0 = FloatVector.zero(FLOATS);
    FloatVector b1 = FloatVector.zero(FLOATS);
    for (int g = m * groups; g < (m + 1) * groups; g++, at += block) {
      ShortVector a = IntVector.broadcast(INTS, biases[g]).reinterpretAsShorts();
      ShortVector b = IntVector.broadcast(INTS, biases[g + groups]).reinterpretAsShorts();
      long o = at;
      for (int k = g * WeightFormat.GROUP, end = k + WeightFormat.GROUP;
          k != end;
          k += 4, o += BYTES) {
        ShortVector n = ShortVector.fromMemorySegment(SHORTS, w, o, LE);
        ShortVector n0 = n.and(NIBBLE);
        a = a.add(n0.mul(IntVector.broadcast(INTS, x[k]).reinterpretAsShorts()));
        b = b.add(n0.mul(IntVector.broadcast(INTS, x[k + columns]).reinterpretAsShorts()));
        ShortVector n1 = n.lanewise(LSHR, 4).and(NIBBLE);
        a = a.add(n1.mul(IntVector.broadcast(INTS, x[k + 1]).reinterpretAsShorts()));
        b = b.add(n1.mul(IntVector.broadcast(INTS, x[k + 1 + columns]).reinterpretAsShorts()));
        ShortVector n2 = n.lanewise(LSHR, 8).and(NIBBLE);
        a = a.add(n2.mul(IntVector.broadcast(INTS, x[k + 2]).reinterpretAsShorts()));
        b = b.add(n2.mul(IntVector.broadcast(INTS, x[k + 2 + columns]).reinterpretAsShorts()));
        ShortVector n3 = n.lanewise(LSHR, 12);
        a = a.add(n3.mul(IntVector.broadcast(INTS, x[k + 3]).reinterpretAsShorts()));
        b = b.add(n3.mul(IntVector.broadcast(INTS, x[k + 3 + columns]).reinterpretAsShorts()));
      }
      IntVector t = IntVector.fromMemorySegment(INTS, w, at + 8 * BYTES, LE);
      FloatVector t0 =
          t.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      FloatVector t1 = t.lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      IntVector as = a.reinterpretAsInts();
      IntVector as0 = as.lanewise(LSHL, 16).lanewise(ASHR, 16);
      IntVector as1 = as.lanewise(ASHR, 16);
      IntVector bs = b.reinterpretAsInts();
      IntVector bs0 = bs.lanewise(LSHL, 16).lanewise(ASHR, 16);
      IntVector bs1 = bs.lanewise(ASHR, 16);
      if (offset) {
        IntVector offsets = IntVector.fromMemorySegment(INTS, w, at + 9 * BYTES, LE);
        FloatVector o0 =
            offsets
                .lanewise(LSHL, 16)
                .lanewise(ASHR, 3)
                .and(HALF)
                .reinterpretAsFloats()
                .mul(HALF_UNIT);
        FloatVector o1 = offsets.lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
        FloatVector asum = FloatVector.broadcast(FLOATS, scales[g] * sums[g]);
        a0 = o0.fma(asum, a0);
        a1 = o1.fma(asum, a1);
        as0 = as0.add(8 * sums[g]);
        as1 = as1.add(8 * sums[g]);
        FloatVector bsum = FloatVector.broadcast(FLOATS, scales[g + groups] * sums[g + groups]);
        b0 = o0.fma(bsum, b0);
        b1 = o1.fma(bsum, b1);
        bs0 = bs0.add(8 * sums[g + groups]);
        bs1 = bs1.add(8 * sums[g + groups]);
      }
      a0 = ((FloatVector) as0.convert(I2F, 0)).fma(t0.mul(scales[g]), a0);
      a1 = ((FloatVector) as1.convert(I2F, 0)).fma(t1.mul(scales[g]), a1);
      b0 = ((FloatVector) bs0.convert(I2F, 0)).fma(t0.mul(scales[g + groups]), b0);
      b1 = ((FloatVector) bs1.convert(I2F, 0)).fma(t1.mul(scales[g + groups]), b1);
    }
    a0.intoArray(first, row);
    a1.intoArray(first, row + ROWS);
    b0.intoArray(second, row);
    b1.intoArray(second, row + ROWS);
  }

  /** The same for vectors m to m + 3. */
  static void four(
      MemorySegment w,
      long at,
      boolean offset,
      QuantisedVectors vectors,
      int m,
      float[][] y,
      int row) {
    int columns = vectors.columns();
    int groups = columns / WeightFormat.GROUP;
    int[] x = vectors.values;
    int[] biases = vectors.biases;
    int[] sums = vectors.sums;
    float[] scales = vectors.scales;
    long block = offset ? BLOCK_WITH_OFFSET : BLOCK;
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = FloatVector.zero(FLOATS);
    FloatVector b0 = FloatVector.zero(FLOATS);
    FloatVector b1 = FloatVector.zero(FLOATS);
    FloatVector c0 = FloatVector.zero(FLOATS);
    FloatVector c1 = FloatVector.zero(FLOATS);
    FloatVector d0 = FloatVector.zero(FLOATS);
    FloatVector d1 = FloatVector.zero(FLOATS);
    for (int g = m * groups; g < (m + 1) * groups; g++, at += block) {
      ShortVector a = IntVector.broadcast(INTS, biases[g]).reinterpretAsShorts();
      ShortVector b = IntVector.broadcast(INTS, biases[g + groups]).reinterpretAsShorts();
      ShortVector c = IntVector.broadcast(INTS, biases[g + 2 * groups]).reinterpretAsShorts();
      ShortVector d = IntVector.broadcast(INTS, biases[g + 3 * groups]).reinterpretAsShorts();
      long o = at;
      for (int k = g * WeightFormat.GROUP, end = k + WeightFormat.GROUP;
          k != end;
          k += 4, o += BYTES) {
        ShortVector n = ShortVector.fromMemorySegment(SHORTS, w, o, LE);
        ShortVector n0 = n.and(NIBBLE);
        a = a.add(n0.mul(IntVector.broadcast(INTS, x[k]).reinterpretAsShorts()));
        b = b.add(n0.mul(IntVector.broadcast(INTS, x[k + columns]).reinterpretAsShorts()));
        c = c.add(n0.mul(IntVector.broadcast(INTS, x[k + 2 * columns]).reinterpretAsShorts()));
        d = d.add(n0.mul(IntVector.broadcast(INTS, x[k + 3 * columns]).reinterpretAsShorts()));
        ShortVector n1 = n.lanewise(LSHR, 4).and(NIBBLE);
        a = a.add(n1.mul(IntVector.broadcast(INTS, x[k + 1]).reinterpretAsShorts()));
        b = b.add(n1.mul(IntVector.broadcast(INTS, x[k + 1 + columns]).reinterpretAsShorts()));
        c = c.add(n1.mul(IntVector.broadcast(INTS, x[k + 1 + 2 * columns]).reinterpretAsShorts()));
        d = d.add(n1.mul(IntVector.broadcast(INTS, x[k + 1 + 3 * columns]).reinterpretAsShorts()));
        ShortVector n2 = n.lanewise(LSHR, 8).and(NIBBLE);
        a = a.add(n2.mul(IntVector.broadcast(INTS, x[k + 2]).reinterpretAsShorts()));
        b = b.add(n2.mul(IntVector.broadcast(INTS, x[k + 2 + columns]).reinterpretAsShorts()));
        c = c.add(n2.mul(IntVector.broadcast(INTS, x[k + 2 + 2 * columns]).reinterpretAsShorts()));
        d = d.add(n2.mul(IntVector.broadcast(INTS, x[k + 2 + 3 * columns]).reinterpretAsShorts()));
        ShortVector n3 = n.lanewise(LSHR, 12);
        a = a.add(n3.mul(IntVector.broadcast(INTS, x[k + 3]).reinterpretAsShorts()));
        b = b.add(n3.mul(IntVector.broadcast(INTS, x[k + 3 + columns]).reinterpretAsShorts()));
        c = c.add(n3.mul(IntVector.broadcast(INTS, x[k + 3 + 2 * columns]).reinterpretAsShorts()));
        d = d.add(n3.mul(IntVector.broadcast(INTS, x[k + 3 + 3 * columns]).reinterpretAsShorts()));
      }
      IntVector t = IntVector.fromMemorySegment(INTS, w, at + 8 * BYTES, LE);
      FloatVector t0 =
          t.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      FloatVector t1 = t.lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      IntVector as = a.reinterpretAsInts();
      IntVector as0 = as.lanewise(LSHL, 16).lanewise(ASHR, 16);
      IntVector as1 = as.lanewise(ASHR, 16);
      IntVector bs = b.reinterpretAsInts();
      IntVector bs0 = bs.lanewise(LSHL, 16).lanewise(ASHR, 16);
      IntVector bs1 = bs.lanewise(ASHR, 16);
      IntVector cs = c.reinterpretAsInts();
      IntVector cs0 = cs.lanewise(LSHL, 16).lanewise(ASHR, 16);
      IntVector cs1 = cs.lanewise(ASHR, 16);
      IntVector ds = d.reinterpretAsInts();
      IntVector ds0 = ds.lanewise(LSHL, 16).lanewise(ASHR, 16);
      IntVector ds1 = ds.lanewise(ASHR, 16);
      if (offset) {
        IntVector offsets = IntVector.fromMemorySegment(INTS, w, at + 9 * BYTES, LE);
        FloatVector o0 =
            offsets
                .lanewise(LSHL, 16)
                .lanewise(ASHR, 3)
                .and(HALF)
                .reinterpretAsFloats()
                .mul(HALF_UNIT);
        FloatVector o1 = offsets.lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
        FloatVector asum = FloatVector.broadcast(FLOATS, scales[g] * sums[g]);
        a0 = o0.fma(asum, a0);
        a1 = o1.fma(asum, a1);
        as0 = as0.add(8 * sums[g]);
        as1 = as1.add(8 * sums[g]);
        FloatVector bsum = FloatVector.broadcast(FLOATS, scales[g + groups] * sums[g + groups]);
        b0 = o0.fma(bsum, b0);
        b1 = o1.fma(bsum, b1);
        bs0 = bs0.add(8 * sums[g + groups]);
        bs1 = bs1.add(8 * sums[g + groups]);
        FloatVector csum =
            FloatVector.broadcast(FLOATS, scales[g + 2 * groups] * sums[g + 2 * groups]);
        c0 = o0.fma(csum, c0);
        c1 = o1.fma(csum, c1);
        cs0 = cs0.add(8 * sums[g + 2 * groups]);
        cs1 = cs1.add(8 * sums[g + 2 * groups]);
        FloatVector dsum =
            FloatVector.broadcast(FLOATS, scales[g + 3 * groups] * sums[g + 3 * groups]);
        d0 = o0.fma(dsum, d0);
        d1 = o1.fma(dsum, d1);
        ds0 = ds0.add(8 * sums[g + 3 * groups]);
        ds1 = ds1.add(8 * sums[g + 3 * groups]);
      }
      a0 = ((FloatVector) as0.convert(I2F, 0)).fma(t0.mul(scales[g]), a0);
      a1 = ((FloatVector) as1.convert(I2F, 0)).fma(t1.mul(scales[g]), a1);
      b0 = ((FloatVector) bs0.convert(I2F, 0)).fma(t0.mul(scales[g + groups]), b0);
      b1 = ((FloatVector) bs1.convert(I2F, 0)).fma(t1.mul(scales[g + groups]), b1);
      c0 = ((FloatVector) cs0.convert(I2F, 0)).fma(t0.mul(scales[g + 2 * groups]), c0);
      c1 = ((FloatVector) cs1.convert(I2F, 0)).fma(t1.mul(scales[g + 2 * groups]), c1);
      d0 = ((FloatVector) ds0.convert(I2F, 0)).fma(t0.mul(scales[g + 3 * groups]), d0);
      d1 = ((FloatVector) ds1.convert(I2F, 0)).fma(t1.mul(scales[g + 3 * groups]), d1);
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
  static float oracle(
      MemorySegment w, int row, boolean offset, QuantisedVectors vectors, int m, int lanes) {
    WeightFormat format = offset ? WeightFormat.INT4_OFFSET : WeightFormat.INT4;
    int groups = vectors.columns() / WeightFormat.GROUP;
    byte[] q = new byte[WeightFormat.GROUP];
    float y = 0;
    for (int g = 0; g < groups; g++) {
      int scales = PackedMatrix.read(w, format, vectors.columns(), row, g, lanes, q);
      int at = m * groups + g;
      int sum = 0;
      int total = 0;
      for (int i = 0; i < WeightFormat.GROUP; i++) {
        int x = (short) vectors.values[at * WeightFormat.GROUP + i];
        sum += q[i] * x;
        total += x;
      }
      if (offset) {
        y = Math.fma(Float.float16ToFloat((short) (scales >>> 16)), vectors.scales[at] * total, y);
      }
      y = Math.fma(sum, Float.float16ToFloat((short) scales) * vectors.scales[at], y);
    }
    return y;
  }
}
