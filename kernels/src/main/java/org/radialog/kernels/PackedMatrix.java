package org.radialog.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorSpecies;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * A quantised weight matrix [R, C] in the layout that the kernels read: blocks of L rows × one
 * group of 32 columns, where L is the number of shorts in a vector of this machine (32 at 512
 * bits). All groups of a block's rows lie in a row, so a block of rows is read from front to back.
 *
 * <pre>
 *   block (4 bits):  8 vectors, lane l of vector v = columns 4v … 4v+3 of its row, lowest nibble first
 *   block (8 bits): 16 vectors, lane l of vector v = columns 2v, 2v+1 of its row, plus 128
 *   then               1 vector of f16 scales, and with an offset one of f16 offsets
 *   lane l:            row l/2 for even l, row L/2 + l/2 for odd l: its two halves as ints are rows 0 … L/2−1
 *                      and L/2 … L−1
 * </pre>
 *
 * <p>4-bit values are stored as q + 8 (with an offset as q), so every nibble is unsigned. Rows are
 * padded with zeros to whole blocks. At 512 bits a block without offset has 576 bytes and, aligned
 * to 64, no load straddles a cache line. Packed bytes depend on {@link #LANES}: a file of them
 * notes it.
 *
 * <p>Immutable; safe for several threads as long as its memory is open.
 */
public final class PackedMatrix {
  static final VectorSpecies<Short> SHORTS = ShortVector.SPECIES_PREFERRED;
  static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;

  /** Bytes of a vector of this machine: the alignment that packed memory should have. */
  public static final int VECTOR_BYTES = SHORTS.vectorByteSize();

  /** L: number of rows in a block on this machine. */
  public static final int LANES = SHORTS.length();

  private static final int CACHE_LINE = 64;
  private static final int TOUCHED = 64 * CACHE_LINE; // larger pieces would make other members wait

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final MemorySegment bytes;
  private final WeightFormat format;
  private final int rows;
  private final int columns;

  /**
   * A matrix in memory that was written by {@link #pack} on a machine with the same {@link #LANES}.
   *
   * @param bytes {@link #bytes(WeightFormat, int, int)} bytes, preferably aligned to {@link
   *     #VECTOR_BYTES}
   * @throws RadialogException if their number is different
   */
  public PackedMatrix(MemorySegment bytes, WeightFormat format, int rows, int columns) {
    long expected = bytes(format, rows, columns);
    if (bytes.byteSize() != expected) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "packed matrix of %d x %d, %s: expected %d bytes, found %d"
              .formatted(rows, columns, format, expected, bytes.byteSize()));
    }
    this.bytes = bytes;
    this.format = format;
    this.rows = rows;
    this.columns = columns;
  }

  /**
   * Number of bytes of a matrix.
   *
   * @throws RadialogException if there are no rows or the columns are not in groups of 32
   */
  public static long bytes(WeightFormat format, int rows, int columns) {
    return bytes(format, rows, columns, LANES);
  }

  static long bytes(WeightFormat format, int rows, int columns, int lanes) {
    if (rows < 1 || columns < 1 || columns % WeightFormat.GROUP != 0) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          ("packed matrix: expected at least one row and columns in groups of %d, found"
                  + " %d x %d")
              .formatted(WeightFormat.GROUP, rows, columns));
    }
    long paddedRows = ((long) rows + lanes - 1) / lanes * lanes;
    return Math.multiplyExact(
        paddedRows * (columns / WeightFormat.GROUP), (long) format.groupBytes());
  }

  /**
   * Interleaves {@code source}.
   *
   * @param to {@link #bytes(WeightFormat, int, int)} bytes, overwritten
   * @throws RadialogException if a scale or offset is not finite
   */
  public static void pack(QuantisedRows source, MemorySegment to) {
    pack(source, to, LANES);
  }

  static void pack(QuantisedRows source, MemorySegment to, int lanes) {
    WeightFormat format = source.format();
    int groups = source.columns() / WeightFormat.GROUP;
    int vectorBytes = lanes * Short.BYTES;
    int blockBytes = lanes * format.groupBytes();
    byte[] row = new byte[WeightFormat.GROUP];
    byte[] none = new byte[WeightFormat.GROUP]; // a padding row: zeros with scale zero
    for (int r = 0; r < (source.rows() + lanes - 1) / lanes * lanes; r++) {
      boolean padding = r >= source.rows();
      long lane = lane(r % lanes, lanes);
      for (int g = 0; g < groups; g++) {
        int scales = padding ? 0 : source.read(r, g, row);
        long block = ((long) (r / lanes) * groups + g) * blockBytes + lane * Short.BYTES;
        pack(format, padding ? none : row, to, block, vectorBytes);
        long at = block + (long) format.quantBytes() / Short.BYTES * vectorBytes;
        to.set(SHORT, at, checked((short) scales, r, g));
        if (format.offset()) {
          to.set(SHORT, at + vectorBytes, checked((short) (scales >>> 16), r, g));
        }
      }
    }
  }

  private static void pack(
      WeightFormat format, byte[] q, MemorySegment to, long at, int vectorBytes) {
    switch (format) {
      case INT4, INT4_OFFSET -> {
        int bias = format == WeightFormat.INT4 ? 8 : 0;
        for (int v = 0; v < 8; v++) {
          int nibbles = 0;
          for (int i = 3; i >= 0; i--) {
            nibbles = (nibbles << 4) | ((q[4 * v + i] + bias) & 15);
          }
          to.set(SHORT, at + (long) v * vectorBytes, (short) nibbles);
        }
      }
      case INT8 -> {
        for (int v = 0; v < 16; v++) {
          int pair = ((q[2 * v] + 128) & 255) | (((q[2 * v + 1] + 128) & 255) << 8);
          to.set(SHORT, at + (long) v * vectorBytes, (short) pair);
        }
      }
    }
  }

  private static short checked(short half, int row, int group) {
    if ((half & 0x7c00) == 0x7c00) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "quantised matrix: the scale of row %d, group %d is not finite".formatted(row, group));
    }
    return half;
  }

  /** The lane of row {@code r} of a block. */
  static int lane(int r, int lanes) {
    return r < lanes / 2 ? 2 * r : 2 * (r - lanes / 2) + 1;
  }

  /** The storage format of the weights. */
  public WeightFormat format() {
    return format;
  }

  /** R, outputs. */
  public int rows() {
    return rows;
  }

  /** C, inputs. */
  public int columns() {
    return columns;
  }

  /**
   * Number of blocks of {@link #LANES} rows, the last of which may be padded: the unit of work that
   * is shared between threads.
   */
  public int blocks() {
    return (rows + LANES - 1) / LANES;
  }

  /**
   * A matrix of one block of rows and {@code count} columns in the first bytes of this one. Its
   * values are meaningless; it is used to warm up code that reads matrices.
   */
  public PackedMatrix corner(int count) {
    MemorySegment first = bytes.asSlice(0, bytes(format, LANES, Math.min(count, columns)));
    return new PackedMatrix(first, format, LANES, Math.min(count, columns));
  }

  /** The packed bytes. */
  public MemorySegment bytes() {
    return bytes;
  }

  /**
   * Reads the beginning of a block, so that {@link #multiply} finds it in the processor cache and
   * the prefetcher is already active.
   *
   * @return a meaningless value that must be used, otherwise the read is optimised away
   */
  public int touch(int block) {
    long at = block * blockBytes();
    long end = Math.min(bytes.byteSize(), at + TOUCHED);
    int sum = 0;
    for (; at < end; at += CACHE_LINE) {
      sum += bytes.get(ValueLayout.JAVA_BYTE, at);
    }
    return sum;
  }

  /**
   * Multiplies some blocks of rows with the first {@code count} vectors of {@code x}: {@code
   * y[m][r] = Σ_c w[r,c] · x[m,c]}.
   *
   * @param firstBlock the first block of rows
   * @param endBlock one past the last
   * @param y {@code count} arrays of at least R values; only the rows of these blocks are
   *     overwritten
   * @throws IllegalArgumentException if {@code x} has another width
   */
  public void multiply(QuantisedVectors x, int count, int firstBlock, int endBlock, float[][] y) {
    if (x.columns() != columns) {
      throw new IllegalArgumentException(
          "a matrix of " + columns + " columns cannot take vectors of " + x.columns());
    }
    long blockBytes = blockBytes();
    for (int b = firstBlock; b < endBlock; b++) {
      int row = b * LANES;
      if (row + LANES <= rows) {
        multiply(x, count, b * blockBytes, y, row);
      } else {
        float[][] padded = new float[count][LANES];
        multiply(x, count, b * blockBytes, padded, 0);
        for (int m = 0; m < count; m++) {
          System.arraycopy(padded[m], 0, y[m], row, rows - row);
        }
      }
    }
  }

  private long blockBytes() {
    return (long) LANES * format.groupBytes() * (columns / WeightFormat.GROUP);
  }

  private void multiply(QuantisedVectors x, int count, long at, float[][] y, int row) {
    int m = 0;
    switch (format) {
      case INT4, INT4_OFFSET -> {
        boolean offset = format.offset();
        for (; m + 4 <= count; m += 4) {
          Int4.four(bytes, at, offset, x, m, y, row);
        }
        if (m + 2 <= count) {
          Int4.two(bytes, at, offset, x, m, y[m], y[m + 1], row);
          m += 2;
        }
        if (m < count) {
          Int4.one(bytes, at, offset, x, m, y[m], row);
        }
      }
      case INT8 -> {
        for (; m + 4 <= count; m += 4) {
          Int8.four(bytes, at, x, m, y, row);
        }
        if (m + 3 == count) {
          Int8.three(bytes, at, x, m, y, row);
          m += 3;
        }
        if (m + 2 == count) {
          Int8.two(bytes, at, x, m, y[m], y[m + 1], row);
          m += 2;
        }
        if (m < count) {
          Int8.one(bytes, at, x, m, y[m], row);
        }
      }
    }
  }

  /**
   * Converts one block of rows to bfloat16, rounded to nearest even and transposed: column c
   * becomes {@link #LANES} values at {@code at + c · stride} of {@code to}, with rows in the order
   * of lanes (value l is row l/2 of the block for even l, row L/2 + l/2 for odd l) and zeros for
   * rows beyond R. It is used for products with many vectors, which a tensor library computes.
   *
   * @param to little-endian bfloat16
   * @param at bytes from its beginning
   * @param stride bytes from one column to the next
   */
  public void bfloat16(int block, MemorySegment to, long at, long stride) {
    int groups = columns / WeightFormat.GROUP;
    long from = block * blockBytes();
    switch (format) {
      case INT4, INT4_OFFSET ->
          Dequantisation.four(bytes, from, format.offset(), groups, to, at, stride);
      case INT8 -> Dequantisation.eight(bytes, from, groups, to, at, stride);
    }
  }

  /**
   * Row {@code row} with the values that the kernels use, in fp32 rounded once: for embeddings and
   * tests.
   */
  public float[] dequantised(int row) {
    return dequantised(bytes, format, columns, row, LANES);
  }

  static float[] dequantised(
      MemorySegment bytes, WeightFormat format, int columns, int row, int lanes) {
    float[] values = new float[columns];
    byte[] q = new byte[WeightFormat.GROUP];
    for (int g = 0; g < columns / WeightFormat.GROUP; g++) {
      int scales = read(bytes, format, columns, row, g, lanes, q);
      float d = Float.float16ToFloat((short) scales);
      float m = Float.float16ToFloat((short) (scales >>> 16));
      for (int i = 0; i < WeightFormat.GROUP; i++) {
        values[g * WeightFormat.GROUP + i] = Math.fma(d, q[i], m);
      }
    }
    return values;
  }

  /** The inverse of packing, value by value, for the scalar references. */
  static int read(
      MemorySegment bytes,
      WeightFormat format,
      int columns,
      int row,
      int group,
      int lanes,
      byte[] to) {
    int groups = columns / WeightFormat.GROUP;
    int vectorBytes = lanes * Short.BYTES;
    long at =
        ((long) (row / lanes) * groups + group) * lanes * format.groupBytes()
            + (long) lane(row % lanes, lanes) * Short.BYTES;
    int perLane = 2 * WeightFormat.GROUP / format.quantBytes(); // values in 16 bits
    int bits = 16 / perLane;
    int bias = format == WeightFormat.INT4_OFFSET ? 0 : 1 << (bits - 1);
    Arrays.fill(to, (byte) 0);
    for (int c = 0; c < WeightFormat.GROUP; c++) {
      int word = bytes.get(SHORT, at + (long) (c / perLane) * vectorBytes);
      to[c] = (byte) (((word >> (c % perLane * bits)) & ((1 << bits) - 1)) - bias);
    }
    long scales = at + (long) format.quantBytes() / Short.BYTES * vectorBytes;
    int scale = bytes.get(SHORT, scales) & 0xffff;
    return format.offset() ? scale | (bytes.get(SHORT, scales + vectorBytes) << 16) : scale;
  }
}
