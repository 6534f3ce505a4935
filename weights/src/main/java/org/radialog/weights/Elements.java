package org.radialog.weights;

import java.lang.foreign.MemorySegment;

/** Where the elements of a tensor lie. */
sealed interface Elements {
  /** The elements row-major without gaps. */
  MemorySegment contiguous(TensorInfo info);

  /** Row-major without gaps in the file already. */
  record Contiguous(MemorySegment bytes) implements Elements {
    @Override
    public MemorySegment contiguous(TensorInfo info) {
      return bytes;
    }
  }
}
