package org.radialog.weights;

import java.lang.foreign.Arena;
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

  /**
   * Scattered over a storage, of which every element that is reached is inside.
   *
   * @param offset of the first element, in elements
   * @param stride from one element to the next of each dimension, in elements; 0 repeats
   */
  @SuppressWarnings("ArrayRecordComponent") // not shared
  record Strided(MemorySegment storage, long offset, long[] stride) implements Elements {
    /** Gathers into new native memory, which lives as long as it is referred to. */
    @Override
    public MemorySegment contiguous(TensorInfo info) {
      int each = info.dtype().blockBytes();
      long[] shape = info.shape();
      MemorySegment gathered = Arena.ofAuto().allocate(info.bytes(), Long.BYTES);
      long[] index = new long[shape.length];
      long from = offset;
      long elements = info.elements();
      for (long to = 0; to < elements; to++) {
        MemorySegment.copy(storage, from * each, gathered, to * each, each);
        // Step as an odometer: the innermost dimension first, with a carry to the next.
        for (int d = shape.length - 1; d >= 0; d--) {
          from += stride[d];
          if (++index[d] < shape[d]) {
            break;
          }
          from -= stride[d] * shape[d];
          index[d] = 0;
        }
      }
      return gathered.asReadOnly();
    }
  }
}
