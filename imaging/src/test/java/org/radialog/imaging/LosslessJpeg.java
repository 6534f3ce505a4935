package org.radialog.imaging;

import java.io.ByteArrayOutputStream;

/**
 * Writes lossless JPEG (T.81, annex H) of one component for tests: what the tools at hand do not
 * write, as every depth, restarts, fill bytes and a number of lines that comes late.
 */
record LosslessJpeg(
    int columns, int rows, int bits, int predictor, int restart, int fill, int shift, int lines) {
  static LosslessJpeg of(int columns, int rows, int bits) {
    return new LosslessJpeg(columns, rows, bits, 1, 0, 0, 0, 0);
  }

  LosslessJpeg predictor(int number) {
    return new LosslessJpeg(columns, rows, bits, number, restart, fill, shift, lines);
  }

  /** Samples between restart markers, 0 for none. */
  LosslessJpeg restart(int interval) {
    return new LosslessJpeg(columns, rows, bits, predictor, interval, fill, shift, lines);
  }

  /** FF bytes before each marker. */
  LosslessJpeg fill(int bytes) {
    return new LosslessJpeg(columns, rows, bits, predictor, restart, bytes, shift, lines);
  }

  LosslessJpeg shift(int dropped) {
    return new LosslessJpeg(columns, rows, bits, predictor, restart, fill, dropped, lines);
  }

  /** The frame header says 0 lines, a DNL segment after the scan this many. */
  LosslessJpeg linesLater(int number) {
    return new LosslessJpeg(columns, rows, bits, predictor, restart, fill, shift, number);
  }

  byte[] encode(int[] values) {
    var out = new Writer();
    out.marker(0xD8, 0);
    int height = lines > 0 ? 0 : rows;
    out.segment(0xC3, bits, height >> 8, height, columns >> 8, columns, 1, 1, 0x11, 0);
    // 17 codes of 5 bits, one for each category; the one of all ones may not be used.
    int[] table = new int[1 + 16 + 17];
    table[1 + 4] = 17;
    for (int i = 0; i < 17; i++) {
      table[17 + i] = i;
    }
    out.segment(0xC4, table);
    if (restart > 0) {
      out.segment(0xDD, restart >> 8, restart);
    }
    out.segment(0xDA, 1, 1, 0, predictor, 0, shift);
    boolean first = true;
    for (int y = 0; y < rows; y++) {
      for (int x = 0; x < columns; x++) {
        int at = y * columns + x;
        if (restart > 0 && at > 0 && at % restart == 0) {
          out.flush();
          out.marker(0xD0 + (at / restart - 1) % 8, fill);
          first = true;
        }
        difference(out, (values[at] >> shift) - predicted(values, x, y, first));
      }
      first = false;
    }
    out.flush();
    if (lines > 0) {
      out.segment(0xDC, lines >> 8, lines);
    }
    out.marker(0xD9, fill);
    return out.bytes.toByteArray();
  }

  private int predicted(int[] values, int x, int y, boolean first) {
    int at = y * columns + x;
    if (first) {
      return x == 0 ? 1 << (bits - shift - 1) : values[at - 1] >> shift;
    }
    int b = values[at - columns] >> shift;
    if (x == 0) {
      return b;
    }
    int a = values[at - 1] >> shift;
    int c = values[at - columns - 1] >> shift;
    return switch (predictor) {
      case 1 -> a;
      case 2 -> b;
      case 3 -> c;
      case 4 -> a + b - c;
      case 5 -> a + ((b - c) >> 1);
      case 6 -> b + ((a - c) >> 1);
      case 7 -> (a + b) / 2;
      default -> throw new IllegalArgumentException("predictor " + predictor);
    };
  }

  private static void difference(Writer out, int wide) {
    int value = (short) wide; // modulo 65,536
    int category =
        value == Short.MIN_VALUE ? 16 : 32 - Integer.numberOfLeadingZeros(Math.abs(value));
    out.put(category, 5);
    if (category < 16) {
      out.put(value < 0 ? value + (1 << category) - 1 : value, category);
    }
  }

  private static final class Writer {
    final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private int held;
    private int count;

    void marker(int code, int fill) {
      for (int i = 0; i <= fill; i++) {
        bytes.write(0xFF);
      }
      bytes.write(code);
    }

    void segment(int code, int... content) {
      marker(code, 0);
      bytes.write((content.length + 2) >> 8);
      bytes.write(content.length + 2);
      for (int value : content) {
        bytes.write(value);
      }
    }

    void put(int value, int length) {
      for (int i = length - 1; i >= 0; i--) {
        held = held << 1 | (value >> i & 1);
        if (++count == 8) {
          bytes.write(held);
          if ((held & 0xFF) == 0xFF) {
            bytes.write(0);
          }
          count = 0;
          held = 0;
        }
      }
    }

    void flush() {
      while (count > 0) {
        put(1, 1);
      }
    }
  }
}
