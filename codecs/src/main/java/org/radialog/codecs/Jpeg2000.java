package org.radialog.codecs;

import static org.radialog.codecs.ImageRefused.Reason.CORRUPT;
import static org.radialog.codecs.ImageRefused.Reason.TOO_LARGE;
import static org.radialog.codecs.ImageRefused.Reason.TRUNCATED;
import static org.radialog.codecs.ImageRefused.Reason.UNSUPPORTED;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * JPEG 2000 Part 1 with one grey component, reversible or irreversible: ITU-T T.800 (ISO/IEC
 * 15444-1). This class implements the syntax of the codestream (annex A), its tiles, precincts and
 * packets (annex B), and the quantisation (annex E).
 *
 * <p>Three features that greyscale films do not use are refused by name: a region of interest,
 * changes of the progression order, and packed packet headers.
 */
public final class Jpeg2000 {
  private static final int[] CODESTREAM = {0xFF, 0x4F, 0xFF, 0x51};

  /** The beginning of a JP2 file, which some writers embed instead of the codestream. */
  private static final int[] BOXES = {0, 0, 0, 12, 'j', 'P', ' ', ' '};

  /** Blocks and precincts are objects: a film has about ten thousand. */
  private static final int MOST_BLOCKS = 1_000_000;

  /** Each layer visits each block, and a layer can mark all blocks as empty with one bit. */
  private static final int MOST_BLOCKS_IN_LAYERS = 20_000_000;

  private final String image;
  private final byte[] data;
  private final int columns;
  private final int rows;

  // SIZ
  private int x0;
  private int y0;
  private int x1;
  private int y1;
  private int tileX0;
  private int tileY0;
  private int tileWidth;
  private int tileHeight;
  private int bits;
  private boolean signed;

  private boolean exact = true; // until a tile is irreversible or a block is cut

  private Jpeg2000(String image, byte[] data, int columns, int rows) {
    this.image = image;
    this.data = data;
    this.columns = columns;
    this.rows = rows;
  }

  /** Whether {@code data} begins like a codestream or a JP2 file. */
  public static boolean begins(byte[] data) {
    return begins(data, CODESTREAM) || begins(data, BOXES);
  }

  private static boolean begins(byte[] data, int[] magic) {
    for (int i = 0; i < magic.length; i++) {
      if (data.length <= i || (data[i] & 0xFF) != magic[i]) {
        return false;
      }
    }
    return true;
  }

  /** Decodes {@code data}, whose image must have the dimensions in the DICOM header. */
  public static Frame decode(String image, byte[] data, int columns, int rows) {
    var decoder = new Jpeg2000(image, data, columns, rows);
    return decoder.decode(data[0] == 0 ? decoder.codestreamBox() : 0);
  }

  // ---- The codestream: annex A ----

  /** COD, possibly modified by COC. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Coding(
      int levels, int blockWidth, int blockHeight, int style, boolean reversible, int[] precincts) {
    int precinctWidth(int resolution) {
      return precincts[resolution] & 15;
    }

    int precinctHeight(int resolution) {
      return precincts[resolution] >> 4;
    }
  }

  /** Parameters of a whole tile. */
  private record Order(int progression, int layers, boolean startMarkers, boolean endMarkers) {}

  /** QCD or QCC: {@code steps} are exponents and, if irreversible, mantissas. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Quantisation(int style, int guardBits, int[] steps) {
    int exponent(int band) {
      return style == 1
          ? Math.max(0, (steps[0] >> 11) - (band == 0 ? 0 : (band - 1) / 3))
          : steps[band] >> 11;
    }

    int mantissa(int band) {
      return steps[style == 1 ? 0 : band] & 0x7FF;
    }
  }

  /**
   * The marker segments of the main header or of a tile; a tile inherits what it does not specify.
   */
  private static final class Header {
    @Nullable Coding cod;
    @Nullable Coding coc;
    @Nullable Order order;
    @Nullable Quantisation qcd;
    @Nullable Quantisation qcc;

    @Nullable Coding coding() {
      return coc != null ? coc : cod;
    }

    @Nullable Quantisation quantisation() {
      return qcc != null ? qcc : qcd;
    }
  }

  private static final class Tile {
    final Header header = new Header();
    final ByteArrayOutputStream packets = new ByteArrayOutputStream();
  }

  private int codestreamBox() {
    long at = 0;
    while (data.length - at >= 8) {
      long length = word4((int) at) & 0xFFFF_FFFFL;
      int type = word4((int) at + 4);
      if (type == 0x6A70_3263) { // jp2c
        return (int) at + 8;
      }
      if (length < 8) {
        break; // up to the end of the file, or 64 bits long: no image follows
      }
      at += length;
    }
    throw new ImageRefused(CORRUPT, image, "the JP2 file contains no codestream");
  }

  private Frame decode(int start) {
    var main = new Header();
    if (data.length - start < 4 || word2(start) != 0xFF4F || word2(start + 2) != 0xFF51) {
      throw corrupt("does not begin with its SIZ marker");
    }
    int at = start + 2;
    @Nullable Tile[] tiles = null;
    while (true) {
      int marker = next(at);
      at += 2;
      if (marker == 0xFFD9) {
        break;
      }
      int end = at + length(at);
      int from = at + 2;
      switch (marker) {
        case 0xFF51 -> {
          if (tiles != null) {
            throw corrupt("has two SIZ markers");
          }
          sizes(from, end);
          tiles = new Tile[tileCount()];
        }
        case 0xFF90 -> {
          if (tiles == null || end - from != 8) {
            throw corrupt("has a tile-part header of a wrong length");
          }
          int index = word2(from);
          long length = word4(from + 2) & 0xFFFF_FFFFL;
          if (index >= tiles.length || (length > 0 && length < 14)) {
            throw corrupt("has tile-part %d of %d bytes".formatted(index, length));
          }
          if (length > data.length - (at - 2)) {
            throw truncated();
          }
          // A length of 0 means up to the end marker.
          int last = length == 0 ? endMarker() : at - 2 + (int) length;
          Tile tile = tiles[index];
          if (tile == null) {
            tile = new Tile();
            tiles[index] = tile;
          }
          int body = tileHeader(end, last, tile.header);
          tile.packets.write(data, body, last - body);
          end = last;
        }
        default -> segment(marker, from, end, main);
      }
      at = end;
    }
    if (tiles == null) {
      throw corrupt("has no tile");
    }
    short[] samples = new short[columns * rows];
    for (int i = 0; i < tiles.length; i++) {
      Tile tile = tiles[i];
      if (tile == null) {
        throw new ImageRefused(
            TRUNCATED, image, "the JPEG 2000 frame lacks tile %d of %d".formatted(i, tiles.length));
      }
      tile(i, tile, main, samples);
      tiles[i] = null;
    }
    return new Frame(bits, signed, exact, samples);
  }

  private int next(int at) {
    if (data.length - at < 2) {
      throw truncated();
    }
    int marker = word2(at);
    if (marker < 0xFF00) {
      throw corrupt("has no marker at byte %d".formatted(at));
    }
    return marker;
  }

  private int length(int at) {
    int length = data.length - at < 2 ? 0 : word2(at);
    if (data.length - at < 2 || length > data.length - at) {
      throw truncated();
    }
    if (length < 2) {
      throw corrupt("has a marker segment of %d bytes".formatted(length));
    }
    return length;
  }

  /** The position of the last end marker; bytes after it are padding. */
  private int endMarker() {
    for (int at = data.length - 2; at >= 0; at--) {
      if (word2(at) == 0xFFD9) {
        return at;
      }
    }
    throw truncated();
  }

  /** A.5.1. */
  private void sizes(int from, int end) {
    if (end - from < 36 || end - from != 36 + 3 * word2(from + 34)) {
      throw corrupt("has a SIZ marker of a wrong length");
    }
    int components = word2(from + 34);
    x1 = word4(from + 2);
    y1 = word4(from + 6);
    x0 = word4(from + 10);
    y0 = word4(from + 14);
    tileWidth = word4(from + 18);
    tileHeight = word4(from + 22);
    tileX0 = word4(from + 26);
    tileY0 = word4(from + 30);
    bits = (data[from + 36] & 0x7F) + 1;
    signed = data[from + 36] < 0;
    if (x1 < 0 || y1 < 0 || x0 < 0 || y0 < 0 || x1 - x0 != columns || y1 - y0 != rows) {
      throw corrupt(
          "has %d×%d pixels, the DICOM header says %d×%d"
              .formatted((long) x1 - x0, (long) y1 - y0, columns, rows));
    }
    if (components != 1) {
      throw new ImageRefused(
          UNSUPPORTED,
          image,
          "the JPEG 2000 frame has %d components, the DICOM header says grey, which has 1"
              .formatted(components));
    }
    if ((word2(from) & 0x4000) != 0) {
      throw highThroughput();
    }
    if (bits > 16 || bits < 2 || data[from + 37] != 1 || data[from + 38] != 1) {
      throw unsupported(
          "has %d bits per sample, one of %d×%d; expected 2 to 16 and 1×1"
              .formatted(bits, data[from + 37] & 0xFF, data[from + 38] & 0xFF),
          Remedy.ASK);
    }
    if (tileWidth < 1
        || tileHeight < 1
        || tileX0 < 0
        || tileY0 < 0
        || tileX0 > x0
        || tileY0 > y0
        || (long) tileX0 + tileWidth <= x0
        || (long) tileY0 + tileHeight <= y0) {
      throw corrupt("has tiles that contradict its size");
    }
  }

  private int tilesAcross() {
    return Math.ceilDiv(x1 - tileX0, tileWidth);
  }

  private int tileCount() {
    long count = (long) tilesAcross() * Math.ceilDiv(y1 - tileY0, tileHeight);
    if (count > data.length / 14) { // each has a header of 14 bytes
      throw truncated();
    }
    return (int) count;
  }

  /** Reads the marker segments of a tile-part; returns the position of its data. */
  private int tileHeader(int from, int last, Header header) {
    int at = from;
    while (true) {
      int marker = next(at);
      if (marker == 0xFF93) {
        if (at + 2 > last) {
          throw truncated();
        }
        return at + 2;
      }
      int end = at + 2 + length(at + 2);
      if (end > last) {
        throw truncated();
      }
      segment(marker, at + 4, end, header);
      at = end;
    }
  }

  private void segment(int marker, int from, int end, Header header) {
    switch (marker) {
      case 0xFF52 -> {
        need(from, end, 10);
        int layers = word2(from + 2);
        if ((data[from + 1] & 0xFF) > 4 || layers == 0) {
          throw corrupt(
              "has progression order %d with %d layers".formatted(data[from + 1], layers));
        }
        header.order =
            new Order(data[from + 1], layers, (data[from] & 2) != 0, (data[from] & 4) != 0);
        header.cod = coding(from + 5, end, (data[from] & 1) != 0);
      }
      case 0xFF53 -> {
        need(from, end, 7);
        if (data[from] == 0) {
          header.coc = coding(from + 2, end, (data[from + 1] & 1) != 0);
        }
      }
      case 0xFF5C -> header.qcd = quantisation(from, end);
      case 0xFF5D -> {
        need(from, end, 2);
        if (data[from] == 0) {
          header.qcc = quantisation(from + 1, end);
        }
      }
      case 0xFF50 -> throw highThroughput();
      case 0xFF5E -> throw unsupported("has a region of interest", Remedy.CONVERT);
      case 0xFF5F -> throw unsupported("changes its progression order", Remedy.ASK);
      case 0xFF60, 0xFF61 -> throw unsupported("has its packet headers packed", Remedy.ASK);
      default -> {
        // TLM, PLM, PLT, CRG, COM are only auxiliary or informative, and are skipped.
      }
    }
  }

  /** Tables A.15 to A.21. */
  private Coding coding(int from, int end, boolean precincts) {
    need(from, end, 5);
    int levels = data[from] & 0xFF;
    int width = (data[from + 1] & 15) + 2;
    int height = (data[from + 2] & 15) + 2;
    int style = data[from + 3] & 0xFF;
    if ((style & 0x40) != 0) {
      throw highThroughput();
    }
    if (levels > 32 || width > 10 || height > 10 || width + height > 12 || style > 63) {
      throw corrupt("has %d levels of code-blocks of 2^%d×2^%d".formatted(levels, width, height));
    }
    int[] sizes = new int[levels + 1];
    Arrays.fill(sizes, 0xFF);
    if (precincts) {
      need(from, end, 5 + sizes.length);
      for (int r = 0; r < sizes.length; r++) {
        sizes[r] = data[from + 5 + r] & 0xFF;
        if (r > 0 && ((sizes[r] & 15) == 0 || sizes[r] >> 4 == 0)) {
          throw corrupt("has precincts of one sample");
        }
      }
    }
    return new Coding(levels, width, height, style, data[from + 4] == 1, sizes);
  }

  /** Tables A.28 to A.30. */
  private Quantisation quantisation(int from, int end) {
    need(from, end, 2);
    int style = data[from] & 31;
    int[] steps = new int[style == 1 ? 1 : (end - from - 1) / (style == 0 ? 1 : 2)];
    if (style > 2 || (style == 1 && end - from != 3)) {
      throw corrupt("has quantisation style " + style);
    }
    for (int i = 0; i < steps.length; i++) {
      steps[i] = style == 0 ? (data[from + 1 + i] & 0xFF) << 8 : word2(from + 1 + 2 * i);
    }
    return new Quantisation(style, data[from] >> 5 & 7, steps);
  }

  // ---- A tile: annex B ----

  /** One code-block: how much of it is known, and the positions of its bytes. */
  private static final class Block {
    final int x;
    final int y;
    final int width;
    final int height;
    int zeroPlanes;
    int passes;
    int lengthBits = 3;
    final List<Segment> segments = new ArrayList<>(1);

    Block(int x, int y, int width, int height) {
      this.x = x;
      this.y = y;
      this.width = width;
      this.height = height;
    }
  }

  /** A codeword segment, which ends after {@code most} passes. */
  private static final class Segment {
    final int most;
    int passes;
    int length;
    int count;
    int[] pieces = new int[2]; // offset and length of each of `count`

    Segment(int most) {
      this.most = most;
    }

    void add(int offset, int bytes) {
      if (pieces.length == 2 * count) {
        pieces = Arrays.copyOf(pieces, 4 * count);
      }
      pieces[2 * count] = offset;
      pieces[2 * count + 1] = bytes;
      count++;
      length += bytes;
    }
  }

  /** A subband: the position of its coefficients in the plane of its tile. */
  private record Band(
      int orientation, int index, int left, int top, int x0, int y0, int x1, int y1) {}

  /** The blocks of one precinct in one subband. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record BlockGrid(
      Band band, int across, Block[] blocks, TagTree included, TagTree zeroPlanes) {}

  /** {@code x} and {@code y} are its position in position-based progression orders. */
  private static final class Precinct {
    final int resolution;
    final long x;
    final long y;
    final List<BlockGrid> grids;

    Precinct(int resolution, long x, long y, List<BlockGrid> grids) {
      this.resolution = resolution;
      this.x = x;
      this.y = y;
      this.grids = grids;
    }
  }

  /** Decodes a tile into {@code samples}. */
  private void tile(int number, Tile tile, Header main, short[] samples) {
    Header own = tile.header;
    Coding coding = own.coding() != null ? own.coding() : main.coding();
    Order order = own.order != null ? own.order : main.order;
    Quantisation quantisation =
        own.quantisation() != null ? own.quantisation() : main.quantisation();
    if (coding == null || order == null || quantisation == null) {
      throw corrupt("lacks its coding style or its quantisation");
    }
    int bands = quantisation.style() == 1 ? 1 : 3 * coding.levels() + 1;
    if (quantisation.steps().length < bands) {
      throw corrupt("has fewer quantisation steps than subbands");
    }
    long left = tileX0 + (long) (number % tilesAcross()) * tileWidth;
    long top = tileY0 + (long) (number / tilesAcross()) * tileHeight;
    int tx0 = (int) Math.max(left, x0);
    int ty0 = (int) Math.max(top, y0);
    int tx1 = (int) Math.min(left + tileWidth, x1);
    int ty1 = (int) Math.min(top + tileHeight, y1);
    int width = tx1 - tx0;
    int height = ty1 - ty0;

    byte[] packets = tile.packets.toByteArray();
    tile.packets.reset();
    List<Precinct> precincts =
        precincts(coding, tx0, ty0, tx1, ty1, packets.length, order.layers());
    new Packets(packets, coding, order).read(precincts);

    var decoder = new Jpeg2000Block(image, coding.style());
    exact &= coding.reversible();
    int[] plane = coding.reversible() ? new int[width * height] : new int[0];
    float[] real = coding.reversible() ? new float[0] : new float[width * height];
    for (Precinct precinct : precincts) {
      for (BlockGrid grid : precinct.grids) {
        Band band = grid.band();
        // E.1.1: the step of a subband, half of it for each unit of a block value.
        int gain = band.index() == 0 ? 0 : band.orientation() == 2 ? 2 : 1;
        float step =
            (float)
                (Math.scalb(
                        1 + quantisation.mantissa(band.index()) / 2048.0,
                        bits + gain - quantisation.exponent(band.index()))
                    / 2);
        for (Block block : grid.blocks()) {
          if (block.passes == 0) {
            continue;
          }
          decode(decoder, block, band, quantisation, packets);
          int to = (band.top() + block.y - band.y0()) * width + band.left() + block.x - band.x0();
          for (int y = 0; y < block.height; y++, to += width) {
            for (int x = 0; x < block.width; x++) {
              int value = decoder.value(x, y);
              if (coding.reversible()) {
                plane[to + x] = value / 2;
              } else {
                real[to + x] = value * step;
              }
            }
          }
        }
      }
    }
    for (int r = 1; r <= coding.levels(); r++) {
      int down = coding.levels() - r;
      int rx0 = ceilShift(tx0, down);
      int ry0 = ceilShift(ty0, down);
      int rw = ceilShift(tx1, down) - rx0;
      int rh = ceilShift(ty1, down) - ry0;
      if (rw == 0 || rh == 0) {
        continue;
      }
      if (coding.reversible()) {
        Jpeg2000Wavelet.reversible(plane, width, rx0, ry0, rw, rh);
      } else {
        Jpeg2000Wavelet.irreversible(real, width, rx0, ry0, rw, rh);
      }
    }
    int middle = signed ? 0 : 1 << (bits - 1); // G.1
    int least = signed ? -(1 << (bits - 1)) : 0;
    int greatest = least + (1 << bits) - 1;
    for (int y = 0; y < height; y++) {
      int to = (ty0 - y0 + y) * columns + tx0 - x0;
      for (int x = 0; x < width; x++) {
        int from = y * width + x;
        long value = coding.reversible() ? plane[from] : Math.round(Math.rint((double) real[from]));
        samples[to + x] = (short) Math.clamp(value + middle, least, greatest);
      }
    }
  }

  private void decode(
      Jpeg2000Block decoder, Block block, Band band, Quantisation quantisation, byte[] packets) {
    int planes =
        quantisation.guardBits() + quantisation.exponent(band.index()) - 1 - block.zeroPlanes;
    if (planes < 1 || planes > Jpeg2000Block.MOST_PLANES || block.passes > 3 * planes - 2) {
      throw corrupt(
          "has a code-block of %d passes in %d bit planes".formatted(block.passes, planes));
    }
    exact &= block.passes == 3 * planes - 2;
    decoder.begin(block.width, block.height, band.orientation());
    int done = 0;
    for (Segment segment : block.segments) {
      byte[] bytes = packets;
      int from = segment.pieces[0];
      if (segment.count > 1) {
        bytes = new byte[segment.length];
        from = 0;
        for (int i = 0, to = 0; i < segment.count; to += segment.pieces[2 * i + 1], i++) {
          System.arraycopy(packets, segment.pieces[2 * i], bytes, to, segment.pieces[2 * i + 1]);
        }
      }
      decoder.passes(bytes, from, from + segment.length, done, segment.passes, planes);
      done += segment.passes;
    }
  }

  /** B.5 to B.7: the precincts of a tile, resolution by resolution. */
  private List<Precinct> precincts(
      Coding coding, int tx0, int ty0, int tx1, int ty1, int bytes, int layers) {
    List<Precinct> precincts = new ArrayList<>();
    long count = 0;
    long blocks = 0;
    for (int r = 0; r <= coding.levels(); r++) {
      int down = coding.levels() - r;
      int rx0 = ceilShift(tx0, down);
      int ry0 = ceilShift(ty0, down);
      int rx1 = ceilShift(tx1, down);
      int ry1 = ceilShift(ty1, down);
      if (rx1 <= rx0 || ry1 <= ry0) {
        continue;
      }
      int ppx = coding.precinctWidth(r);
      int ppy = coding.precinctHeight(r);
      int firstX = rx0 >> ppx;
      int firstY = ry0 >> ppy;
      int across = ceilShift(rx1, ppx) - firstX;
      int along = ceilShift(ry1, ppy) - firstY;
      count += (long) across * along;
      if (count * layers > bytes) { // each has a packet of at least one byte in each layer
        throw truncated();
      }
      List<Band> bands = bands(coding, r, tx0, ty0, tx1, ty1);
      int half = r == 0 ? 0 : 1; // subbands have half the resolution
      for (int j = 0; j < along; j++) {
        for (int i = 0; i < across; i++) {
          List<BlockGrid> grids = new ArrayList<>(bands.size());
          for (Band band : bands) {
            long px0 = (long) (firstX + i) << (ppx - half);
            long py0 = (long) (firstY + j) << (ppy - half);
            int bx0 = (int) Math.max(px0, band.x0());
            int by0 = (int) Math.max(py0, band.y0());
            int bx1 = (int) Math.min(px0 + (1L << (ppx - half)), band.x1());
            int by1 = (int) Math.min(py0 + (1L << (ppy - half)), band.y1());
            if (bx1 <= bx0 || by1 <= by0) {
              continue;
            }
            int xcb = Math.min(coding.blockWidth(), ppx - half);
            int ycb = Math.min(coding.blockHeight(), ppy - half);
            int blocksAcross = ceilShift(bx1, xcb) - (bx0 >> xcb);
            int blocksAlong = ceilShift(by1, ycb) - (by0 >> ycb);
            blocks += (long) blocksAcross * blocksAlong;
            if (blocks > MOST_BLOCKS || blocks * layers > MOST_BLOCKS_IN_LAYERS) {
              throw new ImageRefused(
                  TOO_LARGE,
                  image,
                  "the JPEG 2000 frame has more than %d code-blocks or %d in its layers, the limits"
                      .formatted(MOST_BLOCKS, MOST_BLOCKS_IN_LAYERS));
            }
            grids.add(grid(band, bx0, by0, bx1, by1, xcb, ycb, blocksAcross, blocksAlong));
          }
          precincts.add(
              new Precinct(
                  r,
                  Math.max(tx0, (long) (firstX + i) << (ppx + down)),
                  Math.max(ty0, (long) (firstY + j) << (ppy + down)),
                  grids));
        }
      }
    }
    return precincts;
  }

  private static BlockGrid grid(
      Band band, int x0, int y0, int x1, int y1, int xcb, int ycb, int across, int along) {
    Block[] blocks = new Block[across * along];
    for (int j = 0; j < along; j++) {
      for (int i = 0; i < across; i++) {
        int left = Math.max(x0, ((x0 >> xcb) + i) << xcb);
        int top = Math.max(y0, ((y0 >> ycb) + j) << ycb);
        int right = Math.min(x1, ((x0 >> xcb) + i + 1) << xcb);
        int bottom = Math.min(y1, ((y0 >> ycb) + j + 1) << ycb);
        blocks[j * across + i] = new Block(left, top, right - left, bottom - top);
      }
    }
    return new BlockGrid(
        band, across, blocks, new TagTree(across, along), new TagTree(across, along));
  }

  /** Equation B-15: the subbands of a resolution. */
  private static List<Band> bands(Coding coding, int r, int tx0, int ty0, int tx1, int ty1) {
    int down = r == 0 ? coding.levels() : coding.levels() - r + 1;
    int left = ceilShift(tx1, down) - ceilShift(tx0, down);
    int top = ceilShift(ty1, down) - ceilShift(ty0, down);
    if (r == 0) {
      return List.of(
          new Band(
              0,
              0,
              0,
              0,
              ceilShift(tx0, down),
              ceilShift(ty0, down),
              ceilShift(tx1, down),
              ceilShift(ty1, down)));
    }
    List<Band> bands = new ArrayList<>(3);
    for (int i = 1; i <= 3; i++) {
      int high = i & 1; // HL and HH are horizontally high-pass
      int highDown = i >> 1; // LH and HH are vertically high-pass
      bands.add(
          new Band(
              i == 1 ? 1 : i == 2 ? 0 : 2,
              3 * (r - 1) + i,
              high * left,
              highDown * top,
              bandEdge(tx0, down, high),
              bandEdge(ty0, down, highDown),
              bandEdge(tx1, down, high),
              bandEdge(ty1, down, highDown)));
    }
    return bands;
  }

  private static int bandEdge(int value, int down, int high) {
    return (int) Math.ceilDiv(value - ((long) high << (down - 1)), 1L << down);
  }

  private static int ceilShift(int value, int shift) {
    return (int) ((value + (1L << shift) - 1) >> shift);
  }

  /** B.10.2: a quad tree of minima. */
  private static final class TagTree {
    final int[] parents;
    final int[] values;
    final int[] known;

    TagTree(int width, int height) {
      int nodes = 0;
      for (int w = width, h = height; ; w = (w + 1) / 2, h = (h + 1) / 2) {
        nodes += w * h;
        if (w * h == 1) {
          break;
        }
      }
      parents = new int[nodes];
      values = new int[nodes];
      known = new int[nodes];
      Arrays.fill(values, Integer.MAX_VALUE);
      int at = 0;
      for (int w = width, h = height; w * h > 1; w = (w + 1) / 2, h = (h + 1) / 2) {
        int next = at + w * h;
        for (int y = 0; y < h; y++) {
          for (int x = 0; x < w; x++) {
            parents[at++] = next + y / 2 * ((w + 1) / 2) + x / 2;
          }
        }
      }
      parents[nodes - 1] = -1;
    }

    /** True if the value of a leaf is below {@code threshold}. */
    boolean below(int leaf, int threshold, Packets in) {
      int[] path = new int[24];
      int depth = 0;
      for (int node = leaf; node >= 0; node = parents[node]) {
        path[depth++] = node;
      }
      int low = 0;
      while (depth > 0) {
        int node = path[--depth];
        low = Math.max(low, known[node]);
        while (low < threshold && low < values[node]) {
          if (in.bit() == 1) {
            values[node] = low;
          } else {
            low++;
          }
        }
        known[node] = low;
      }
      return values[leaf] < threshold;
    }
  }

  /** The packets of a tile: B.9 to B.12. */
  private final class Packets {
    private final byte[] bytes;
    private final Coding coding;
    private final Order order;
    private int at;
    private int current;
    private int left;

    Packets(byte[] bytes, Coding coding, Order order) {
      this.bytes = bytes;
      this.coding = coding;
      this.order = order;
    }

    void read(List<Precinct> precincts) {
      List<Precinct> sorted = new ArrayList<>(precincts);
      switch (order.progression()) {
        case 0 -> { // layer, resolution, position
          for (int layer = 0; layer < order.layers(); layer++) {
            for (Precinct precinct : precincts) {
              packet(precinct, layer);
            }
          }
          return;
        }
        case 1 -> { // resolution, layer, position
          for (int from = 0, to; from < sorted.size(); from = to) {
            to = from;
            while (to < sorted.size() && sorted.get(to).resolution == sorted.get(from).resolution) {
              to++;
            }
            for (int layer = 0; layer < order.layers(); layer++) {
              for (Precinct precinct : sorted.subList(from, to)) {
                packet(precinct, layer);
              }
            }
          }
          return;
        }
        case 2 -> {
          // resolution, position, layer: already in this order
        }
        default -> // position, resolution, layer; there is only one component
            sorted.sort(
                Comparator.<Precinct>comparingLong(p -> p.y)
                    .thenComparingLong(p -> p.x)
                    .thenComparingInt(p -> p.resolution));
      }
      for (Precinct precinct : sorted) {
        for (int layer = 0; layer < order.layers(); layer++) {
          packet(precinct, layer);
        }
      }
    }

    /** B.10.1: after FF a byte has seven bits. */
    int bit() {
      if (left == 0) {
        boolean afterFf = current == 0xFF;
        if (at >= bytes.length) {
          throw truncated();
        }
        current = bytes[at++] & 0xFF;
        left = afterFf ? 7 : 8;
      }
      left--;
      return current >> left & 1;
    }

    private int bits(int count) {
      int value = 0;
      for (int i = 0; i < count; i++) {
        value = value << 1 | bit();
      }
      return value;
    }

    private boolean marker(int low) {
      return bytes.length - at >= 2 && bytes[at] == -1 && (bytes[at + 1] & 0xFF) == low;
    }

    private void packet(Precinct precinct, int layer) {
      if (order.startMarkers() && marker(0x91)) {
        at += 6;
      }
      current = 0;
      left = 0;
      List<Segment> added = new ArrayList<>();
      List<Integer> lengths = new ArrayList<>();
      if (bit() == 1) {
        for (BlockGrid grid : precinct.grids) {
          for (int i = 0; i < grid.blocks().length; i++) {
            block(grid, i, layer, added, lengths);
          }
        }
      }
      if (current == 0xFF) {
        at++; // a header never ends with FF: a byte is stuffed
      }
      if (order.endMarkers() && marker(0x92)) {
        at += 2;
      }
      for (int i = 0; i < added.size(); i++) {
        int length = lengths.get(i);
        if (length > bytes.length - at) {
          throw truncated();
        }
        added.get(i).add(at, length);
        at += length;
      }
    }

    /** B.10.3 to B.10.7: the part of a packet header for one block. */
    private void block(
        BlockGrid grid, int index, int layer, List<Segment> added, List<Integer> lengths) {
      Block block = grid.blocks()[index];
      if (block.passes == 0) {
        if (!grid.included().below(index, layer + 1, this)) {
          return;
        }
        int planes = 1;
        while (!grid.zeroPlanes().below(index, planes, this)) {
          if (++planes > 80) {
            throw corrupt("has a code-block of more than 80 bit planes");
          }
        }
        block.zeroPlanes = planes - 1;
      } else if (bit() == 0) {
        return;
      }
      int passes = passes();
      while (bit() == 1) {
        if (++block.lengthBits > 31) {
          throw corrupt("has a code-block with more bytes than the frame has");
        }
      }
      while (passes > 0) {
        Segment segment = block.segments.isEmpty() ? null : block.segments.getLast();
        if (segment == null || segment.passes == segment.most) {
          segment = new Segment(mostPasses(segment));
          block.segments.add(segment);
        }
        int count = Math.min(passes, segment.most - segment.passes);
        int lengthBits = block.lengthBits + 31 - Integer.numberOfLeadingZeros(count);
        if (lengthBits > 31) {
          throw corrupt("has a code-block with more bytes than the frame has");
        }
        added.add(segment);
        lengths.add(bits(lengthBits));
        segment.passes += count;
        block.passes += count;
        passes -= count;
      }
    }

    /** Table D.9: the maximum number of passes up to the end of a codeword segment. */
    private int mostPasses(@Nullable Segment before) {
      if ((coding.style() & Jpeg2000Block.TERMINATE) != 0) {
        return 1;
      }
      if ((coding.style() & Jpeg2000Block.BYPASS) == 0) {
        return Integer.MAX_VALUE;
      }
      return before == null ? 10 : before.most == 2 ? 1 : 2;
    }

    /** Table B.4. */
    private int passes() {
      if (bit() == 0) {
        return 1;
      }
      if (bit() == 0) {
        return 2;
      }
      int next = bits(2);
      if (next < 3) {
        return 3 + next;
      }
      next = bits(5);
      return next < 31 ? 6 + next : 37 + bits(7);
    }
  }

  private void need(int from, int end, int bytes) {
    if (end - from < bytes) {
      throw corrupt("has a marker segment that is too short");
    }
  }

  private int word2(int at) {
    return (data[at] & 0xFF) << 8 | (data[at + 1] & 0xFF);
  }

  private int word4(int at) {
    return word2(at) << 16 | word2(at + 2);
  }

  private ImageRefused corrupt(String what) {
    return new ImageRefused(CORRUPT, image, "the JPEG 2000 frame " + what);
  }

  private ImageRefused unsupported(String what, String hint) {
    return new ImageRefused(UNSUPPORTED, image, "the JPEG 2000 frame " + what + "; " + hint);
  }

  private ImageRefused highThroughput() {
    return new ImageRefused(
        UNSUPPORTED, image, "the frame is High-Throughput JPEG 2000; " + Remedy.WITH_PYDICOM);
  }

  private ImageRefused truncated() {
    return new ImageRefused(
        TRUNCATED,
        image,
        "the JPEG 2000 frame of %d bytes ends before its picture does".formatted(data.length));
  }
}
