package org.radialog.kernels;

/** The storage format of the 32 weights of one row and group in a {@link PackedMatrix}. */
public enum WeightFormat {
  /** d · q, q from −8 to 7, d f16: 18 bytes. */
  INT4(16, 1),
  /** d · q + m, q from 0 to 15, d and m f16: 20 bytes; identical to GGUF's Q4_1. */
  INT4_OFFSET(16, 2),
  /** d · q, q from −128 to 127, d f16: 34 bytes; identical to GGUF's Q8_0. */
  INT8(32, 1);

  /** Columns that share a scale. */
  public static final int GROUP = 32;

  private final int quantBytes;
  private final int scales;

  WeightFormat(int quantBytes, int scales) {
    this.quantBytes = quantBytes;
    this.scales = scales;
  }

  /** Bytes of the quantised values of one row and group. */
  int quantBytes() {
    return quantBytes;
  }

  /** Bytes of one row and group. */
  int groupBytes() {
    return quantBytes + scales * Short.BYTES;
  }

  /** Whether there is an f16 offset in addition to the scale. */
  boolean offset() {
    return scales == 2;
  }

  /** Smallest quantised value. */
  int least() {
    return switch (this) {
      case INT4 -> -8;
      case INT4_OFFSET -> 0;
      case INT8 -> -128;
    };
  }

  /** Largest quantised value. */
  int greatest() {
    return switch (this) {
      case INT4 -> 7;
      case INT4_OFFSET -> 15;
      case INT8 -> 127;
    };
  }
}
