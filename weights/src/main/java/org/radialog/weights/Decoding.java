package org.radialog.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Converts stored elements to fp32 and 64-bit integers. The block layouts are those of llama.cpp's
 * {@code ggml-common.h}. Every product and sum is a single fp32 operation, so the values are
 * bit-identical to those of gguf-py (for the K types up to rounding).
 */
final class Decoding {
  /**
   * Number of blocks copied from the file at a time: loops over plain arrays are vectorised, loops
   * over segments may not be.
   */
  private static final int BATCH = 1024;

  private Decoding() {}

  /** Fills {@code out} from {@code bytes}, which contains exactly that many elements. */
  static void floats(DType dtype, MemorySegment bytes, float[] out) {
    switch (dtype) {
      case F32 -> MemorySegment.copy(bytes, Bytes.FLOAT, 0, out, 0, out.length);
      case F64 -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = (float) bytes.get(Bytes.DOUBLE, 8L * i);
        }
      }
      case F16 -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = Float.float16ToFloat(bytes.get(Bytes.SHORT, 2L * i));
        }
      }
      case BF16 -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = Float.intBitsToFloat(bytes.get(Bytes.SHORT, 2L * i) << 16);
        }
      }
      case Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K -> blocks(dtype, bytes, out);
      case I64, I32, I16, I8, U64, U32, U16, U8, BOOL ->
          throw new IllegalArgumentException(dtype + " is integer");
      case FOREIGN ->
          throw new IllegalArgumentException(dtype + " is not supported for computation");
    }
  }

  /** Fills {@code out} from {@code bytes}, which contains exactly that many elements. */
  static void longs(DType dtype, MemorySegment bytes, long[] out) {
    for (int i = 0; i < out.length; i++) {
      out[i] =
          switch (dtype) {
            case I64, U64 -> bytes.get(Bytes.LONG, 8L * i);
            case I32 -> bytes.get(Bytes.INT, 4L * i);
            case U32 -> bytes.get(Bytes.INT, 4L * i) & 0xffffffffL;
            case I16 -> bytes.get(Bytes.SHORT, 2L * i);
            case U16 -> bytes.get(Bytes.SHORT, 2L * i) & 0xffffL;
            case I8 -> bytes.get(ValueLayout.JAVA_BYTE, i);
            case U8, BOOL -> bytes.get(ValueLayout.JAVA_BYTE, i) & 0xffL;
            case F64,
                F32,
                F16,
                BF16,
                Q4_0,
                Q4_1,
                Q5_0,
                Q5_1,
                Q8_0,
                Q2_K,
                Q3_K,
                Q4_K,
                Q5_K,
                Q6_K,
                FOREIGN ->
                throw new IllegalArgumentException(dtype + " is not an integer type");
          };
    }
  }

  private static void blocks(DType dtype, MemorySegment bytes, float[] out) {
    int size = dtype.blockBytes();
    int count = out.length / dtype.blockElements();
    byte[] batch = new byte[Math.min(count, BATCH) * size];
    for (int first = 0; first < count; first += BATCH) {
      int blocks = Math.min(BATCH, count - first);
      MemorySegment.copy(
          bytes, ValueLayout.JAVA_BYTE, (long) first * size, batch, 0, blocks * size);
      int at = first * dtype.blockElements();
      switch (dtype) {
        case Q4_0 -> q4_0(batch, blocks, out, at);
        case Q4_1 -> q4_1(batch, blocks, out, at);
        case Q5_0 -> q5_0(batch, blocks, out, at);
        case Q5_1 -> q5_1(batch, blocks, out, at);
        case Q8_0 -> q8_0(batch, blocks, out, at);
        case Q2_K -> q2_k(batch, blocks, out, at);
        case Q3_K -> q3_k(batch, blocks, out, at);
        case Q4_K -> q4_k(batch, blocks, out, at);
        case Q5_K -> q5_k(batch, blocks, out, at);
        case Q6_K -> q6_k(batch, blocks, out, at);
        case F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL, FOREIGN ->
            throw new IllegalArgumentException(dtype + " has no blocks");
      }
    }
  }

  // 32 elements: half d, then 16 bytes whose low nibbles are elements 0-15, the high ones 16-31.
  private static void q4_0(byte[] in, int blocks, float[] out, int at) {
    for (int b = 0, p = 0, o = at; b < blocks; b++, p += 18, o += 32) {
      float d = half(in, p);
      for (int i = 0; i < 16; i++) {
        int q = in[p + 2 + i];
        out[o + i] = d * ((q & 15) - 8);
        out[o + 16 + i] = d * ((q >> 4 & 15) - 8);
      }
    }
  }

  // Like Q4_0, with a half m after d: d q + m.
  private static void q4_1(byte[] in, int blocks, float[] out, int at) {
    for (int b = 0, p = 0, o = at; b < blocks; b++, p += 20, o += 32) {
      float d = half(in, p);
      float m = half(in, p + 2);
      for (int i = 0; i < 16; i++) {
        int q = in[p + 4 + i];
        out[o + i] = d * (q & 15) + m;
        out[o + 16 + i] = d * (q >> 4 & 15) + m;
      }
    }
  }

  // Like Q4_0, with the fifth bits of the 32 elements in 4 bytes after d.
  private static void q5_0(byte[] in, int blocks, float[] out, int at) {
    for (int b = 0, p = 0, o = at; b < blocks; b++, p += 22, o += 32) {
      float d = half(in, p);
      int high = int32(in, p + 2);
      for (int i = 0; i < 16; i++) {
        int q = in[p + 6 + i];
        out[o + i] = d * (((q & 15) | (high >>> i & 1) << 4) - 16);
        out[o + 16 + i] = d * (((q >> 4 & 15) | (high >>> (i + 16) & 1) << 4) - 16);
      }
    }
  }

  private static void q5_1(byte[] in, int blocks, float[] out, int at) {
    for (int b = 0, p = 0, o = at; b < blocks; b++, p += 24, o += 32) {
      float d = half(in, p);
      float m = half(in, p + 2);
      int high = int32(in, p + 4);
      for (int i = 0; i < 16; i++) {
        int q = in[p + 8 + i];
        out[o + i] = d * ((q & 15) | (high >>> i & 1) << 4) + m;
        out[o + 16 + i] = d * ((q >> 4 & 15) | (high >>> (i + 16) & 1) << 4) + m;
      }
    }
  }

  private static void q8_0(byte[] in, int blocks, float[] out, int at) {
    for (int b = 0, p = 0, o = at; b < blocks; b++, p += 34, o += 32) {
      float d = half(in, p);
      for (int i = 0; i < 32; i++) {
        out[o + i] = d * in[p + 2 + i];
      }
    }
  }

  // 256 elements in 16 groups of 16: 16 bytes (low nibble scale, high nibble minimum), 64 bytes of
  // 2-bit values, halves d and dmin. A half of 128 elements uses 32 bytes, two bits per step.
  private static void q2_k(byte[] in, int blocks, float[] out, int at) {
    for (int b = 0, p = 0, o = at; b < blocks; b++, p += 84) {
      float d = half(in, p + 80);
      float dmin = half(in, p + 82);
      for (int group = 0; group < 16; group++, o += 16) {
        float scale = d * (in[p + group] & 15);
        float minimum = dmin * (in[p + group] >> 4 & 15);
        int quants = p + 16 + 32 * (group / 8) + 16 * (group % 2);
        int shift = group % 8 / 2 * 2;
        for (int i = 0; i < 16; i++) {
          out[o + i] = scale * (in[quants + i] >> shift & 3) - minimum;
        }
      }
    }
  }

  // 256 elements: 32 bytes of high bits, 64 bytes of 2-bit values, 12 bytes of 6-bit scales, half
  // d. A cleared high bit means minus 4.
  private static void q3_k(byte[] in, int blocks, float[] out, int at) {
    for (int b = 0, p = 0, o = at; b < blocks; b++, p += 110) {
      float d = half(in, p + 108);
      for (int group = 0; group < 16; group++, o += 16) {
        int low = in[p + 96 + group % 8] >> (group < 8 ? 0 : 4) & 15;
        int high = in[p + 104 + group % 4] >> (2 * (group / 4)) & 3;
        float scale = d * ((low | high << 4) - 32);
        int quants = p + 32 + 32 * (group / 8) + 16 * (group % 2);
        int masks = p + 16 * (group % 2);
        int shift = group % 8 / 2 * 2;
        for (int i = 0; i < 16; i++) {
          int set = in[masks + i] >> (group / 2) & 1;
          out[o + i] = scale * ((in[quants + i] >> shift & 3) - (1 - set) * 4);
        }
      }
    }
  }

  // 256 elements in 8 groups of 32: halves d and dmin, 12 bytes of 6-bit scales and minima, 128
  // bytes of nibbles (32 bytes hold two groups).
  private static void q4_k(byte[] in, int blocks, float[] out, int at) {
    for (int b = 0, p = 0, o = at; b < blocks; b++, p += 144) {
      float d = half(in, p);
      float dmin = half(in, p + 2);
      for (int group = 0; group < 8; group++, o += 32) {
        float scale = d * scaleK4(in, p + 4, group);
        float minimum = dmin * minimumK4(in, p + 4, group);
        int quants = p + 16 + 32 * (group / 2);
        int shift = 4 * (group % 2);
        for (int i = 0; i < 32; i++) {
          out[o + i] = scale * (in[quants + i] >> shift & 15) - minimum;
        }
      }
    }
  }

  // Like Q4_K, with 32 bytes of fifth bits before the nibbles, one bit of a byte per group.
  private static void q5_k(byte[] in, int blocks, float[] out, int at) {
    for (int b = 0, p = 0, o = at; b < blocks; b++, p += 176) {
      float d = half(in, p);
      float dmin = half(in, p + 2);
      for (int group = 0; group < 8; group++, o += 32) {
        float scale = d * scaleK4(in, p + 4, group);
        float minimum = dmin * minimumK4(in, p + 4, group);
        int quants = p + 48 + 32 * (group / 2);
        int shift = 4 * (group % 2);
        for (int i = 0; i < 32; i++) {
          int high = in[p + 16 + i] >> group & 1;
          out[o + i] = scale * ((in[quants + i] >> shift & 15) | high << 4) - minimum;
        }
      }
    }
  }

  // 256 elements in 16 groups of 16: 128 bytes of low nibbles, 64 bytes of high bit pairs, 16
  // signed scales, half d. A half of 128 elements uses 64 bytes of nibbles and 32 of pairs.
  private static void q6_k(byte[] in, int blocks, float[] out, int at) {
    for (int b = 0, p = 0, o = at; b < blocks; b++, p += 210) {
      float d = half(in, p + 208);
      for (int group = 0; group < 16; group++, o += 16) {
        float scale = d * in[p + 192 + group];
        int nibbles = p + 64 * (group / 8) + 16 * (group % 4);
        int nibbleShift = group % 8 < 4 ? 0 : 4;
        int pairs = p + 128 + 32 * (group / 8) + 16 * (group % 2);
        int pairShift = group % 8 / 2 * 2;
        for (int i = 0; i < 16; i++) {
          int q = (in[nibbles + i] >> nibbleShift & 15) | (in[pairs + i] >> pairShift & 3) << 4;
          out[o + i] = scale * (q - 32);
        }
      }
    }
  }

  private static int scaleK4(byte[] in, int scales, int group) {
    return group < 4
        ? in[scales + group] & 63
        : (in[scales + 4 + group] & 15) | (in[scales + group - 4] >> 6 & 3) << 4;
  }

  private static int minimumK4(byte[] in, int scales, int group) {
    return group < 4
        ? in[scales + 4 + group] & 63
        : (in[scales + 4 + group] >> 4 & 15) | (in[scales + group] >> 6 & 3) << 4;
  }

  private static float half(byte[] in, int p) {
    return Float.float16ToFloat((short) ((in[p] & 0xff) | in[p + 1] << 8));
  }

  private static int int32(byte[] in, int p) {
    return (in[p] & 0xff) | (in[p + 1] & 0xff) << 8 | (in[p + 2] & 0xff) << 16 | in[p + 3] << 24;
  }
}
