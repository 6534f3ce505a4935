package org.radialog.codecs;

import static org.radialog.codecs.ImageRefused.Reason.CORRUPT;
import static org.radialog.codecs.ImageRefused.Reason.TRUNCATED;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * A PNG file (third edition, W3C 2025). Its chunks are parsed and checked before any pixel is
 * decoded, so that a truncated file is refused. Samples are used as stored, without gamma or a
 * colour profile, and only the chunks of the pixels are decompressed.
 */
public final class PngFile {
  private static final int IHDR = 0x49484452;
  private static final int PLTE = 0x504C5445;
  private static final int TRNS = 0x74524E53;
  private static final int EXIF = 0x65584966;
  private static final int IDAT = 0x49444154;
  private static final int IEND = 0x49454E44;
  private static final int CRITICAL = 0x2000_0000; // not set

  private static final int GREY = 0;
  private static final int RGB = 2;
  private static final int PALETTE = 3;
  private static final int GREY_ALPHA = 4;
  private static final int RGBA = 6;

  private static final int BUFFER = 1 << 16;

  /** A pass of the image: first pixel and distance between pixels, in both directions. */
  private record Pass(int left, int top, int across, int down) {}

  private static final Pass[] WHOLE = {new Pass(0, 0, 1, 1)};
  private static final Pass[] ADAM7 = {
    new Pass(0, 0, 8, 8),
    new Pass(4, 0, 8, 8),
    new Pass(0, 4, 4, 8),
    new Pass(2, 0, 4, 4),
    new Pass(0, 2, 2, 4),
    new Pass(1, 0, 2, 2),
    new Pass(0, 1, 1, 2)
  };

  private final String image;
  private final byte[] file;
  private final ByteBuffer in;
  private final CRC32 crc = new CRC32();
  private int width;
  private int height;
  private int depth;
  private int colour;
  private boolean interlaced;
  private int orientation = 1;
  private int firstData;
  private byte[] palette = {};
  private byte[] transparency = {};

  private PngFile(String image, byte[] file) {
    this.image = image;
    this.file = file;
    in = ByteBuffer.wrap(file);
  }

  /**
   * Parses a file.
   *
   * @throws ImageRefused if it is truncated, damaged or contradicts itself
   */
  public static PngFile of(String image, byte[] file) {
    var png = new PngFile(image, file);
    png.walk();
    return png;
  }

  /** Its size and orientation. */
  public PictureHeader header() {
    int channels =
        switch (colour) {
          case GREY -> 1;
          case RGB -> 3;
          case GREY_ALPHA -> 2;
          default -> 4; // a palette may contain alpha
        };
    return new PictureHeader(width, height, channels, depth == 16 ? 2 : 1, orientation);
  }

  private void walk() {
    int at = 8;
    while (true) {
      if (file.length - at < 12) {
        throw truncated("chunk IEND");
      }
      long length = in.getInt(at) & 0xFFFF_FFFFL;
      int type = in.getInt(at + 4);
      if (length > file.length - at - 12L) {
        throw truncated(length + " bytes of chunk " + name(type));
      }
      int content = at + 8;
      int size = (int) length;
      if ((type & CRITICAL) == 0) {
        crc.reset();
        crc.update(file, at + 4, size + 4);
        if ((int) crc.getValue() != in.getInt(content + size)) {
          throw corrupt("the checksum of PNG chunk " + name(type) + " at byte " + at + " is wrong");
        }
      }
      if (depth == 0 && type != IHDR) {
        throw corrupt("a PNG must begin with chunk IHDR, this one begins with " + name(type));
      }
      switch (type) {
        case IHDR -> head(content, size);
        case PLTE -> palette = Arrays.copyOfRange(file, content, content + Math.min(size, 768));
        case TRNS ->
            transparency = Arrays.copyOfRange(file, content, content + Math.min(size, 256));
        case EXIF -> orientation = Orientation.of(in.slice(content, size));
        case IDAT -> firstData = firstData == 0 ? at : firstData;
        case IEND -> {
          if (firstData == 0) {
            throw corrupt("the PNG has no IDAT chunk and therefore no pixels");
          }
          if (colour == PALETTE && palette.length < 3) {
            throw corrupt("the PNG has no palette (chunk PLTE)");
          }
          return;
        }
        default -> {
          // Other chunks do not affect the pixels.
        }
      }
      at = content + size + 4;
    }
  }

  private void head(int at, int size) {
    if (depth != 0 || size != 13) {
      throw corrupt("expected one IHDR of 13 bytes, found one of " + size);
    }
    width = in.getInt(at);
    height = in.getInt(at + 4);
    depth = in.get(at + 8);
    colour = in.get(at + 9);
    boolean fits =
        switch (colour) {
          case GREY -> depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
          case PALETTE -> depth == 1 || depth == 2 || depth == 4 || depth == 8;
          case RGB, GREY_ALPHA, RGBA -> depth == 8 || depth == 16;
          default -> false;
        };
    if (!fits) {
      throw corrupt(
          "a PNG of colour type " + colour + " cannot have a bit depth of " + depth + " bits");
    }
    if (in.get(at + 10) != 0 || in.get(at + 11) != 0 || (in.get(at + 12) & 0xFE) != 0) {
      throw corrupt(
          "PNG compression %d, filter %d, interlace %d; expected 0, 0, and 0 or 1"
              .formatted(in.get(at + 10), in.get(at + 11), in.get(at + 12)));
    }
    interlaced = in.get(at + 12) == 1;
  }

  /**
   * The samples. A palette becomes grey if all its colours are grey, otherwise RGB; with alpha if
   * it has alpha.
   *
   * @throws ImageRefused if the pixel data are damaged or incomplete
   */
  public Samples samples() {
    try (var data = new PixelData()) {
      return switch (colour) {
        case PALETTE -> coloured(data);
        default -> {
          int channels = header().channels();
          if (depth == 16) {
            short[] values = new short[width * height * channels];
            read(
                data,
                channels,
                (line, pixels, pass, y) -> {
                  int step = pass.across() * channels;
                  int to = (y * width + pass.left()) * channels;
                  for (int x = 0, from = 0; x < pixels; x++, to += step) {
                    for (int c = 0; c < channels; c++, from += 2) {
                      values[to + c] = (short) (line[from] << 8 | (line[from + 1] & 0xFF));
                    }
                  }
                });
            yield new Samples.Words(width, height, channels, values);
          }
          byte[] values = new byte[width * height * channels];
          read(
              data,
              channels,
              (line, pixels, pass, y) -> {
                int step = pass.across() * channels;
                int to = (y * width + pass.left()) * channels;
                if (depth < 8) {
                  int spread = 255 / ((1 << depth) - 1);
                  for (int x = 0; x < pixels; x++, to += step) {
                    values[to] = (byte) (packed(line, x) * spread);
                  }
                } else if (pass.across() == 1) {
                  System.arraycopy(line, 0, values, to, pixels * channels);
                } else {
                  for (int x = 0, from = 0; x < pixels; x++, to += step) {
                    for (int c = 0; c < channels; c++) {
                      values[to + c] = line[from++];
                    }
                  }
                }
              });
          yield new Samples.Bytes(width, height, channels, values);
        }
      };
    } catch (DataFormatException e) {
      throw new ImageRefused(
          CORRUPT, image, "the PNG cannot be decoded: damaged data, " + e.getMessage(), e);
    }
  }

  private Samples coloured(PixelData data) throws DataFormatException {
    int[] colours = new int[256];
    boolean grey = true;
    boolean opaque = true;
    for (int i = 0; i < colours.length; i++) {
      boolean given = 3 * i + 2 < palette.length && i < 1 << depth;
      int red = given ? palette[3 * i] & 0xFF : 0;
      int green = given ? palette[3 * i + 1] & 0xFF : 0;
      int blue = given ? palette[3 * i + 2] & 0xFF : 0;
      int alpha = given && i < transparency.length ? transparency[i] & 0xFF : 0xFF;
      colours[i] = alpha << 24 | red << 16 | green << 8 | blue;
      grey &= red == green && green == blue;
      opaque &= alpha == 0xFF;
    }
    boolean inColour = !grey;
    boolean withAlpha = !opaque;
    int channels = (inColour ? 3 : 1) + (withAlpha ? 1 : 0);
    byte[] values = new byte[width * height * channels];
    read(
        data,
        1,
        (line, pixels, pass, y) -> {
          int step = (pass.across() - 1) * channels;
          int to = (y * width + pass.left()) * channels;
          for (int x = 0; x < pixels; x++, to += step) {
            int pixel = colours[depth < 8 ? packed(line, x) : line[x] & 0xFF];
            if (inColour) {
              values[to++] = (byte) (pixel >> 16);
              values[to++] = (byte) (pixel >> 8);
            }
            values[to++] = (byte) pixel;
            if (withAlpha) {
              values[to++] = (byte) (pixel >>> 24);
            }
          }
        });
    return new Samples.Bytes(width, height, channels, values);
  }

  private int packed(byte[] line, int x) {
    int bit = x * depth;
    return line[bit >> 3] >> (8 - depth - (bit & 7)) & ((1 << depth) - 1);
  }

  /** Receives the pixels of a line of a pass: bytes after undoing the filter. */
  private interface LineTaker {
    void take(byte[] line, int pixels, Pass pass, int y);
  }

  private void read(PixelData data, int channels, LineTaker taker) throws DataFormatException {
    int pixelBits = channels * depth;
    int distance = Math.max(1, pixelBits / 8);
    for (Pass pass : interlaced ? ADAM7 : WHOLE) {
      int pixels = Math.ceilDiv(width - pass.left(), pass.across());
      if (pixels <= 0) {
        continue;
      }
      int bytes = Math.toIntExact(Math.ceilDiv((long) pixels * pixelBits, 8));
      byte[] above = new byte[bytes];
      byte[] line = new byte[bytes];
      byte[] filter = new byte[1];
      for (int y = pass.top(); y < height; y += pass.down()) {
        data.read(filter, y);
        data.read(line, y);
        unfilter(filter[0], line, above, distance, y);
        taker.take(line, pixels, pass, y);
        byte[] next = above;
        above = line;
        line = next;
      }
    }
  }

  /** Section 9 of the PNG specification. */
  private void unfilter(int filter, byte[] line, byte[] above, int distance, int y) {
    switch (filter) {
      case 0 -> {}
      case 1 -> {
        for (int i = distance; i < line.length; i++) {
          line[i] += line[i - distance];
        }
      }
      case 2 -> {
        for (int i = 0; i < line.length; i++) {
          line[i] += above[i];
        }
      }
      case 3 -> {
        for (int i = 0; i < line.length; i++) {
          int left = i < distance ? 0 : line[i - distance] & 0xFF;
          line[i] += (byte) ((left + (above[i] & 0xFF)) / 2);
        }
      }
      case 4 -> {
        for (int i = 0; i < Math.min(distance, line.length); i++) {
          line[i] += above[i];
        }
        for (int i = distance; i < line.length; i++) {
          line[i] += paeth(line[i - distance], above[i], above[i - distance]);
        }
      }
      default ->
          throw corrupt("the PNG cannot be decoded: line %d has filter %d".formatted(y, filter));
    }
  }

  private static byte paeth(byte left, byte above, byte corner) {
    int a = left & 0xFF;
    int b = above & 0xFF;
    int c = corner & 0xFF;
    int toLeft = Math.abs(b - c);
    int toAbove = Math.abs(a - c);
    int toCorner = Math.abs(a + b - 2 * c);
    return toLeft <= toAbove && toLeft <= toCorner ? left : toAbove <= toCorner ? above : corner;
  }

  /** The decompressed content of the IDAT chunks, one after the other. */
  private final class PixelData implements AutoCloseable {
    private final Inflater inflater = new Inflater();
    private final byte[] packed = new byte[BUFFER];
    private int chunk = firstData;
    private int used; // bytes left in the content of the chunk

    void read(byte[] to, int y) throws DataFormatException {
      int done = 0;
      while (done < to.length) {
        int count = inflater.inflate(to, done, to.length - done);
        done += count;
        if (count == 0
            && (inflater.finished()
                || inflater.needsDictionary()
                || (inflater.needsInput() && !refill()))) {
          throw corrupt(
              "the PNG cannot be decoded: its pixels end in line %d of %d".formatted(y, height));
        }
      }
    }

    /** Returns false after the last chunk. */
    private boolean refill() {
      int count = 0;
      while (count < packed.length) {
        int type = in.getInt(chunk + 4);
        if (type == IEND) {
          break;
        }
        int size = in.getInt(chunk);
        int part = type == IDAT ? Math.min(size - used, packed.length - count) : 0;
        System.arraycopy(file, chunk + 8 + used, packed, count, part);
        count += part;
        used += part;
        if (type != IDAT || used == size) {
          chunk += 12 + size;
          used = 0;
        }
      }
      inflater.setInput(packed, 0, count);
      return count > 0;
    }

    @Override
    public void close() {
      inflater.end();
    }
  }

  private static String name(int type) {
    byte[] letters = ByteBuffer.allocate(4).putInt(type).array();
    return new String(letters, StandardCharsets.ISO_8859_1);
  }

  private ImageRefused corrupt(String message) {
    return new ImageRefused(CORRUPT, image, message);
  }

  private ImageRefused truncated(String what) {
    return new ImageRefused(
        TRUNCATED,
        image,
        "the PNG ends after %d bytes, before %s: copy the file again".formatted(file.length, what));
  }
}
