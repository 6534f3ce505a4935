package org.radialog.testing;

import java.nio.ByteBuffer;
import org.radialog.weights.DType;

/** Turns fp32 into stored elements; the blocks are quantised as llama.cpp does. */
final class Encoding {
  private Encoding() {}

  static void put(DType dtype, float[] values, ByteBuffer out) {
    switch (dtype) {
      case F32 -> {
        out.asFloatBuffer().put(values);
        out.position(out.position() + Float.BYTES * values.length);
      }
      case F16 -> {
        for (float value : values) {
          out.putShort(Float.floatToFloat16(value));
        }
      }
      case BF16 -> {
        for (float value : values) {
          out.putShort(bfloat16(value));
        }
      }
      case Q8_0 -> {
        for (int block = 0; block < values.length; block += 32) {
          q8(values, block, out);
        }
      }
      case Q4_0 -> {
        for (int block = 0; block < values.length; block += 32) {
          q4(values, block, out);
        }
      }
      case F64,
          I64,
          I32,
          I16,
          I8,
          U64,
          U32,
          U16,
          U8,
          BOOL,
          Q4_1,
          Q5_0,
          Q5_1,
          Q2_K,
          Q3_K,
          Q4_K,
          Q5_K,
          Q6_K,
          FOREIGN ->
          throw new IllegalArgumentException("floats are not written as " + dtype);
    }
  }

  // To nearest, ties to even; weights are finite.
  private static short bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    return (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
  }

  // Half d, then 32 signed bytes q: d q.
  private static void q8(float[] values, int block, ByteBuffer out) {
    float largest = 0;
    for (int i = 0; i < 32; i++) {
      largest = Math.max(largest, Math.abs(values[block + i]));
    }
    float d = largest / 127;
    float inverse = d == 0 ? 0 : 1 / d;
    out.putShort(Float.floatToFloat16(d));
    for (int i = 0; i < 32; i++) {
      float scaled = values[block + i] * inverse;
      out.put(
          (byte) (scaled + Math.copySign(0.5f, scaled))); // halves away from zero, as C's roundf
    }
  }

  // Half d, then 16 bytes: the low nibbles are the first 16 elements. d (q - 8), so that the
  // element of largest magnitude, whatever its sign, is -8 d exactly.
  private static void q4(float[] values, int block, ByteBuffer out) {
    float extreme = 0;
    for (int i = 0; i < 32; i++) {
      float value = values[block + i];
      extreme = Math.abs(value) > Math.abs(extreme) ? value : extreme;
    }
    float d = extreme / -8;
    float inverse = d == 0 ? 0 : 1 / d;
    out.putShort(Float.floatToFloat16(d));
    for (int i = 0; i < 16; i++) {
      int low = nibble(values[block + i] * inverse);
      int high = nibble(values[block + 16 + i] * inverse);
      out.put((byte) (low | high << 4));
    }
  }

  private static int nibble(float scaled) {
    return Math.min(15, (int) (scaled + 8.5f));
  }
}
