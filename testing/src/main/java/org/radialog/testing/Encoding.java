package org.radialog.testing;

import java.nio.ByteBuffer;
import org.radialog.weights.DType;

/** Encodes fp32 values as stored elements; block types are quantised as in llama.cpp. */
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

  // Rounds to nearest, ties to even; weights are finite.
  private static short bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    return (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
  }

  // Half-precision d, then 32 signed bytes q with value d q.
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
          (byte)
              (scaled
                  + Math.copySign(0.5f, scaled))); // rounds half away from zero, like roundf in C
    }
  }

  // Half-precision d, then 16 bytes whose low nibbles are the first 16 elements, with value d (q -
  // 8). The
  // element of largest magnitude, of either sign, is exactly -8 d.
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
