package org.radialog.weights;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The location of the elements of a tensor. */
sealed interface Elements {
  /**
   * {@code count} elements starting at the flat row-major index {@code from}, without gaps: a view
   * if they are stored like this. Both are multiples of the block size of the type.
   */
  MemorySegment range(TensorInfo info, long from, long count);

  /** All elements row-major without gaps. */
  default MemorySegment contiguous(TensorInfo info) {
    return range(info, 0, info.elements());
  }

  /** The memory that contains the elements. */
  MemorySegment memory();

  /** Elements that are stored row-major without gaps. */
  record Contiguous(MemorySegment bytes) implements Elements {
    @Override
    public MemorySegment memory() {
      return bytes;
    }

    @Override
    public MemorySegment range(TensorInfo info, long from, long count) {
      long block = info.blockElements();
      long each = info.blockBytes();
      return bytes.asSlice(from / block * each, count / block * each);
    }
  }

  /**
   * Elements scattered over a storage; every element that can be reached is inside it.
   *
   * @param storage the bytes of the whole storage
   * @param offset of the first element, in elements
   * @param stride from one element to the next in each dimension, in elements; 0 repeats
   */
  @SuppressWarnings("ArrayRecordComponent") // not shared
  record Strided(MemorySegment storage, long offset, long[] stride) implements Elements {
    @Override
    public MemorySegment memory() {
      return storage;
    }

    /** Gathers only the range into new native memory, which lives as long as it is referenced. */
    @Override
    public MemorySegment range(TensorInfo info, long from, long count) {
      int each = info.blockBytes();
      long[] shape = info.shape();
      // The innermost dimensions that are contiguous are copied as one run.
      int outer = shape.length;
      long run = 1;
      while (outer > 0 && (shape[outer - 1] == 1 || stride[outer - 1] == run)) {
        run *= shape[--outer];
      }
      long[] index = new long[outer];
      long place = offset;
      long skipped = from / run;
      for (int d = outer - 1; d >= 0; d--) {
        index[d] = skipped % shape[d];
        place += index[d] * stride[d];
        skipped /= shape[d];
      }
      MemorySegment gathered = Arena.ofAuto().allocate(count * each, Long.BYTES);
      long inRun = from % run;
      for (long done = 0; done < count; ) {
        long length = Math.min(run - inRun, count - done);
        MemorySegment.copy(storage, (place + inRun) * each, gathered, done * each, length * each);
        done += length;
        inRun = 0;
        // Advances like an odometer: the innermost dimension first, with a carry to the next.
        for (int d = outer - 1; d >= 0; d--) {
          place += stride[d];
          if (++index[d] < shape[d]) {
            break;
          }
          place -= stride[d] * shape[d];
          index[d] = 0;
        }
      }
      return gathered.asReadOnly();
    }
  }
}
