package org.radialog.codecs;

import static org.radialog.codecs.ImageRefused.Reason.CORRUPT;
import static org.radialog.codecs.ImageRefused.Reason.TRUNCATED;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * RLE Lossless: PS3.5, annex G. A frame has a header of 16 numbers (the number of segments and
 * their positions), then one PackBits segment per byte of a cell, the most significant byte first.
 */
public final class Rle {
  private static final int HEADER = 64;

  private Rle() {}

  /** Decodes cells of 8 or 16 {@code bits}. */
  public static Frame decode(String image, byte[] data, int columns, int rows, int bits) {
    int planes = bits / 8;
    if (data.length < HEADER) {
      throw new ImageRefused(
          TRUNCATED, image, "the RLE frame has %d bytes, its header 64".formatted(data.length));
    }
    ByteBuffer header = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    int segments = header.getInt(0);
    if (segments != planes) {
      throw new ImageRefused(
          CORRUPT,
          image,
          "the RLE frame has %d segments, grey of %d bits allocated has %d"
              .formatted(segments & 0xFFFF_FFFFL, bits, planes));
    }
    short[] cells = new short[columns * rows];
    for (int plane = 0; plane < planes; plane++) {
      long start = header.getInt(4 + 4 * plane) & 0xFFFF_FFFFL;
      long end =
          plane + 1 < planes ? header.getInt(8 + 4 * plane) & 0xFFFF_FFFFL : (long) data.length;
      if (start < HEADER || start > end || end > data.length) {
        throw new ImageRefused(
            CORRUPT,
            image,
            "RLE segment %d lies from byte %d to %d of a frame of %d bytes"
                .formatted(plane + 1, start, end, data.length));
      }
      unpack(image, data, (int) start, (int) end, cells, 8 * (planes - 1 - plane));
    }
    return new Frame(bits, false, true, cells);
  }

  /** Adds each byte of a segment to its cell, shifted left by {@code shift} bits. */
  private static void unpack(
      String image, byte[] data, int start, int end, short[] cells, int shift) {
    int at = start;
    int done = 0;
    while (done < cells.length) {
      if (at == end) {
        throw tooShort(image, done, cells.length);
      }
      int control = data[at++];
      if (control == -128) {
        continue; // G.3.2: no byte follows
      }
      boolean run = control < 0;
      int count = run ? 1 - control : control + 1;
      if ((run ? 1 : count) > end - at) {
        throw tooShort(image, done, cells.length);
      }
      if (count > cells.length - done) {
        throw new ImageRefused(
            CORRUPT,
            image,
            "an RLE segment holds more than the %d bytes of its plane".formatted(cells.length));
      }
      for (int i = 0; i < count; i++) {
        cells[done++] |= (short) ((data[run ? at : at + i] & 0xFF) << shift);
      }
      at += run ? 1 : count;
    }
    for (; at < end; at++) {
      // G.3.1: a segment is padded to an even length; some writers add more padding.
      if (data[at] != 0 && data[at] != -128) {
        throw new ImageRefused(
            CORRUPT,
            image,
            "an RLE segment holds more than the %d bytes of its plane".formatted(cells.length));
      }
    }
  }

  private static ImageRefused tooShort(String image, int done, int expected) {
    return new ImageRefused(
        TRUNCATED,
        image,
        "an RLE segment ends after %d of %d bytes of its plane".formatted(done, expected));
  }
}
