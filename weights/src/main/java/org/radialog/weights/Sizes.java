package org.radialog.weights;

import java.nio.file.Path;

/** Computes sizes from headers and refuses those that overflow. */
final class Sizes {
  private Sizes() {}

  /** The number of bytes of a tensor whose rows are whole blocks. */
  static long bytes(Path file, TensorInfo info) {
    try {
      long[] shape = info.shape();
      int block = info.blockElements();
      long innermost = shape.length == 0 ? 1 : shape[shape.length - 1];
      if (innermost % block != 0) {
        throw new WeightsRefused(
            file,
            "tensor "
                + info
                + " has rows of "
                + innermost
                + " elements, not a multiple of "
                + block);
      }
      return info.bytes();
    } catch (ArithmeticException e) {
      throw new WeightsRefused(file, "tensor " + info + " has more than 2^63 bytes", e);
    }
  }
}
