package org.radialog.codecs;

import static org.radialog.codecs.ImageRefused.Reason.CORRUPT;
import static org.radialog.codecs.ImageRefused.Reason.TOO_LARGE;
import static org.radialog.codecs.ImageRefused.Reason.TRUNCATED;
import static org.radialog.codecs.ImageRefused.Reason.UNSUPPORTED;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A JPEG file that is parsed (ITU-T T.81, annex B) before any pixel is decoded. A file that ends
 * early is refused, whatever a decoder would make of it, as is a file whose scans would keep a
 * decoder busy for minutes.
 *
 * <p>The decoder gets only {@linkplain #stream() the segments that pixels depend on}: tables,
 * frame, scans, and one marker for the colour space, chosen like libjpeg chooses it. Colour
 * profiles, comments, thumbnails, bytes between segments and unusual component identifiers cannot
 * affect it.
 */
public final class JpegFile {
  private static final byte[] EXIF = "Exif\0\0".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] JFIF = "JFIF\0".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] ADOBE = "Adobe".getBytes(StandardCharsets.US_ASCII);
  private static final int ADOBE_LENGTH = 12;
  private static final int JFIF_LENGTH = 14;
  private static final byte[] SOI = {(byte) 0xFF, (byte) 0xD8};
  private static final byte[] EOI = {(byte) 0xFF, (byte) 0xD9};

  // Common scan scripts have 6 to 16 scans; each scan costs the decoder a pass over the whole
  // image.
  private static final int MOST_SCANS = 20;
  private static final int COEFFICIENTS = 64;

  /**
   * A component of the frame: its sampling factors in blocks per MCU, and its quantisation table.
   */
  record Component(int id, int across, int down, int quantisation) {}

  record Frame(int marker, int width, int height, List<Component> components) {
    boolean progressive() {
      return marker == 0xC2;
    }
  }

  /** The part of a component in a scan. */
  record Part(int component, int dcTable, int acTable) {}

  /**
   * A scan.
   *
   * @param first index of its first coefficient in zig-zag order, {@code last} of its last
   * @param high number of bits sent in earlier scans, {@code low} number of bits still to come
   * @param tables Huffman tables by class and number, as in the high and low half of their byte
   * @param restart number of MCUs between restart markers; 0 if there are none
   * @param start position of the first byte of its entropy-coded data, {@code end} the position
   *     after the last
   */
  record Scan(
      List<Part> parts,
      int first,
      int last,
      int high,
      int low,
      Map<Integer, byte[]> tables,
      int restart,
      int start,
      int end) {}

  private final byte[] file;
  private final Frame frame;
  private final List<Scan> scans;
  private final List<InputStream> pieces;
  private final PictureHeader header;

  private JpegFile(Parser parser) {
    file = parser.file;
    frame = parser.frame();
    scans = List.copyOf(parser.scans);
    pieces = List.copyOf(parser.pieces);
    header =
        new PictureHeader(
            frame.width(), frame.height(), frame.components().size(), 1, parser.orientation);
  }

  /**
   * Parses a file.
   *
   * @throws ImageRefused if it is truncated, contradicts itself, uses an unsupported process, or
   *     has more scans than any film
   */
  public static JpegFile of(String image, byte[] file) {
    var parser = new Parser(image, file);
    parser.run();
    return new JpegFile(parser);
  }

  /** Its size and orientation. */
  public PictureHeader header() {
    return header;
  }

  /**
   * The same image for a decoder, with only the segments that pixels depend on. May be called once.
   */
  InputStream stream() {
    return new SequenceInputStream(Collections.enumeration(pieces));
  }

  /**
   * Whether each scan contains exactly its image and is not followed by parts of another. A
   * decoder's warning about such a file is harmless.
   */
  boolean isWhole() {
    return JpegEntropy.isWhole(file, frame, scans);
  }

  /** Parses the segments. */
  private static final class Parser {
    final String image;
    final byte[] file;
    final List<Scan> scans = new ArrayList<>();
    final List<InputStream> pieces = new ArrayList<>();
    int orientation = 1;

    private Frame frame = new Frame(0, 0, 0, List.of());
    private boolean jfif;
    private int adobe = -1;
    private int restart;
    private int restartSent;
    // The tables used by the scans so far, and those that changed since the last scan.
    private final SortedMap<Integer, byte[]> huffman = new TreeMap<>();
    private final SortedMap<Integer, byte[]> newHuffman = new TreeMap<>();
    private final SortedMap<Integer, byte[]> newQuantisation = new TreeMap<>();
    // [component][coefficient]: number of bits still to come, 14 if none came.
    private int[][] missing = {};

    Parser(String image, byte[] file) {
      this.image = image;
      this.file = file;
    }

    Frame frame() {
      return frame;
    }

    void run() {
      int at = 2;
      while (true) {
        at = marker(at);
        int marker = file[at++] & 0xFF;
        if (marker == 0xD9) {
          end();
          return;
        }
        if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7)) {
          continue; // TEM or a misplaced restart marker: no segment follows
        }
        int length = file.length - at < 2 ? 0 : (file[at] & 0xFF) << 8 | (file[at + 1] & 0xFF);
        if (file.length - at < 2 || length > file.length - at) {
          throw truncated("segment 0x%02X".formatted(marker));
        }
        if (length < 2 || marker < 0xC0 || marker == 0xD8) {
          throw corrupt(
              "JPEG marker 0x%02X with a segment of %d bytes at byte %d"
                  .formatted(marker, length, at));
        }
        at = segment(marker, at + 2, at + length);
      }
    }

    /** The position after the next 0xFF that begins a marker; bytes before it are skipped. */
    private int marker(int from) {
      int at = from;
      while (true) {
        while (at < file.length && file[at] != (byte) 0xFF) {
          at++;
        }
        while (at < file.length && file[at] == (byte) 0xFF) {
          at++;
        }
        if (at >= file.length) {
          throw truncated("the end-of-image marker");
        }
        if (file[at] != 0) {
          return at;
        }
      }
    }

    /**
     * Processes the content of a segment; returns the position after it and, for a scan, after its
     * data.
     */
    private int segment(int marker, int from, int to) {
      int length = to - from;
      switch (marker) {
        case 0xC4 -> huffmanTables(from, to);
        case 0xDB -> quantisationTables(from, to);
        case 0xDD -> {
          if (length != 2) {
            throw corrupt("JPEG restart interval with a segment of " + (length + 2) + " bytes");
          }
          restart = (file[from] & 0xFF) << 8 | (file[from + 1] & 0xFF);
        }
        case 0xDA -> {
          return scan(from, to);
        }
        case 0xE0 -> jfif |= scans.isEmpty() && length >= JFIF_LENGTH && begins(from, to, JFIF);
        case 0xE1 -> {
          if (begins(from, to, EXIF)) {
            orientation = Orientation.of(ByteBuffer.wrap(file, from + 6, length - 6));
          }
        }
        case 0xEE -> {
          if (scans.isEmpty() && length >= ADOBE_LENGTH && begins(from, to, ADOBE)) {
            adobe = file[from + ADOBE_LENGTH - 1] & 0xFF;
          }
        }
        default -> {
          if (marker <= 0xCF && marker != 0xC8 && marker != 0xCC) {
            frame(marker, from, length);
          }
          // Other segments do not affect the pixels.
        }
      }
      return to;
    }

    private boolean begins(int from, int to, byte[] prefix) {
      return to - from >= prefix.length
          && Arrays.equals(file, from, from + prefix.length, prefix, 0, prefix.length);
    }

    private void huffmanTables(int from, int to) {
      int at = from;
      while (at < to) {
        int symbols = 0;
        for (int i = at + 1; i <= at + 16 && i < to; i++) {
          symbols += file[i] & 0xFF;
        }
        int end = at + 17 + symbols;
        int slot = file[at] & 0xFF;
        if (end > to || symbols > 256 || (slot & 0xEF) > 3) {
          throw corrupt("a Huffman table at byte " + at + " does not fit its segment");
        }
        newHuffman.put(slot, Arrays.copyOfRange(file, at, end));
        at = end;
      }
    }

    private void quantisationTables(int from, int to) {
      int at = from;
      while (at < to) {
        int slot = file[at] & 0xFF;
        int end = at + 1 + COEFFICIENTS * (slot < 0x10 ? 1 : 2);
        if (end > to || (slot & 0xEF) > 3) {
          throw corrupt("a quantisation table at byte " + at + " does not fit its segment");
        }
        newQuantisation.put(slot & 0xF, Arrays.copyOfRange(file, at, end));
        at = end;
      }
    }

    private void frame(int marker, int from, int length) {
      if (!frame.components().isEmpty() || length < 6) {
        throw corrupt("expected one JPEG frame header, found another at byte " + from);
      }
      int precision = file[from];
      int components = file[from + 5] & 0xFF;
      if (marker > 0xC2 || precision != 8) {
        String process =
            switch (marker) {
              case 0xC0 -> "baseline";
              case 0xC1 -> "extended sequential";
              case 0xC2 -> "progressive";
              case 0xC3 -> "lossless";
              case 0xC9, 0xCA, 0xCB -> "arithmetic";
              default -> "hierarchical";
            };
        throw new ImageRefused(
            UNSUPPORTED,
            image,
            "a JPEG of process %s (SOF%d) with %d bits; read are baseline, extended and progressive with 8 bits; save it as PNG"
                .formatted(process, marker - 0xC0, precision));
      }
      if (components != 1 && components != 3) {
        throw new ImageRefused(
            UNSUPPORTED,
            image,
            "a JPEG of "
                + components
                + " components (CMYK has 4); expected 1 (grey) or 3 (colour); save it as PNG");
      }
      if (length < 6 + 3 * components) {
        throw corrupt("the JPEG frame header at byte " + from + " has no room for its components");
      }
      List<Component> parts = new ArrayList<>();
      for (int i = 0; i < components; i++) {
        int at = from + 6 + 3 * i;
        int across = file[at + 1] >> 4 & 0xF;
        int down = file[at + 1] & 0xF;
        if (across < 1 || across > 4 || down < 1 || down > 4) {
          throw corrupt("JPEG sampling factors " + across + "×" + down + ", expected 1 to 4");
        }
        parts.add(new Component(file[at] & 0xFF, across, down, file[at + 2] & 0xFF));
      }
      frame =
          new Frame(
              marker,
              (file[from + 3] & 0xFF) << 8 | (file[from + 4] & 0xFF),
              (file[from + 1] & 0xFF) << 8 | (file[from + 2] & 0xFF),
              List.copyOf(parts));
      missing = new int[components][COEFFICIENTS];
      for (int[] bits : missing) {
        Arrays.fill(bits, 14);
      }
    }

    private int scan(int from, int to) {
      int count = to - from < 6 ? 0 : file[from] & 0xFF;
      if (frame.components().isEmpty() || count < 1 || count > 4 || to - from < 4 + 2 * count) {
        throw corrupt("the JPEG scan header at byte " + from + " contradicts its frame");
      }
      List<Part> parts = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        int tables = file[from + 2 + 2 * i] & 0xFF;
        parts.add(
            new Part(component(file[from + 1 + 2 * i] & 0xFF, parts), tables >> 4, tables & 0xF));
      }
      if (scans.size() == MOST_SCANS) {
        throw new ImageRefused(
            TOO_LARGE, image, "a JPEG of more than " + MOST_SCANS + " scans, the limit");
      }
      int spectrum = from + 1 + 2 * count;
      int data = to;
      int end = entropyEnd(data);
      huffman.putAll(newHuffman);
      var scan =
          new Scan(
              List.copyOf(parts),
              file[spectrum] & 0xFF,
              file[spectrum + 1] & 0xFF,
              file[spectrum + 2] >> 4 & 0xF,
              file[spectrum + 2] & 0xF,
              Map.copyOf(huffman),
              restart,
              data,
              end);
      note(scan);
      send(scan);
      scans.add(scan);
      return end;
    }

    /** The index of a component; if several have the same identifier, the next one. */
    private int component(int id, List<Part> before) {
      for (int i = 0; i < frame.components().size(); i++) {
        int index = i;
        if (frame.components().get(i).id() == id
            && before.stream().noneMatch(part -> part.component() == index)) {
          return i;
        }
      }
      throw corrupt("a JPEG scan of component " + id + ", which its frame does not have");
    }

    /** The position of the next marker that is not a restart marker, including its fill bytes. */
    private int entropyEnd(int from) {
      int at = from;
      while (true) {
        int behind = marker(at);
        int marker = file[behind] & 0xFF;
        at = behind + 1;
        if (marker != 0x01 && (marker < 0xD0 || marker > 0xD7)) {
          int end = behind - 1;
          while (file[end - 1] == (byte) 0xFF) {
            end--;
          }
          return Math.max(end, from);
        }
      }
    }

    private void note(Scan scan) {
      boolean progressive = frame.progressive();
      int first = progressive ? scan.first() : 0;
      int last = progressive ? Math.min(scan.last(), COEFFICIENTS - 1) : COEFFICIENTS - 1;
      for (Part part : scan.parts()) {
        for (int k = first; k <= last; k++) {
          missing[part.component()][k] = progressive ? scan.low() : 0;
        }
      }
    }

    /** Writes everything that a decoder needs for a scan, and the scan. */
    private void send(Scan scan) {
      var out = new ByteArrayOutputStream();
      if (scans.isEmpty()) {
        out.writeBytes(SOI);
        out.writeBytes(colourMarker());
      }
      newQuantisation.forEach((slot, table) -> segment(out, 0xDB, table));
      newQuantisation.clear();
      if (scans.isEmpty()) {
        segment(out, frame.marker(), frameHeader());
      }
      newHuffman.forEach((slot, table) -> segment(out, 0xC4, table));
      newHuffman.clear();
      if (restart != restartSent) {
        segment(out, 0xDD, new byte[] {(byte) (restart >> 8), (byte) restart});
        restartSent = restart;
      }
      int count = scan.parts().size();
      ByteBuffer head = ByteBuffer.allocate(4 + 2 * count).put((byte) count);
      for (Part part : scan.parts()) {
        head.put((byte) (part.component() + 1));
        head.put((byte) (part.dcTable() << 4 | part.acTable()));
      }
      head.put((byte) scan.first()).put((byte) scan.last());
      head.put((byte) (scan.high() << 4 | scan.low()));
      segment(out, 0xDA, head.array());
      pieces.add(new ByteArrayInputStream(out.toByteArray()));
      pieces.add(new ByteArrayInputStream(file, scan.start(), scan.end() - scan.start()));
    }

    private static void segment(ByteArrayOutputStream out, int marker, byte[] content) {
      int length = content.length + 2;
      out.writeBytes(new byte[] {(byte) 0xFF, (byte) marker, (byte) (length >> 8), (byte) length});
      out.writeBytes(content);
    }

    private byte[] frameHeader() {
      ByteBuffer head = ByteBuffer.allocate(6 + 3 * frame.components().size());
      head.put((byte) 8).putShort((short) frame.height()).putShort((short) frame.width());
      head.put((byte) frame.components().size());
      for (int i = 0; i < frame.components().size(); i++) {
        Component component = frame.components().get(i);
        head.put((byte) (i + 1));
        head.put((byte) (component.across() << 4 | component.down()));
        head.put((byte) component.quantisation());
      }
      return head.array();
    }

    /**
     * The choice of libjpeg: JFIF means YCbCr, then Adobe's marker decides, then the identifiers R,
     * G and B.
     */
    private byte[] colourMarker() {
      boolean rgb = false;
      if (frame.components().size() == 3 && !jfif) {
        rgb =
            adobe >= 0
                ? adobe == 0
                : frame.components().stream()
                    .map(Component::id)
                    .toList()
                    .equals(List.of((int) 'R', (int) 'G', (int) 'B'));
      }
      var out = new ByteArrayOutputStream();
      if (rgb) {
        segment(out, 0xEE, new byte[] {'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0});
      } else {
        segment(out, 0xE0, new byte[] {'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0});
      }
      return out.toByteArray();
    }

    private void end() {
      if (scans.isEmpty()) {
        throw corrupt("the JPEG ends before any scan");
      }
      for (int[] bits : missing) {
        for (int bit : bits) {
          if (bit > 0) {
            throw truncated("the last of its scans");
          }
        }
      }
      pieces.add(new ByteArrayInputStream(EOI));
    }

    private ImageRefused corrupt(String message) {
      return new ImageRefused(CORRUPT, image, message);
    }

    private ImageRefused truncated(String what) {
      return new ImageRefused(
          TRUNCATED,
          image,
          "the JPEG ends after %d bytes, before %s: copy the file again"
              .formatted(file.length, what));
    }
  }
}
