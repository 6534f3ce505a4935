package org.radialog.codecs;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.radialog.codecs.JpegFile.Component;
import org.radialog.codecs.JpegFile.Frame;
import org.radialog.codecs.JpegFile.Part;
import org.radialog.codecs.JpegFile.Scan;

/**
 * Checks whether the entropy-coded data of a JPEG (ITU-T T.81, annexes F and G) match its image
 * exactly, by following the codes without producing pixels. A decoder only reports that bytes are
 * left over; this class distinguishes padding from blocks of a damaged image.
 */
final class JpegEntropy {
  // More bytes than this are not padding but the rest of an image.
  private static final int LONGEST_REST = 4096;
  private static final int BLOCK = 64;

  /** The codes end early, or there is no code for these bits. */
  private static final class Astray extends Exception {
    private static final long serialVersionUID = 1L;

    Astray() {
      super("astray", null, false, false);
    }
  }

  private final Frame frame;
  private final int mcusAcross;
  private final int mcusDown;
  private final int widest;
  private final int highest;
  // [component][block]: the non-zero coefficients of a progressive image.
  private final long[][] present;
  private int endOfBand;

  private JpegEntropy(Frame frame) {
    this.frame = frame;
    widest = frame.components().stream().mapToInt(Component::across).max().orElseThrow();
    highest = frame.components().stream().mapToInt(Component::down).max().orElseThrow();
    mcusAcross = Math.ceilDiv(frame.width(), 8 * widest);
    mcusDown = Math.ceilDiv(frame.height(), 8 * highest);
    present = new long[frame.components().size()][];
    for (int i = 0; i < present.length && frame.progressive(); i++) {
      Component c = frame.components().get(i);
      present[i] = new long[mcusAcross * c.across() * mcusDown * c.down()];
    }
  }

  /** Whether every scan contains all of its blocks, followed only by padding. */
  static boolean isWhole(byte[] file, Frame frame, List<Scan> scans) {
    var entropy = new JpegEntropy(frame);
    try {
      for (Scan scan : scans) {
        entropy.follow(file, scan);
      }
      return true;
    } catch (Astray e) {
      return false; // the purpose of the call is to find out whether this happens
    }
  }

  private void follow(byte[] file, Scan scan) throws Astray {
    var decoder = new ScanDecoder(scan);
    List<Bits> intervals = intervals(file, scan);
    long interval = scan.restart() == 0 ? decoder.mcus : scan.restart();
    if (intervals.size() != Math.ceilDiv(decoder.mcus, interval)) {
      throw new Astray();
    }
    long mcu = 0;
    for (Bits bits : intervals) {
      endOfBand = 0;
      long end = Math.min(decoder.mcus, mcu + interval);
      while (mcu < end) {
        decoder.mcu(bits, mcu++);
      }
      if (endOfBand > 0 || !bits.padded()) {
        throw new Astray();
      }
      if (bits.left() > 0 && isRestOfPicture(decoder, bits)) {
        throw new Astray();
      }
    }
  }

  /** Misplaced blocks end where the data end; padding does not. */
  private boolean isRestOfPicture(ScanDecoder decoder, Bits bits) {
    if (bits.left() > LONGEST_REST) {
      return true;
    }
    bits.skipPadding();
    try {
      while (bits.left() > 0) {
        decoder.mcu(bits, decoder.mcus - 1);
      }
      return bits.padded();
    } catch (Astray e) {
      return false; // not a whole number of blocks
    } finally {
      endOfBand = 0;
    }
  }

  /** The data between restart markers, which must count cyclically from 0 to 7. */
  private static List<Bits> intervals(byte[] file, Scan scan) throws Astray {
    List<Bits> intervals = new ArrayList<>();
    int start = scan.start();
    int at = start;
    while (at < scan.end()) {
      if (file[at] != (byte) 0xFF || file[at + 1] == 0) {
        at++;
        continue;
      }
      int end = at;
      while (file[at] == (byte) 0xFF) {
        at++;
      }
      if ((file[at] & 0xFF) != 0xD0 + intervals.size() % 8) {
        throw new Astray();
      }
      intervals.add(new Bits(file, start, end));
      at++;
      start = at;
    }
    intervals.add(new Bits(file, start, scan.end()));
    return intervals;
  }

  /** The tables and blocks of one scan. */
  private final class ScanDecoder {
    final long mcus;
    private final Scan scan;
    private final boolean single;
    private final int blocksAcross;
    private final Map<Integer, Codes> codes = new HashMap<>();

    ScanDecoder(Scan scan) throws Astray {
      this.scan = scan;
      single = scan.parts().size() == 1;
      for (Map.Entry<Integer, byte[]> table : scan.tables().entrySet()) {
        codes.put(table.getKey(), new Codes(table.getValue()));
      }
      if (single) {
        // A scan with one component contains only the blocks that its samples need (A.2.2).
        Component c = component(scan.parts().getFirst());
        blocksAcross = Math.ceilDiv(Math.ceilDiv(frame.width() * c.across(), widest), 8);
        mcus =
            (long) blocksAcross * Math.ceilDiv(Math.ceilDiv(frame.height() * c.down(), highest), 8);
      } else {
        blocksAcross = 0;
        mcus = (long) mcusAcross * mcusDown;
      }
    }

    private Component component(Part part) {
      return frame.components().get(part.component());
    }

    void mcu(Bits bits, long mcu) throws Astray {
      for (Part part : scan.parts()) {
        Component c = component(part);
        int line = mcusAcross * c.across();
        if (single) {
          block(bits, part, (int) (mcu / blocksAcross) * line + (int) (mcu % blocksAcross));
          continue;
        }
        int row = (int) (mcu / mcusAcross) * c.down();
        int column = (int) (mcu % mcusAcross) * c.across();
        for (int y = 0; y < c.down(); y++) {
          for (int x = 0; x < c.across(); x++) {
            block(bits, part, (row + y) * line + column + x);
          }
        }
      }
    }

    private void block(Bits bits, Part part, int place) throws Astray {
      if (!frame.progressive()) {
        sequential(bits, part);
      } else if (scan.first() == 0) {
        bits.skip(scan.high() == 0 ? table(0, part.dcTable()).next(bits) : 1);
      } else if (scan.high() == 0) {
        firstBits(bits, part, place);
      } else {
        nextBit(bits, part, place);
      }
    }

    private void sequential(Bits bits, Part part) throws Astray {
      bits.skip(table(0, part.dcTable()).next(bits));
      Codes ac = table(1, part.acTable());
      int k = 1;
      while (k < BLOCK) {
        int code = ac.next(bits);
        int size = code & 0xF;
        if (size == 0 && code != 0xF0) {
          return;
        }
        k += (code >> 4) + 1;
        bits.skip(size);
      }
      if (k > BLOCK) {
        throw new Astray();
      }
    }

    /** G.1.2.2. */
    private void firstBits(Bits bits, Part part, int place) throws Astray {
      if (endOfBand > 0) {
        endOfBand--;
        return;
      }
      Codes ac = table(1, part.acTable());
      int k = scan.first();
      while (k <= scan.last()) {
        int code = ac.next(bits);
        int run = code >> 4;
        int size = code & 0xF;
        if (size == 0 && run < 15) {
          endOfBand = (1 << run) - 1 + bits.next(run);
          return;
        }
        k += run;
        if (size > 0) {
          mark(part, place, k);
          bits.skip(size);
        }
        k++;
      }
    }

    /** G.1.2.3. */
    private void nextBit(Bits bits, Part part, int place) throws Astray {
      Codes ac = table(1, part.acTable());
      long before = present[part.component()][place];
      int k = scan.first();
      while (endOfBand == 0 && k <= scan.last()) {
        int code = ac.next(bits);
        int run = code >> 4;
        int size = code & 0xF;
        if (size == 0 && run < 15) {
          endOfBand = (1 << run) + bits.next(run);
          break;
        }
        bits.skip(size); // its sign
        while (k <= scan.last()) {
          if ((before >> k & 1) != 0) {
            bits.skip(1);
          } else if (run-- == 0) {
            break;
          }
          k++;
        }
        if (size > 0) {
          mark(part, place, k);
        }
        k++;
      }
      if (endOfBand > 0) {
        for (; k <= scan.last(); k++) {
          if ((before >> k & 1) != 0) {
            bits.skip(1);
          }
        }
        endOfBand--;
      }
    }

    private void mark(Part part, int place, int k) throws Astray {
      if (k > scan.last() || k >= BLOCK) {
        throw new Astray();
      }
      present[part.component()][place] |= 1L << k;
    }

    private Codes table(int kind, int number) throws Astray {
      Codes table = codes.get(kind << 4 | number);
      if (table == null) {
        throw new Astray();
      }
      return table;
    }
  }

  /** A Huffman table: annex C. */
  private static final class Codes {
    private static final int LONGEST = 16;
    private static final int QUICK = 9;

    // Indexed by the next bits: length of the code << 8 | its value; 0 if the code is longer.
    private final int[] quick = new int[1 << QUICK];
    private final int[] lastCode = new int[LONGEST + 1];
    private final int[] offset = new int[LONGEST + 1];
    private final byte[] table;

    Codes(byte[] table) throws Astray {
      this.table = table;
      int code = 0;
      int value = 17;
      for (int length = 1; length <= LONGEST; length++) {
        offset[length] = value - code;
        int count = table[length] & 0xFF;
        if (code + count > 1 << length) {
          throw new Astray();
        }
        for (int i = 0; i < count; i++, code++, value++) {
          if (length <= QUICK) {
            int from = code << (QUICK - length);
            int entry = length << 8 | (table[value] & 0xFF);
            Arrays.fill(quick, from, from + (1 << (QUICK - length)), entry);
          }
        }
        lastCode[length] = count == 0 ? -1 : code - 1;
        code <<= 1;
      }
    }

    int next(Bits bits) throws Astray {
      int entry = quick[bits.peek(QUICK)];
      if (entry != 0) {
        bits.skip(entry >> 8);
        return entry & 0xFF;
      }
      for (int length = QUICK + 1; length <= LONGEST; length++) {
        int code = bits.peek(length);
        if (code <= lastCode[length]) {
          bits.skip(length);
          return table[offset[length] + code] & 0xFF;
        }
      }
      throw new Astray();
    }
  }

  /** The bits between two markers, without the zero bytes that follow an 0xFF. */
  private static final class Bits {
    private final byte[] file;
    private final int end;
    private int at;
    private long buffer;
    private int count;

    Bits(byte[] file, int start, int end) {
      this.file = file;
      this.at = start;
      this.end = end;
    }

    private void fill() {
      while (count <= 48 && at < end) {
        int next = file[at++] & 0xFF;
        if (next == 0xFF) {
          at++; // stuffed
        }
        buffer = buffer << 8 | next;
        count += 8;
      }
    }

    /** The next bits; zeros after the end. */
    int peek(int bits) {
      if (count < bits) {
        fill();
      }
      int mask = (1 << bits) - 1;
      return (int) (count >= bits ? buffer >> (count - bits) : buffer << (bits - count)) & mask;
    }

    void skip(int bits) throws Astray {
      if (count < bits) {
        fill();
        if (count < bits) {
          throw new Astray();
        }
      }
      count -= bits;
    }

    int next(int bits) throws Astray {
      int value = peek(bits);
      skip(bits);
      return value;
    }

    /** Whether the rest of the last byte consists of ones, as required by F.1.2.3. */
    boolean padded() {
      int rest = count % 8;
      int ones = (1 << rest) - 1;
      return (int) (buffer >> (count - rest) & ones) == ones;
    }

    void skipPadding() {
      count -= count % 8;
    }

    /** Number of whole unused bytes; stuffed bytes count twice. */
    int left() {
      return count / 8 + Math.max(0, end - at);
    }
  }
}
