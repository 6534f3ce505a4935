package org.radialog.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * A weight matrix in groups of 32 columns that is read one row and group at a time: the input of
 * {@link PackedMatrix#pack}. Implementations with internal state are not thread-safe.
 */
public interface QuantisedRows {
  /** The format that the values have. */
  WeightFormat format();

  /** R, outputs. */
  int rows();

  /** C, the number of inputs, a multiple of 32. */
  int columns();

  /**
   * Reads columns 32 · {@code group} to 32 · {@code group} + 31 of {@code row}.
   *
   * @param to 32 values in the range of the format, overwritten
   * @return the f16 scale in the low 16 bits, the f16 offset (0 if there is none) in the high 16
   *     bits
   */
  int read(int row, int group, byte[] to);

  /**
   * GGUF's Q4_1: f16 scale, f16 offset, 16 bytes whose low nibbles are columns 0 to 15.
   *
   * @param bytes rows · columns / 32 blocks of 20 bytes, row-major
   */
  static QuantisedRows q4_1(MemorySegment bytes, int rows, int columns) {
    return new Q41(bytes, checked(rows, columns, bytes, 20), columns);
  }

  /**
   * GGUF's Q4_0: f16 scale, 16 bytes whose low nibbles are columns 0 to 15, less 8.
   *
   * @param bytes rows · columns / 32 blocks of 18 bytes, row-major
   */
  static QuantisedRows q4_0(MemorySegment bytes, int rows, int columns) {
    return new Q40(bytes, checked(rows, columns, bytes, 18), columns);
  }

  /**
   * Plain nibbles with separate scales, the portable 4-bit format: byte i of a row contains columns
   * 2i (low nibble) and 2i + 1, each plus 8; with offsets, the nibbles are stored without adding 8.
   *
   * @param nibbles [rows, columns / 2]
   * @param scales [rows, columns / 32] f16
   * @param offsets [rows, columns / 32] f16, if there are any
   */
  static QuantisedRows nibbles(
      MemorySegment nibbles,
      MemorySegment scales,
      Optional<MemorySegment> offsets,
      int rows,
      int columns) {
    checked(rows, columns, nibbles, WeightFormat.GROUP / 2);
    checked(rows, columns, scales, Short.BYTES);
    offsets.ifPresent(o -> checked(rows, columns, o, Short.BYTES));
    return new Nibbles(nibbles, scales, offsets, rows, columns);
  }

  /**
   * Plain signed bytes with separate scales, the portable 8-bit format.
   *
   * @param values [rows, columns]
   * @param scales [rows, columns / 32] f16
   */
  static QuantisedRows bytes(MemorySegment values, MemorySegment scales, int rows, int columns) {
    checked(rows, columns, values, WeightFormat.GROUP);
    checked(rows, columns, scales, Short.BYTES);
    return new PlainBytes(values, scales, rows, columns);
  }

  /**
   * GGUF's Q8_0: f16 scale, 32 signed bytes.
   *
   * @param bytes rows · columns / 32 blocks of 34 bytes, row-major
   */
  static QuantisedRows q8_0(MemorySegment bytes, int rows, int columns) {
    return new Q80(bytes, checked(rows, columns, bytes, 34), columns);
  }

  /**
   * Rows of floats rounded to 8 bits: the scale is the largest magnitude of the group over 127.
   *
   * @param rows gives row r as [columns], read in ascending order
   */
  static QuantisedRows int8(Rows rows, int count, int columns) {
    return new Rounded(WeightFormat.INT8, rows, count, checkedColumns(columns));
  }

  /**
   * Rows of floats rounded to 4 bits as in GGUF's Q4_0: the value of the largest magnitude becomes
   * −8.
   *
   * @param rows gives row r as [columns], read in ascending order
   */
  static QuantisedRows int4(Rows rows, int count, int columns) {
    return new Rounded(WeightFormat.INT4, rows, count, checkedColumns(columns));
  }

  /**
   * Rows of floats rounded to 4 bits with an offset: the smallest value of the group becomes 0, the
   * largest 15.
   *
   * @param rows gives row r as [columns], read in ascending order
   */
  static QuantisedRows int4WithOffset(Rows rows, int count, int columns) {
    return new Rounded(WeightFormat.INT4_OFFSET, rows, count, checkedColumns(columns));
  }

  /**
   * Rows of floats rounded to 4 bits, with an offset only if it is worthwhile: an offset takes one
   * ninth more bytes, so it is used only if the error measured on a sample of rows is less than
   * four fifths of the symmetric error.
   *
   * @param rows gives row r as [columns]; read in ascending order, twice
   */
  static QuantisedRows int4Measured(Rows rows, int count, int columns) {
    double symmetric = 0;
    double withOffset = 0;
    int step = Math.max(1, count / Rounded.SAMPLED_ROWS);
    for (int r = 0; r < count; r += step) {
      float[] row = rows.row(r);
      symmetric += squaredError(int4(_ -> row, 1, columns), row);
      withOffset += squaredError(int4WithOffset(_ -> row, 1, columns), row);
    }
    return Math.sqrt(withOffset) < Rounded.OFFSET_PAYS * Math.sqrt(symmetric)
        ? int4WithOffset(rows, count, columns)
        : int4(rows, count, columns);
  }

  private static double squaredError(QuantisedRows rounded, float[] row) {
    float[] values = new float[row.length];
    rounded.row(0, values, 0);
    double sum = 0;
    for (int i = 0; i < row.length; i++) {
      double difference = (double) row[i] - values[i];
      sum += difference * difference;
    }
    return sum;
  }

  /** Row {@code row} in fp32, rounded once: scale · q + offset into {@code to[at …]}. */
  default void row(int row, float[] to, int at) {
    byte[] q = new byte[WeightFormat.GROUP];
    for (int g = 0; g < columns() / WeightFormat.GROUP; g++) {
      int scales = read(row, g, q);
      float d = Float.float16ToFloat((short) scales);
      float m = Float.float16ToFloat((short) (scales >>> 16));
      for (int i = 0; i < WeightFormat.GROUP; i++) {
        to[at + g * WeightFormat.GROUP + i] = Math.fma(d, q[i], m);
      }
    }
  }

  /** Rows of a matrix in fp32. */
  @FunctionalInterface
  interface Rows {
    /** Row {@code row}, [columns]. */
    float[] row(int row);
  }

  private static int checked(int rows, int columns, MemorySegment bytes, int blockBytes) {
    long expected =
        Math.multiplyExact((long) rows, checkedColumns(columns) / WeightFormat.GROUP) * blockBytes;
    if (bytes.byteSize() != expected) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "quantised matrix of %d x %d: expected %d bytes, found %d"
              .formatted(rows, columns, expected, bytes.byteSize()));
    }
    return rows;
  }

  private static int checkedColumns(int columns) {
    if (columns < 1 || columns % WeightFormat.GROUP != 0) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "quantised matrix: expected columns in groups of "
              + WeightFormat.GROUP
              + ", found "
              + columns
              + "; use the precision fp32 or bf16 for this model");
    }
    return columns;
  }

  /**
   * Q4_1 blocks in place.
   *
   * @param bytes the blocks, row-major
   * @param rows number of rows
   * @param columns number of columns
   */
  record Q41(MemorySegment bytes, int rows, int columns) implements QuantisedRows {
    private static final ValueLayout.OfInt INT =
        ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    @Override
    public WeightFormat format() {
      return WeightFormat.INT4_OFFSET;
    }

    @Override
    public int read(int row, int group, byte[] to) {
      long at = ((long) row * (columns / WeightFormat.GROUP) + group) * 20;
      for (int i = 0; i < 16; i++) {
        int pair = bytes.get(ValueLayout.JAVA_BYTE, at + 4 + i);
        to[i] = (byte) (pair & 15);
        to[16 + i] = (byte) ((pair >> 4) & 15);
      }
      return bytes.get(INT, at);
    }
  }

  /**
   * Q4_0 blocks in place.
   *
   * @param bytes the blocks, row-major
   * @param rows number of rows
   * @param columns number of columns
   */
  record Q40(MemorySegment bytes, int rows, int columns) implements QuantisedRows {
    @Override
    public WeightFormat format() {
      return WeightFormat.INT4;
    }

    @Override
    public int read(int row, int group, byte[] to) {
      long at = ((long) row * (columns / WeightFormat.GROUP) + group) * 18;
      for (int i = 0; i < 16; i++) {
        int pair = bytes.get(ValueLayout.JAVA_BYTE, at + 2 + i);
        to[i] = (byte) ((pair & 15) - 8);
        to[16 + i] = (byte) (((pair >> 4) & 15) - 8);
      }
      return bytes.get(Q80.SHORT, at) & 0xffff;
    }
  }

  /**
   * Nibbles, scales and offsets of a file in place.
   *
   * @param nibbles [rows, columns / 2]
   * @param scales [rows, columns / 32] f16
   * @param offsets [rows, columns / 32] f16, if there are any
   * @param rows number of rows
   * @param columns number of columns
   */
  record Nibbles(
      MemorySegment nibbles,
      MemorySegment scales,
      Optional<MemorySegment> offsets,
      int rows,
      int columns)
      implements QuantisedRows {
    @Override
    public WeightFormat format() {
      return offsets.isPresent() ? WeightFormat.INT4_OFFSET : WeightFormat.INT4;
    }

    @Override
    public int read(int row, int group, byte[] to) {
      long index = (long) row * (columns / WeightFormat.GROUP) + group;
      int bias = offsets.isPresent() ? 0 : 8;
      for (int i = 0; i < WeightFormat.GROUP / 2; i++) {
        int pair = nibbles.get(ValueLayout.JAVA_BYTE, index * (WeightFormat.GROUP / 2) + i);
        to[2 * i] = (byte) ((pair & 15) - bias);
        to[2 * i + 1] = (byte) (((pair >> 4) & 15) - bias);
      }
      int scale = scales.get(Q80.SHORT, index * Short.BYTES) & 0xffff;
      return offsets.isPresent()
          ? scale | offsets.get().get(Q80.SHORT, index * Short.BYTES) << 16
          : scale;
    }

    // One row at a time through an array, because loops over segments are not vectorised.
    @Override
    public void row(int row, float[] to, int at) {
      int groups = columns / WeightFormat.GROUP;
      byte[] pairs = new byte[columns / 2];
      MemorySegment.copy(
          nibbles, ValueLayout.JAVA_BYTE, (long) row * pairs.length, pairs, 0, pairs.length);
      for (int g = 0; g < groups; g++) {
        long half = ((long) row * groups + g) * Short.BYTES;
        float d = Float.float16ToFloat(scales.get(Q80.SHORT, half));
        float m =
            offsets.isPresent() ? Float.float16ToFloat(offsets.get().get(Q80.SHORT, half)) : -8 * d;
        int from = g * (WeightFormat.GROUP / 2);
        int target = at + g * WeightFormat.GROUP;
        for (int i = 0; i < WeightFormat.GROUP / 2; i++) {
          int pair = pairs[from + i];
          to[target + 2 * i] = Math.fma(d, (float) (pair & 15), m);
          to[target + 2 * i + 1] = Math.fma(d, (float) ((pair >> 4) & 15), m);
        }
      }
    }
  }

  /**
   * Signed bytes and scales of a file in place.
   *
   * @param values [rows, columns]
   * @param scales [rows, columns / 32] f16
   * @param rows number of rows
   * @param columns number of columns
   */
  record PlainBytes(MemorySegment values, MemorySegment scales, int rows, int columns)
      implements QuantisedRows {
    @Override
    public WeightFormat format() {
      return WeightFormat.INT8;
    }

    @Override
    public int read(int row, int group, byte[] to) {
      long index = (long) row * (columns / WeightFormat.GROUP) + group;
      MemorySegment.copy(
          values, ValueLayout.JAVA_BYTE, index * WeightFormat.GROUP, to, 0, WeightFormat.GROUP);
      return scales.get(Q80.SHORT, index * Short.BYTES) & 0xffff;
    }
  }

  /**
   * Q8_0 blocks in place.
   *
   * @param bytes the blocks, row-major
   * @param rows number of rows
   * @param columns number of columns
   */
  record Q80(MemorySegment bytes, int rows, int columns) implements QuantisedRows {
    private static final ValueLayout.OfShort SHORT =
        ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    @Override
    public WeightFormat format() {
      return WeightFormat.INT8;
    }

    @Override
    public int read(int row, int group, byte[] to) {
      long at = ((long) row * (columns / WeightFormat.GROUP) + group) * 34;
      MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at + 2, to, 0, WeightFormat.GROUP);
      return bytes.get(SHORT, at) & 0xffff;
    }
  }

  /** Floats that are rounded when they are read. */
  final class Rounded implements QuantisedRows {
    private static final int SAMPLED_ROWS = 64;
    private static final double OFFSET_PAYS = 0.8;

    private final WeightFormat format;
    private final Rows source;
    private final int rows;
    private final int columns;
    private int current = -1;
    private float[] values = {};

    private Rounded(WeightFormat format, Rows source, int rows, int columns) {
      this.format = format;
      this.source = source;
      this.rows = rows;
      this.columns = columns;
    }

    @Override
    public WeightFormat format() {
      return format;
    }

    @Override
    public int rows() {
      return rows;
    }

    @Override
    public int columns() {
      return columns;
    }

    @Override
    public int read(int row, int group, byte[] to) {
      if (row != current) {
        values = source.row(row);
        current = row;
      }
      int from = group * WeightFormat.GROUP;
      return switch (format) {
        case INT8, INT4 -> symmetric(from, row, to);
        case INT4_OFFSET -> withOffset(from, row, to);
      };
    }

    private int symmetric(int from, int row, byte[] to) {
      float extreme = 0; // the value of largest magnitude, with its sign
      for (int i = 0; i < WeightFormat.GROUP; i++) {
        float v = values[from + i];
        if (!(Math.abs(v) <= Math.abs(extreme))) { // also if v is not a number
          extreme = v;
        }
      }
      float ideal = format == WeightFormat.INT8 ? Math.abs(extreme) / 127 : extreme / -8;
      short half = Float.floatToFloat16(ideal);
      float scale = Float.float16ToFloat(half);
      if (!Float.isFinite(scale)) {
        throw outOfRange(extreme, row);
      }
      float inverse = scale == 0 ? 0 : 1 / scale;
      for (int i = 0; i < WeightFormat.GROUP; i++) {
        int q = (int) Math.rint((double) values[from + i] * inverse);
        to[i] = (byte) Math.clamp(q, format == WeightFormat.INT8 ? -127 : -8, format.greatest());
      }
      return half & 0xffff;
    }

    private int withOffset(int from, int row, byte[] to) {
      float least = Float.POSITIVE_INFINITY;
      float greatest = Float.NEGATIVE_INFINITY;
      for (int i = 0; i < WeightFormat.GROUP; i++) {
        float v = values[from + i];
        least = Math.min(least, v); // a NaN remains a NaN
        greatest = Math.max(greatest, v);
      }
      short scaleHalf = Float.floatToFloat16((greatest - least) / 15);
      short offsetHalf = Float.floatToFloat16(least);
      float scale = Float.float16ToFloat(scaleHalf);
      float offset = Float.float16ToFloat(offsetHalf);
      if (!Float.isFinite(scale) || !Float.isFinite(offset)) {
        throw outOfRange(Math.abs(least) > Math.abs(greatest) ? least : greatest, row);
      }
      float inverse = scale == 0 ? 0 : 1 / scale;
      for (int i = 0; i < WeightFormat.GROUP; i++) {
        int q = (int) Math.rint(((double) values[from + i] - offset) * inverse);
        to[i] = (byte) Math.clamp(q, 0, format.greatest());
      }
      return (scaleHalf & 0xffff) | offsetHalf << 16;
    }

    private static RadialogException outOfRange(float value, int row) {
      return new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "quantised matrix: expected finite weights within the range of f16 scales, found "
              + value
              + " in row "
              + row);
    }
  }
}
