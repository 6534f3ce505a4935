package org.radialog.kernels;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static org.radialog.kernels.PackedMatrix.INTS;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Converts one block of rows of a {@link PackedMatrix} to bfloat16, rounded to nearest even: column
 * c of the block becomes one vector, with lanes in the order of the block.
 *
 * <p>An int contains two neighbouring lanes. Each half is converted to a float separately, and the
 * two bfloat16 values are combined in one int again. Each conversion is a single method, for the
 * reason given in {@link Int4}.
 */
final class Dequantisation {
  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
  private static final long BYTES = PackedMatrix.VECTOR_BYTES;
  // An f16 as an int: its sign, exponent and significand, shifted right by 3 from the upper half.
  private static final int HALF = 0x8fffe000;
  // The difference of the exponent biases of fp32 and f16, as a factor.
  private static final float HALF_UNIT = 0x1p112f;
  private static final int UPPER = 0xffff0000;
  private static final int ROUND = 0x7fff;

  private Dequantisation() {}

  /**
   * 4 bits: {@code d (u − 8)}, or {@code d u + m} with an offset.
   *
   * @param stride bytes from one column to the next in {@code to}
   */
  static void four(
      MemorySegment w,
      long at,
      boolean offset,
      int groups,
      MemorySegment to,
      long out,
      long stride) {
    long block = offset ? 10 * BYTES : 9 * BYTES;
    for (int g = 0; g < groups; g++, at += block) {
      IntVector t = IntVector.fromMemorySegment(INTS, w, at + 8 * BYTES, LE);
      FloatVector d0 =
          t.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      FloatVector d1 = t.lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      FloatVector m0;
      FloatVector m1;
      if (offset) {
        IntVector o = IntVector.fromMemorySegment(INTS, w, at + 9 * BYTES, LE);
        m0 = o.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
        m1 = o.lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      } else {
        m0 = d0.mul(-8f);
        m1 = d1.mul(-8f);
      }
      for (int v = 0; v != 8; v++) {
        IntVector n = IntVector.fromMemorySegment(INTS, w, at + v * BYTES, LE);
        for (int shift = 0; shift != 16; shift += 4, out += stride) {
          IntVector lower = n.lanewise(LSHR, shift).and(15);
          IntVector upper = n.lanewise(LSHR, shift + 16).and(15);
          IntVector x0 = ((FloatVector) lower.convert(I2F, 0)).fma(d0, m0).reinterpretAsInts();
          IntVector x1 = ((FloatVector) upper.convert(I2F, 0)).fma(d1, m1).reinterpretAsInts();
          x0 = x0.add(x0.lanewise(LSHR, 16).and(1).add(ROUND)).lanewise(LSHR, 16);
          x1 = x1.add(x1.lanewise(LSHR, 16).and(1).add(ROUND)).and(UPPER);
          x0.or(x1).intoMemorySegment(to, out, LE);
        }
      }
    }
  }

  /** 8 bits: {@code d (u − 128)}. */
  static void eight(MemorySegment w, long at, int groups, MemorySegment to, long out, long stride) {
    for (int g = 0; g < groups; g++, at += 17 * BYTES) {
      IntVector t = IntVector.fromMemorySegment(INTS, w, at + 16 * BYTES, LE);
      FloatVector d0 =
          t.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      FloatVector d1 = t.lanewise(ASHR, 3).and(HALF).reinterpretAsFloats().mul(HALF_UNIT);
      FloatVector m0 = d0.mul(-128f);
      FloatVector m1 = d1.mul(-128f);
      for (int v = 0; v != 16; v++) {
        IntVector n = IntVector.fromMemorySegment(INTS, w, at + v * BYTES, LE);
        for (int shift = 0; shift != 16; shift += 8, out += stride) {
          IntVector lower = n.lanewise(LSHR, shift).and(255);
          IntVector upper = n.lanewise(LSHR, shift + 16).and(255);
          IntVector x0 = ((FloatVector) lower.convert(I2F, 0)).fma(d0, m0).reinterpretAsInts();
          IntVector x1 = ((FloatVector) upper.convert(I2F, 0)).fma(d1, m1).reinterpretAsInts();
          x0 = x0.add(x0.lanewise(LSHR, 16).and(1).add(ROUND)).lanewise(LSHR, 16);
          x1 = x1.add(x1.lanewise(LSHR, 16).and(1).add(ROUND)).and(UPPER);
          x0.or(x1).intoMemorySegment(to, out, LE);
        }
      }
    }
  }
}
