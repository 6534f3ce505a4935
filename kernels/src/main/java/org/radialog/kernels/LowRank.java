package org.radialog.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import org.radialog.base.RadialogException;

/**
 * A product of two thin fp32 matrices that is added to a {@link PackedMatrix}: {@code y += B (A
 * x)}, that is, LoRA's {@code scale · B A} with the scale included in B. A is [r, C], B is [R, r].
 *
 * <p>Memory layout: Aᵀ [C, r'] with r padded to whole vectors of floats, then B in blocks of {@link
 * PackedMatrix#LANES} rows, each [r, LANES]. Immutable; safe for several threads as long as its
 * memory is open.
 */
public final class LowRank {
  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LE);
  private static final int STEP = PackedMatrix.FLOATS.length();

  private final MemorySegment bytes;
  private final int rank;
  private final int rows;
  private final int columns;

  /**
   * A pair in memory that was written by {@link #pack} on a machine with the same {@link
   * PackedMatrix#LANES}.
   *
   * @throws RadialogException if {@code bytes} does not have that size
   */
  public LowRank(MemorySegment bytes, int rank, int rows, int columns) {
    long expected = bytes(rank, rows, columns);
    if (bytes.byteSize() != expected) {
      throw new RadialogException(
          "low-rank pair of rank %d, %d x %d: expected %d bytes, found %d"
              .formatted(rank, rows, columns, expected, bytes.byteSize()));
    }
    this.bytes = bytes;
    this.rank = rank;
    this.rows = rows;
    this.columns = columns;
  }

  /** Number of bytes of a pair. */
  public static long bytes(int rank, int rows, int columns) {
    return Float.BYTES
        * ((long) columns * padded(rank, STEP) + (long) padded(rows, PackedMatrix.LANES) * rank);
  }

  /**
   * Lays out a pair in memory.
   *
   * @param a [r, C] row-major
   * @param b [R, r] row-major
   * @param scale factor of the product
   * @param to {@link #bytes(int, int, int)} bytes, overwritten
   */
  public static void pack(
      float[] a, float[] b, double scale, int rank, int rows, int columns, MemorySegment to) {
    int width = padded(rank, STEP);
    for (int c = 0; c < columns; c++) {
      for (int j = 0; j < width; j++) {
        to.setAtIndex(FLOAT, (long) c * width + j, j < rank ? a[j * columns + c] : 0);
      }
    }
    long start = (long) columns * width;
    int lanes = PackedMatrix.LANES;
    for (int r = 0; r < padded(rows, lanes); r++) {
      for (int j = 0; j < rank; j++) {
        to.setAtIndex(
            FLOAT,
            start + ((long) (r / lanes) * rank + j) * lanes + r % lanes,
            r < rows ? (float) (b[r * rank + j] * scale) : 0);
      }
    }
  }

  /**
   * A pair of this rank for one block of rows and {@code count} columns in the first bytes of this
   * one. Its values are meaningless; it is used to warm up code that reads such pairs.
   */
  public LowRank corner(int count) {
    int fewer = Math.min(count, columns);
    MemorySegment first = bytes.asSlice(0, bytes(rank, Math.min(PackedMatrix.LANES, rows), fewer));
    return new LowRank(first, rank, Math.min(PackedMatrix.LANES, rows), fewer);
  }

  /** Aᵀ in memory: fp32 [C, {@link #width}] row-major, zero beyond the rank. */
  public MemorySegment down() {
    return bytes.asSlice(0, (long) columns * width() * Float.BYTES);
  }

  /**
   * The scaled B in memory: fp32 [blocks of rows, r, {@link PackedMatrix#LANES}], zero beyond R.
   */
  public MemorySegment up() {
    return bytes.asSlice((long) columns * width() * Float.BYTES);
  }

  /** r, the rank. */
  public int rank() {
    return rank;
  }

  /** Number of floats of the hidden vector {@code A x}: the rank, padded. */
  public int width() {
    return padded(rank, STEP);
  }

  /**
   * {@code hidden[from …] = A x}, summed in a fixed order.
   *
   * @param x [C]
   * @param hidden {@link #width} values are overwritten
   */
  public void down(float[] x, float[] hidden, int from) {
    int width = width();
    for (int j = 0; j < width; j += STEP) {
      // four chains, because a single one would wait for its own result
      FloatVector s0 = FloatVector.zero(PackedMatrix.FLOATS);
      FloatVector s1 = s0;
      FloatVector s2 = s0;
      FloatVector s3 = s0;
      long at = (long) j * Float.BYTES;
      long row = (long) width * Float.BYTES;
      for (int c = 0; c < columns; c += 4, at += 4 * row) {
        s0 =
            FloatVector.fromMemorySegment(PackedMatrix.FLOATS, bytes, at, LE)
                .fma(FloatVector.broadcast(PackedMatrix.FLOATS, x[c]), s0);
        s1 =
            FloatVector.fromMemorySegment(PackedMatrix.FLOATS, bytes, at + row, LE)
                .fma(FloatVector.broadcast(PackedMatrix.FLOATS, x[c + 1]), s1);
        s2 =
            FloatVector.fromMemorySegment(PackedMatrix.FLOATS, bytes, at + 2 * row, LE)
                .fma(FloatVector.broadcast(PackedMatrix.FLOATS, x[c + 2]), s2);
        s3 =
            FloatVector.fromMemorySegment(PackedMatrix.FLOATS, bytes, at + 3 * row, LE)
                .fma(FloatVector.broadcast(PackedMatrix.FLOATS, x[c + 3]), s3);
      }
      s0.add(s1).add(s2.add(s3)).intoArray(hidden, from + j);
    }
  }

  /**
   * {@code y[r] += (B hidden)[r]} for some blocks of rows.
   *
   * @param hidden the result of {@link #down}
   * @param firstBlock the first block of {@link PackedMatrix#LANES} rows
   * @param endBlock one past the last
   * @param y at least [R]
   */
  public void up(float[] hidden, int from, int firstBlock, int endBlock, float[] y) {
    int lanes = PackedMatrix.LANES;
    for (int b = firstBlock; b < endBlock; b++) {
      int row = b * lanes;
      if (row + lanes <= rows) {
        up(hidden, from, b, y, row);
      } else {
        float[] padded = new float[lanes];
        System.arraycopy(y, row, padded, 0, rows - row);
        up(hidden, from, b, padded, 0);
        System.arraycopy(padded, 0, y, row, rows - row);
      }
    }
  }

  private void up(float[] hidden, int from, int block, float[] y, int row) {
    long at = ((long) columns * width() + (long) block * rank * PackedMatrix.LANES) * Float.BYTES;
    FloatVector y0 = FloatVector.fromArray(PackedMatrix.FLOATS, y, row);
    FloatVector y1 = FloatVector.fromArray(PackedMatrix.FLOATS, y, row + STEP);
    for (int j = 0; j < rank; j++, at += 2L * STEP * Float.BYTES) {
      FloatVector h = FloatVector.broadcast(PackedMatrix.FLOATS, hidden[from + j]);
      y0 = FloatVector.fromMemorySegment(PackedMatrix.FLOATS, bytes, at, LE).fma(h, y0);
      y1 =
          FloatVector.fromMemorySegment(
                  PackedMatrix.FLOATS, bytes, at + (long) STEP * Float.BYTES, LE)
              .fma(h, y1);
    }
    y0.intoArray(y, row);
    y1.intoArray(y, row + STEP);
  }

  /** The scalar reference: {@code (B (A x))[row]} in double precision. */
  double oracle(float[] x, int row) {
    int lanes = PackedMatrix.LANES;
    double y = 0;
    for (int j = 0; j < rank; j++) {
      double h = 0;
      for (int c = 0; c < columns; c++) {
        h += (double) bytes.getAtIndex(FLOAT, (long) c * width() + j) * x[c];
      }
      long b = (long) columns * width() + ((long) (row / lanes) * rank + j) * lanes + row % lanes;
      y += bytes.getAtIndex(FLOAT, b) * h;
    }
    return y;
  }

  private static int padded(int n, int step) {
    return (n + step - 1) / step * step;
  }
}
