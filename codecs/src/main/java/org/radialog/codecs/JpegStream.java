package org.radialog.codecs;

import static org.radialog.codecs.ImageRefused.Reason.CORRUPT;
import static org.radialog.codecs.ImageRefused.Reason.TOO_LARGE;
import static org.radialog.codecs.ImageRefused.Reason.TRUNCATED;
import static org.radialog.codecs.ImageRefused.Reason.UNSUPPORTED;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A JPEG or JPEG-LS codestream with one grey component: parses its segments (T.81, annex B; T.87,
 * annex C) and decodes its image with {@link JpegDct}, {@link JpegLossless} or {@link JpegLs}.
 */
public final class JpegStream {
  private static final int SOF_BASELINE = 0xC0;
  private static final int SOF_EXTENDED = 0xC1;
  private static final int SOF_LOSSLESS = 0xC3;
  private static final int SOF_LS = 0xF7;

  /** A frame has about ten segments; each may cost more than its bytes. */
  private static final int MOST_SEGMENTS = 1000;

  private final String image;
  private final byte[] data;
  private final int columns;
  private final int rows;

  private final int[] @Nullable [] quantisation = new int[4][];
  private final @Nullable JpegHuffman[] dc = new JpegHuffman[4];
  private final @Nullable JpegHuffman[] ac = new JpegHuffman[4];
  private int restartInterval;
  private JpegLs.@Nullable Parameters parameters;

  private int process;
  private int bits;
  private int quantisationTable;
  private boolean linesFollow; // the number of lines is in a DNL segment after the scan

  private JpegStream(String image, byte[] data, int columns, int rows) {
    this.image = image;
    this.data = data;
    this.columns = columns;
    this.rows = rows;
  }

  /** Decodes {@code data}, whose image must have the dimensions in the DICOM header. */
  public static Frame decode(String image, byte[] data, int columns, int rows) {
    return new JpegStream(image, data, columns, rows).decode();
  }

  private Frame decode() {
    Frame frame = null;
    int at = 2; // after start of image
    for (int segments = 0; ; segments++) {
      if (segments > MOST_SEGMENTS) {
        throw new ImageRefused(
            TOO_LARGE,
            image,
            "the JPEG has more than %d segments, the limit".formatted(MOST_SEGMENTS));
      }
      if (at >= data.length) {
        throw truncated();
      }
      if (data[at] != -1) {
        throw new ImageRefused(
            CORRUPT, image, "expected a JPEG marker at byte %d of the frame".formatted(at));
      }
      while (at < data.length && data[at] == -1) {
        at++; // B.1.1.2: any number of fill bytes
      }
      if (at >= data.length) {
        throw truncated();
      }
      int marker = data[at++] & 0xFF;
      if (marker == 0xD9) {
        if (frame == null) {
          throw new ImageRefused(CORRUPT, image, "the JPEG ends before any scan");
        }
        if (linesFollow) {
          throw new ImageRefused(CORRUPT, image, "the JPEG does not give its number of lines");
        }
        return alone(frame, at);
      }
      if (marker == 0x01) {
        continue; // TEM has no segment
      }
      int length = data.length - at < 2 ? 0 : word(at);
      if (data.length - at < 2 || length > data.length - at) {
        throw truncated();
      }
      int from = at + 2;
      int end = at + length;
      if (length < 2 || marker < 0xC0 || (marker >= 0xD0 && marker <= 0xD8)) {
        throw new ImageRefused(
            CORRUPT,
            image,
            "unexpected JPEG marker FF%02X at byte %d of the frame".formatted(marker, at));
      }
      at = end;
      switch (marker) {
        case 0xC4 -> huffmanTables(from, end);
        case 0xDB -> quantisationTables(from, end);
        case 0xDD -> restartInterval = exactly(from, end, 2) ? word(from) : 0;
        case 0xF8 -> presetParameters(from, end);
        case 0xDC -> lines(from, end);
        case 0xDA -> {
          if (frame != null) {
            throw new ImageRefused(
                UNSUPPORTED, image, "the JPEG has more than one scan; grey needs one");
          }
          if (process == 0) {
            throw new ImageRefused(CORRUPT, image, "the JPEG has a scan before its frame header");
          }
          if (process == SOF_LS) {
            var coded = JpegLs.decode(image, data, end, columns, rows, bits, lsScan(from, end));
            frame = new Frame(bits, false, coded.exact(), coded.samples());
            at = coded.end();
          } else {
            var in = new JpegBits(image, data, end);
            frame = huffmanScan(in, from, end);
            in.align();
            at = in.position();
          }
        }
        default -> {
          if ((marker >= 0xC0 && marker <= 0xCF) || marker == SOF_LS) {
            frameHeader(marker, from, end);
          }
          // Other segments (APPn, COM, …) do not affect the samples.
        }
      }
    }
  }

  /** B.2.2, and T.87, C.2.2. */
  private void frameHeader(int marker, int from, int end) {
    if (process != 0) {
      throw new ImageRefused(CORRUPT, image, "the JPEG has two frame headers");
    }
    if (end - from < 6) {
      throw truncated();
    }
    int components = data[from + 5] & 0xFF;
    bits = data[from] & 0xFF;
    int height = word(from + 1);
    int width = word(from + 3);
    String name =
        switch (marker) {
          case SOF_BASELINE, SOF_EXTENDED, SOF_LOSSLESS, SOF_LS -> "";
          case 0xC2 -> "progressive";
          case 0xC9, 0xCA, 0xCB -> "arithmetic coding";
          default -> "hierarchical";
        };
    if (!name.isEmpty()) {
      throw new ImageRefused(
          UNSUPPORTED,
          image,
          "the frame is a JPEG of process %s (SOF%d); read are baseline, extended, lossless and JPEG-LS; %s"
              .formatted(name, marker - 0xC0, marker == 0xC2 ? Remedy.CONVERT : Remedy.ASK));
    }
    boolean dct = marker == SOF_BASELINE || marker == SOF_EXTENDED;
    if (dct ? bits != 8 && bits != 12 : bits < 2 || bits > 16) {
      // gdcm also writes DCT with 16 bits, whose coefficients overflow.
      throw new ImageRefused(
          UNSUPPORTED,
          image,
          "the JPEG has %d bits per sample, expected %s; %s"
              .formatted(bits, dct ? "8 or 12" : "2 to 16", Remedy.CONVERT));
    }
    if (components != 1) {
      throw new ImageRefused(
          UNSUPPORTED,
          image,
          "the JPEG has %d components, the DICOM header says grey, which has 1"
              .formatted(components));
    }
    if (end - from != 9) {
      throw new ImageRefused(CORRUPT, image, "the JPEG's frame header has a wrong length");
    }
    linesFollow = height == 0;
    if (width != columns || (height != rows && !linesFollow)) {
      throw new ImageRefused(
          CORRUPT,
          image,
          "the JPEG has %d×%d pixels, the DICOM header says %d×%d"
              .formatted(width, height, columns, rows));
    }
    process = marker;
    quantisationTable = data[from + 8] & 3;
  }

  /** B.2.5: the number of lines of a frame whose header does not give it. */
  private void lines(int from, int end) {
    int height = exactly(from, end, 2) ? word(from) : 0;
    if (height != rows) {
      throw new ImageRefused(
          CORRUPT,
          image,
          "the JPEG has %d lines, the DICOM header says %d".formatted(height, rows));
    }
    linesFollow = false;
  }

  private Frame huffmanScan(JpegBits in, int from, int end) {
    scanHeader(from, end);
    int tables = data[from + 2] & 0xFF;
    JpegHuffman first = table(dc, tables >> 4);
    if (process == SOF_LOSSLESS) {
      int predictor = data[from + 3] & 0xFF;
      int shift = data[from + 5] & 15;
      return new Frame(
          bits,
          false,
          shift == 0,
          JpegLossless.decode(
              image, in, columns, rows, bits, predictor, shift, first, restartInterval));
    }
    int[] steps = quantisation[quantisationTable];
    if (steps == null) {
      throw new ImageRefused(CORRUPT, image, "the JPEG lacks its quantisation table");
    }
    return new Frame(
        bits,
        false,
        false,
        JpegDct.decode(
            image, in, columns, rows, bits, steps, first, table(ac, tables & 15), restartInterval));
  }

  private JpegLs.Scan lsScan(int from, int end) {
    scanHeader(from, end);
    if (restartInterval != 0 || data[from + 2] != 0 || data[from + 5] != 0) {
      throw new ImageRefused(
          UNSUPPORTED,
          image,
          "the JPEG-LS frame has restart markers, a mapping table or a point transform; "
              + Remedy.ASK);
    }
    return new JpegLs.Scan(data[from + 3] & 0xFF, parameters);
  }

  private void scanHeader(int from, int end) {
    if (end - from != 6 || data[from] != 1) {
      throw new ImageRefused(
          CORRUPT, image, "the JPEG has a scan header of a wrong length for one component");
    }
  }

  private JpegHuffman table(@Nullable JpegHuffman[] tables, int number) {
    JpegHuffman table = number < 4 ? tables[number] : null;
    if (table == null) {
      throw new ImageRefused(CORRUPT, image, "the JPEG lacks Huffman table " + number);
    }
    return table;
  }

  /** B.2.4.2. */
  private void huffmanTables(int from, int end) {
    int at = from;
    while (at < end) {
      if (end - at < 17) {
        throw truncated();
      }
      int number = data[at] & 15;
      int kind = data[at] >> 4;
      int[] counts = new int[16];
      int sum = 0;
      for (int i = 0; i < 16; i++) {
        counts[i] = data[at + 1 + i] & 0xFF;
        sum += counts[i];
      }
      at += 17;
      if (number > 3 || kind < 0 || kind > 1 || sum > 256) {
        throw new ImageRefused(
            CORRUPT, image, "the JPEG has a Huffman table that contradicts itself");
      }
      if (sum > end - at) {
        throw truncated();
      }
      var table = new JpegHuffman(image, counts, Arrays.copyOfRange(data, at, at + sum));
      (kind == 0 ? dc : ac)[number] = table;
      at += sum;
    }
  }

  /** B.2.4.1: in zig-zag order, in which it is used. */
  private void quantisationTables(int from, int end) {
    int at = from;
    while (at < end) {
      int number = data[at] & 15;
      int bytes = data[at] >> 4 & 15;
      at++;
      if (number > 3 || bytes > 1) {
        throw new ImageRefused(CORRUPT, image, "the JPEG has quantisation table " + number);
      }
      if (end - at < 64 * (bytes + 1)) {
        throw truncated();
      }
      int[] steps = new int[64];
      for (int i = 0; i < 64; i++, at += bytes + 1) {
        steps[i] = bytes == 1 ? word(at) : data[at] & 0xFF;
      }
      quantisation[number] = steps;
    }
  }

  /** T.87, C.2.4.1.1: preset coding parameters. */
  private void presetParameters(int from, int end) {
    if (end - from != 11 || data[from] != 1) {
      throw new ImageRefused(
          UNSUPPORTED,
          image,
          "the JPEG-LS frame has mapping tables or an oversize header; " + Remedy.ASK);
    }
    parameters =
        new JpegLs.Parameters(
            word(from + 1), word(from + 3), word(from + 5), word(from + 7), word(from + 9));
  }

  /** Data after the end marker are padding, but must not be a second image. */
  private Frame alone(Frame frame, int end) {
    for (int at = end; at + 2 < data.length; at++) {
      if (data[at] != 0) {
        if (data[at] == -1 && data[at + 1] == (byte) 0xD8 && data[at + 2] == -1) {
          throw new ImageRefused(
              CORRUPT,
              image,
              "the pixel data contain a second picture, the DICOM header says one frame");
        }
        break;
      }
    }
    return frame;
  }

  private boolean exactly(int from, int end, int length) {
    if (end - from != length) {
      throw new ImageRefused(CORRUPT, image, "a segment of the JPEG has a wrong length");
    }
    return true;
  }

  private int word(int at) {
    return (data[at] & 0xFF) << 8 | (data[at + 1] & 0xFF);
  }

  private ImageRefused truncated() {
    return new ImageRefused(
        TRUNCATED, image, "the JPEG frame of %d bytes ends too early".formatted(data.length));
  }
}
