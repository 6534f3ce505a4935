package org.radialog.weights;

import java.util.Optional;

/**
 * The element types of checkpoint files. Plain types have one element per block; the {@code Q}
 * types are GGUF's quantised blocks along the innermost dimension.
 */
public enum DType {
  F64(Kind.FLOAT, 1, 8),
  F32(Kind.FLOAT, 1, 4),
  F16(Kind.FLOAT, 1, 2),
  BF16(Kind.FLOAT, 1, 2),
  I64(Kind.INTEGER, 1, 8),
  I32(Kind.INTEGER, 1, 4),
  I16(Kind.INTEGER, 1, 2),
  I8(Kind.INTEGER, 1, 1),
  U64(Kind.INTEGER, 1, 8),
  U32(Kind.INTEGER, 1, 4),
  U16(Kind.INTEGER, 1, 2),
  U8(Kind.INTEGER, 1, 1),
  BOOL(Kind.INTEGER, 1, 1),
  Q4_0(Kind.QUANTISED, 32, 18),
  Q4_1(Kind.QUANTISED, 32, 20),
  Q5_0(Kind.QUANTISED, 32, 22),
  Q5_1(Kind.QUANTISED, 32, 24),
  Q8_0(Kind.QUANTISED, 32, 34),
  Q2_K(Kind.QUANTISED, 256, 84),
  Q3_K(Kind.QUANTISED, 256, 110),
  Q4_K(Kind.QUANTISED, 256, 144),
  Q5_K(Kind.QUANTISED, 256, 176),
  Q6_K(Kind.QUANTISED, 256, 210),
  /** A {@link ForeignType}, which defines the size. */
  FOREIGN(Kind.FOREIGN, 1, 0);

  private enum Kind {
    FLOAT,
    INTEGER,
    QUANTISED,
    FOREIGN
  }

  private final Kind kind;
  private final int blockElements;
  private final int blockBytes;

  DType(Kind kind, int blockElements, int blockBytes) {
    this.kind = kind;
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  /** Elements of one block; 1 for plain types. */
  public int blockElements() {
    return blockElements;
  }

  /** Bytes of one block; of one element for plain types. */
  public int blockBytes() {
    return blockBytes;
  }

  /** Whether the values are individual floating-point numbers. */
  public boolean floating() {
    return kind == Kind.FLOAT;
  }

  /** Whether the values are integers or booleans. */
  public boolean integer() {
    return kind == Kind.INTEGER;
  }

  /** Whether the values are blocks of small integers with shared scales. */
  public boolean quantised() {
    return kind == Kind.QUANTISED;
  }

  /** {@code value} as BF16: the upper half of its bits, rounded to nearest even. */
  public static short bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40); // keeps a NaN that is encoded only in the low bits
    }
    return (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
  }

  /** The type with this name in safetensors headers; empty for the block types of GGUF. */
  static Optional<DType> ofSafetensors(String name) {
    for (DType dtype : values()) {
      if ((dtype.floating() || dtype.integer()) && dtype.name().equals(name)) {
        return Optional.of(dtype);
      }
    }
    return Optional.empty();
  }

  /** The type with this unsigned number in GGUF's {@code ggml_type}. */
  static Optional<DType> ofGguf(int number) {
    return switch (number) {
      case 0 -> Optional.of(F32);
      case 1 -> Optional.of(F16);
      case 2 -> Optional.of(Q4_0);
      case 3 -> Optional.of(Q4_1);
      case 6 -> Optional.of(Q5_0);
      case 7 -> Optional.of(Q5_1);
      case 8 -> Optional.of(Q8_0);
      case 10 -> Optional.of(Q2_K);
      case 11 -> Optional.of(Q3_K);
      case 12 -> Optional.of(Q4_K);
      case 13 -> Optional.of(Q5_K);
      case 14 -> Optional.of(Q6_K);
      case 24 -> Optional.of(I8);
      case 25 -> Optional.of(I16);
      case 26 -> Optional.of(I32);
      case 27 -> Optional.of(I64);
      case 28 -> Optional.of(F64);
      case 30 -> Optional.of(BF16);
      default -> Optional.empty();
    };
  }
}
