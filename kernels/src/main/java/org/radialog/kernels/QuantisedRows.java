package org.radialog.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.radialog.base.RadialogException;

/**
 * A weight matrix in groups of 32 columns, read one row and group at a time: what {@link
 * PackedMatrix#pack} interleaves. Not thread-safe where it has a state of its own.
 */
public interface QuantisedRows {
  /** The format that the values fit in. */
  WeightFormat format();

  /** R, outputs. */
  int rows();

  /** C, inputs, a multiple of 32. */
  int columns();

  /**
   * Reads columns 32 · {@code group} to 32 · {@code group} + 31 of {@code row}.
   *
   * @param to 32 values in the format's range, overwritten
   * @return the f16 scale in the low 16 bits, the f16 offset (0 where there is none) in the high 16
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
   * Rows of floats rounded to 4 bits as GGUF's Q4_0 does: the value of the largest magnitude
   * becomes −8.
   *
   * @param rows gives row r as [columns], read in ascending order
   */
  static QuantisedRows int4(Rows rows, int count, int columns) {
    return new Rounded(WeightFormat.INT4, rows, count, checkedColumns(columns));
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
          "quantised matrix of %d x %d: expected %d bytes, found %d"
              .formatted(rows, columns, expected, bytes.byteSize()));
    }
    return rows;
  }

  private static int checkedColumns(int columns) {
    if (columns < 1 || columns % WeightFormat.GROUP != 0) {
      throw new RadialogException(
          "quantised matrix: expected columns in groups of "
              + WeightFormat.GROUP
              + ", found "
              + columns
              + "; take the precision fp32 or bf16 for this model");
    }
    return columns;
  }

  /** Q4_1 blocks in place. */
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

  /** Q8_0 blocks in place. */
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

  /** Floats, rounded as they are read. */
  final class Rounded implements QuantisedRows {
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
      float extreme = 0; // the value of largest magnitude, with its sign
      for (int i = 0; i < WeightFormat.GROUP; i++) {
        float v = values[from + i];
        if (!(Math.abs(v) <= Math.abs(extreme))) { // also when v is not a number
          extreme = v;
        }
      }
      float ideal =
          switch (format) {
            case INT8 -> Math.abs(extreme) / 127;
            case INT4 -> extreme / -8;
            case INT4_OFFSET -> throw new AssertionError("floats are rounded without an offset");
          };
      short half = Float.floatToFloat16(ideal);
      float scale = Float.float16ToFloat(half);
      if (!Float.isFinite(scale)) {
        throw new RadialogException(
            "quantised matrix: expected finite weights within the range of f16 scales, found "
                + extreme
                + " in row "
                + row);
      }
      float inverse = scale == 0 ? 0 : 1 / scale;
      for (int i = 0; i < WeightFormat.GROUP; i++) {
        int q = (int) Math.rint((double) values[from + i] * inverse);
        to[i] = (byte) Math.clamp(q, format == WeightFormat.INT8 ? -127 : -8, format.greatest());
      }
      return half & 0xffff;
    }
  }
}
