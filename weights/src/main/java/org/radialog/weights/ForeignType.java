package org.radialog.weights;

import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Element types whose size is known but which are not supported for computation: their tensors are
 * listed, and refused if their values are requested. Blocks are along the innermost dimension.
 */
public enum ForeignType {
  // of safetensors
  F8_E4M3(1, 1),
  F8_E5M2(1, 1),
  F8_E8M0(1, 1),
  F8_E4M3FNUZ(1, 1),
  F8_E5M2FNUZ(1, 1),
  F6_E2M3(4, 3),
  F6_E3M2(4, 3),
  F4(2, 1),
  C64(1, 8),
  C128(1, 16),
  // of GGUF, each with its number
  Q8_1(32, 36, 9),
  Q8_K(256, 292, 15),
  IQ2_XXS(256, 66, 16),
  IQ2_XS(256, 74, 17),
  IQ3_XXS(256, 98, 18),
  IQ1_S(256, 50, 19),
  IQ4_NL(32, 18, 20),
  IQ3_S(256, 110, 21),
  IQ2_S(256, 82, 22),
  IQ4_XS(256, 136, 23),
  IQ1_M(256, 56, 29),
  TQ1_0(256, 54, 34),
  TQ2_0(256, 66, 35),
  MXFP4(32, 17, 39),
  NVFP4(64, 36, 40),
  Q1_0(128, 18, 41);

  private final int blockElements;
  private final int blockBytes;
  private final OptionalInt gguf;

  ForeignType(int blockElements, int blockBytes) {
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
    this.gguf = OptionalInt.empty();
  }

  ForeignType(int blockElements, int blockBytes, int gguf) {
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
    this.gguf = OptionalInt.of(gguf);
  }

  /** Elements of one block. */
  int blockElements() {
    return blockElements;
  }

  /** Bytes of one block. */
  int blockBytes() {
    return blockBytes;
  }

  /** The type with this name in safetensors headers. */
  static Optional<ForeignType> ofSafetensors(String name) {
    return Arrays.stream(values())
        .filter(type -> type.gguf.isEmpty() && type.name().equals(name))
        .findFirst();
  }

  /** The type with this number in GGUF's {@code ggml_type}. */
  static Optional<ForeignType> ofGguf(int number) {
    return Arrays.stream(values())
        .filter(type -> type.gguf.equals(OptionalInt.of(number)))
        .findFirst();
  }
}
