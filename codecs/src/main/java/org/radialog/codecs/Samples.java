package org.radialog.codecs;

/**
 * The samples of an image as stored in its file, row-major, channels interleaved: {@code [height,
 * width, channels]}, unsigned 8 or 16 bit. Channels: 1 grey, 2 grey and alpha, 3 red, green, blue,
 * 4 with alpha.
 */
public sealed interface Samples {
  int width();

  int height();

  int channels();

  /** Number of possible values of a sample: 256 or 65,536. */
  int levels();

  /** The sample at {@code index} of the flattened array. */
  int at(int index);

  /** The number of occurrences of each level, over all channels. */
  int[] histogram();

  /**
   * Pillow's {@code convert("L")} after mapping each sample with {@code table} [levels]: [height,
   * width]. Alpha is ignored.
   */
  byte[] grey(byte[] table);

  /** The image rotated or mirrored according to an EXIF orientation (1 to 8). */
  Samples oriented(int orientation);

  @SuppressWarnings("ArrayRecordComponent") // never compared, never shown outside this room
  record Bytes(int width, int height, int channels, byte[] values) implements Samples {
    @Override
    public int levels() {
      return 256;
    }

    @Override
    public int at(int index) {
      return values[index] & 0xFF;
    }

    @Override
    public int[] histogram() {
      int[] counts = new int[256];
      for (byte value : values) {
        counts[value & 0xFF]++;
      }
      return counts;
    }

    @Override
    public byte[] grey(byte[] table) {
      byte[] grey = new byte[width * height];
      if (channels < 3) {
        for (int i = 0, from = 0; i < grey.length; i++, from += channels) {
          grey[i] = table[values[from] & 0xFF];
        }
        return grey;
      }
      for (int i = 0, from = 0; i < grey.length; i++, from += channels) {
        grey[i] =
            Remap.luma(
                table[values[from] & 0xFF],
                table[values[from + 1] & 0xFF],
                table[values[from + 2] & 0xFF]);
      }
      return grey;
    }

    @Override
    public Samples oriented(int orientation) {
      if (orientation == 1) {
        return this;
      }
      var turn = new Turn(width, height, orientation);
      byte[] turned = new byte[values.length];
      for (int y = 0, to = 0; y < turn.newHeight(); y++) {
        for (int x = 0; x < turn.newWidth(); x++) {
          int from = turn.source(x, y) * channels;
          for (int c = 0; c < channels; c++) {
            turned[to++] = values[from + c];
          }
        }
      }
      return new Bytes(turn.newWidth(), turn.newHeight(), channels, turned);
    }
  }

  @SuppressWarnings("ArrayRecordComponent") // as above
  record Words(int width, int height, int channels, short[] values) implements Samples {
    @Override
    public int levels() {
      return 65_536;
    }

    @Override
    public int at(int index) {
      return values[index] & 0xFFFF;
    }

    @Override
    public int[] histogram() {
      int[] counts = new int[65_536];
      for (short value : values) {
        counts[value & 0xFFFF]++;
      }
      return counts;
    }

    @Override
    public byte[] grey(byte[] table) {
      byte[] grey = new byte[width * height];
      if (channels < 3) {
        for (int i = 0, from = 0; i < grey.length; i++, from += channels) {
          grey[i] = table[values[from] & 0xFFFF];
        }
        return grey;
      }
      for (int i = 0, from = 0; i < grey.length; i++, from += channels) {
        grey[i] =
            Remap.luma(
                table[values[from] & 0xFFFF],
                table[values[from + 1] & 0xFFFF],
                table[values[from + 2] & 0xFFFF]);
      }
      return grey;
    }

    @Override
    public Samples oriented(int orientation) {
      if (orientation == 1) {
        return this;
      }
      var turn = new Turn(width, height, orientation);
      short[] turned = new short[values.length];
      for (int y = 0, to = 0; y < turn.newHeight(); y++) {
        for (int x = 0; x < turn.newWidth(); x++) {
          int from = turn.source(x, y) * channels;
          for (int c = 0; c < channels; c++) {
            turned[to++] = values[from + c];
          }
        }
      }
      return new Words(turn.newWidth(), turn.newHeight(), channels, turned);
    }
  }

  /**
   * The source position of a pixel in the rotated image; the eight cases of EXIF 2.32, tag 274.
   *
   * @param width of the rotated image, in pixels
   * @param height of the rotated image, in pixels
   * @param orientation EXIF, 1 to 8
   */
  record Turn(int width, int height, int orientation) {
    boolean swapsSides() {
      return orientation >= 5;
    }

    int newWidth() {
      return swapsSides() ? height : width;
    }

    int newHeight() {
      return swapsSides() ? width : height;
    }

    /** The index of the source pixel of (x, y) in the rotated image. */
    int source(int x, int y) {
      int right = width - 1;
      int bottom = height - 1;
      return switch (orientation) {
        case 1 -> y * width + x;
        case 2 -> y * width + right - x;
        case 3 -> (bottom - y) * width + right - x;
        case 4 -> (bottom - y) * width + x;
        case 5 -> x * width + y;
        case 6 -> (bottom - x) * width + y;
        case 7 -> (bottom - x) * width + right - y;
        case 8 -> x * width + right - y;
        default -> throw new IllegalStateException("EXIF orientation " + orientation);
      };
    }
  }
}
