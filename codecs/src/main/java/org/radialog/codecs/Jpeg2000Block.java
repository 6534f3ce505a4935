package org.radialog.codecs;

import static org.radialog.codecs.ImageRefused.Reason.CORRUPT;

import java.util.Arrays;

/**
 * The code-blocks of JPEG 2000: coefficient bit modelling (ITU-T T.800, annex D) with the MQ
 * arithmetic decoder (annex C). One object decodes blocks one after the other.
 */
final class Jpeg2000Block {
  /** Code-block styles of table A.19. */
  static final int BYPASS = 1;

  static final int RESET = 2;
  static final int TERMINATE = 4;
  static final int CAUSAL = 8;
  static final int SYMBOLS = 32;

  /** Maximum number of bits of a magnitude, so that one more bit for the half fits in an int. */
  static final int MOST_PLANES = 29;

  // Flags of a coefficient and of its eight neighbours.
  private static final int NORTH_EAST = 1;
  private static final int SOUTH_EAST = 1 << 1;
  private static final int SOUTH_WEST = 1 << 2;
  private static final int NORTH_WEST = 1 << 3;
  private static final int NORTH = 1 << 4;
  private static final int EAST = 1 << 5;
  private static final int SOUTH = 1 << 6;
  private static final int WEST = 1 << 7;
  private static final int NEIGHBOURS = 0xFF;
  private static final int NORTH_NEGATIVE = 1 << 8;
  private static final int EAST_NEGATIVE = 1 << 9;
  private static final int SOUTH_NEGATIVE = 1 << 10;
  private static final int WEST_NEGATIVE = 1 << 11;
  private static final int SIGNIFICANT = 1 << 12;
  private static final int REFINED = 1 << 13;
  private static final int VISITED = 1 << 14;

  private static final int RUN = 17;
  private static final int UNIFORM = 18;

  // Tables D.1 and D.2, indexed by the low 8 bits and by bits 4 to 11 of the flags.
  private static final byte[][] ZERO_CONTEXTS = new byte[3][256];
  private static final byte[] SIGN_CONTEXTS = new byte[256];

  static {
    for (int f = 0; f < 256; f++) {
      int h = Integer.bitCount(f & (EAST | WEST));
      int v = Integer.bitCount(f & (NORTH | SOUTH));
      int d = Integer.bitCount(f & 15);
      ZERO_CONTEXTS[0][f] = (byte) straight(h, v, d);
      ZERO_CONTEXTS[1][f] = (byte) straight(v, h, d);
      ZERO_CONTEXTS[2][f] = (byte) diagonal(h + v, d);
      int known = f << 4;
      int across = sign(known, EAST, EAST_NEGATIVE) + sign(known, WEST, WEST_NEGATIVE);
      int down = sign(known, NORTH, NORTH_NEGATIVE) + sign(known, SOUTH, SOUTH_NEGATIVE);
      int context = 3 * Integer.signum(across) + Integer.signum(down);
      // The context, and in bit 7 whether the decoded sign is flipped.
      SIGN_CONTEXTS[f] = (byte) ((9 + Math.abs(context)) | (context < 0 ? 0x80 : 0));
    }
    // Table D.3 numbers (1, -1) 11, (1, 0) 12 and (1, 1) 13; 3 · h + v gives 2, 3, 4.
  }

  private static int straight(int h, int v, int d) {
    if (h == 2) {
      return 8;
    }
    if (h == 1) {
      return v >= 1 ? 7 : d >= 1 ? 6 : 5;
    }
    return v == 2 ? 4 : v == 1 ? 3 : Math.min(d, 2);
  }

  private static int diagonal(int hv, int d) {
    return switch (d) {
      case 0 -> Math.min(hv, 2);
      case 1 -> 3 + Math.min(hv, 2);
      case 2 -> hv >= 1 ? 7 : 6;
      default -> 8;
    };
  }

  private static int sign(int known, int significant, int negative) {
    return (known & significant) == 0 ? 0 : (known & negative) == 0 ? 1 : -1;
  }

  // Table C.2: the probability of the less probable symbol, then the next states after the more and
  // the less probable symbol; the last bit of a state is the more probable symbol.
  private static final int[] QE = {
    0x5601, 0x3401, 0x1801, 0x0AC1, 0x0521, 0x0221, 0x5601, 0x5401, 0x4801, 0x3801, 0x3001, 0x2401,
    0x1C01, 0x1601, 0x5601, 0x5401, 0x5101, 0x4801, 0x3801, 0x3401, 0x3001, 0x2801, 0x2401, 0x2201,
    0x1C01, 0x1801, 0x1601, 0x1401, 0x1201, 0x1101, 0x0AC1, 0x09C1, 0x08A1, 0x0521, 0x0441, 0x02A1,
    0x0221, 0x0141, 0x0111, 0x0085, 0x0049, 0x0025, 0x0015, 0x0009, 0x0005, 0x0001, 0x5601
  };
  private static final int[] MORE = {
    1, 2, 3, 4, 5, 38, 7, 8, 9, 10, 11, 12, 13, 29, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
    27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 45, 46
  };
  private static final int[] LESS = {
    1, 6, 9, 12, 29, 33, 6, 14, 14, 14, 17, 18, 20, 21, 14, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22,
    23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 46
  };

  private final String image;
  private final int style;
  private final int[] states = new int[19]; // 2 · index of table C.2 + more probable symbol

  private int width;
  private int height;
  private int stride;
  private int[] known = new int[0]; // [height + 2, width + 2]
  private int[] values = new int[0]; // [height, width]
  private byte[] zeroContexts = ZERO_CONTEXTS[0];

  // The codeword segment.
  private byte[] data = new byte[0];
  private int at;
  private int end;
  private int c;
  private int a;
  private int ct;

  Jpeg2000Block(String image, int style) {
    this.image = image;
    this.style = style;
  }

  /**
   * Begins a block of a subband.
   *
   * @param width columns of the block
   * @param height rows of the block
   * @param orientation 0 for LL and LH, 1 for HL, 2 for HH
   */
  void begin(int width, int height, int orientation) {
    this.width = width;
    this.height = height;
    stride = width + 2;
    if (known.length < stride * (height + 2)) {
      known = new int[stride * (height + 2)];
    } else {
      Arrays.fill(known, 0, stride * (height + 2), 0);
    }
    if (values.length < width * height) {
      values = new int[width * height];
    } else {
      Arrays.fill(values, 0, width * height, 0);
    }
    zeroContexts = ZERO_CONTEXTS[orientation];
    resetContexts();
  }

  /** Table D.7. */
  private void resetContexts() {
    Arrays.fill(states, 0);
    states[0] = 2 * 4;
    states[RUN] = 2 * 3;
    states[UNIFORM] = 2 * 46;
  }

  /**
   * The coefficient so far: twice the value; an odd number is the midpoint of the possible values.
   */
  int value(int x, int y) {
    return values[y * width + x];
  }

  /**
   * Decodes the coding passes of one codeword segment.
   *
   * @param first the number of passes of the block before it
   * @param planes number of bit planes of the block
   */
  void passes(byte[] segment, int from, int to, int first, int count, int planes) {
    data = segment;
    at = from;
    end = to;
    boolean raw = (style & BYPASS) != 0 && first >= 10 && first % 3 != 0;
    if (raw) {
      c = 0;
      ct = 0;
    } else {
      start();
    }
    for (int pass = first; pass < first + count; pass++) {
      int plane = planes - 1 - (pass + 2) / 3;
      switch (pass % 3) {
        case 1 -> significance(plane, raw);
        case 2 -> refinement(plane, raw);
        default -> cleanup(plane);
      }
      if ((style & RESET) != 0) {
        resetContexts();
      }
    }
  }

  /** D.3.1. */
  private void significance(int plane, boolean raw) {
    for (int top = 0; top < height; top += 4) {
      int bottom = Math.min(top + 4, height);
      for (int x = 0; x < width; x++) {
        for (int y = top, k = (top + 1) * stride + x + 1; y < bottom; y++, k += stride) {
          int f = known[k];
          if ((f & SIGNIFICANT) == 0 && (f & NEIGHBOURS) != 0) {
            int bit = raw ? rawBit() : decode(zeroContexts[f & NEIGHBOURS]);
            if (bit == 1) {
              found(x, y, k, plane, raw);
            }
            known[k] |= VISITED;
          }
        }
      }
    }
  }

  /** D.3.2 and D.3.3: a coefficient becomes significant; its sign follows. */
  private void found(int x, int y, int k, int plane, boolean raw) {
    boolean negative;
    if (raw) {
      negative = rawBit() == 1;
    } else {
      int context = SIGN_CONTEXTS[known[k] >> 4 & 0xFF];
      negative = (decode(context & 0x7F) == 1) != (context < 0);
    }
    int magnitude = 3 << plane; // half way between 2 and 4
    values[y * width + x] = negative ? -magnitude : magnitude;
    known[k] |= SIGNIFICANT;
    known[k - 1] |= negative ? EAST | EAST_NEGATIVE : EAST;
    known[k + 1] |= negative ? WEST | WEST_NEGATIVE : WEST;
    known[k + stride] |= negative ? NORTH | NORTH_NEGATIVE : NORTH;
    known[k + stride - 1] |= NORTH_EAST;
    known[k + stride + 1] |= NORTH_WEST;
    if ((style & CAUSAL) == 0 || y % 4 != 0) { // D.7: a stripe does not use the next one
      known[k - stride] |= negative ? SOUTH | SOUTH_NEGATIVE : SOUTH;
      known[k - stride - 1] |= SOUTH_EAST;
      known[k - stride + 1] |= SOUTH_WEST;
    }
  }

  /** D.3.3. */
  private void refinement(int plane, boolean raw) {
    int half = 1 << plane;
    for (int top = 0; top < height; top += 4) {
      int bottom = Math.min(top + 4, height);
      for (int x = 0; x < width; x++) {
        for (int y = top, k = (top + 1) * stride + x + 1; y < bottom; y++, k += stride) {
          int f = known[k];
          if ((f & (SIGNIFICANT | VISITED)) == SIGNIFICANT) {
            int context = (f & REFINED) != 0 ? 16 : (f & NEIGHBOURS) != 0 ? 15 : 14;
            int bit = raw ? rawBit() : decode(context);
            int at = y * width + x;
            boolean up = (bit == 1) == (values[at] > 0);
            values[at] += up ? half : -half;
            known[k] |= REFINED;
          }
        }
      }
    }
  }

  /** D.3.4. */
  private void cleanup(int plane) {
    for (int top = 0; top < height; top += 4) {
      int bottom = Math.min(top + 4, height);
      for (int x = 0; x < width; x++) {
        int y = top;
        int k = (top + 1) * stride + x + 1;
        if (bottom == top + 4
            && ((known[k] | known[k + stride] | known[k + 2 * stride] | known[k + 3 * stride])
                    & (SIGNIFICANT | VISITED | NEIGHBOURS))
                == 0) {
          if (decode(RUN) == 0) {
            continue;
          }
          int skipped = decode(UNIFORM) << 1 | decode(UNIFORM);
          y += skipped;
          k += skipped * stride;
          found(x, y, k, plane, false);
          y++;
          k += stride;
        }
        for (; y < bottom; y++, k += stride) {
          int f = known[k];
          if ((f & (SIGNIFICANT | VISITED)) == 0 && decode(zeroContexts[f & NEIGHBOURS]) == 1) {
            found(x, y, k, plane, false);
          }
        }
        for (y = top, k = (top + 1) * stride + x + 1; y < bottom; y++, k += stride) {
          known[k] &= ~VISITED;
        }
      }
    }
    if ((style & SYMBOLS) != 0) {
      int symbol =
          decode(UNIFORM) << 3 | decode(UNIFORM) << 2 | decode(UNIFORM) << 1 | decode(UNIFORM);
      if (symbol != 0xA) {
        throw new ImageRefused(
            CORRUPT, image, "a code-block of the JPEG 2000 frame lacks its segmentation symbol");
      }
    }
  }

  /** C.3.5, INITDEC. */
  private void start() {
    c = byteAt(at) << 16;
    fill();
    c <<= 7;
    ct -= 7;
    a = 0x8000;
  }

  private int byteAt(int index) {
    return index < end ? data[index] & 0xFF : 0xFF;
  }

  /** C.3.4, BYTEIN: beyond its end, a segment is read as ones. */
  private void fill() {
    if (byteAt(at) == 0xFF) {
      if (byteAt(at + 1) > 0x8F) {
        c += 0xFF00;
        ct = 8;
      } else {
        at++;
        c += byteAt(at) << 9;
        ct = 7;
      }
    } else {
      at++;
      c += byteAt(at) << 8;
      ct = 8;
    }
  }

  /** C.3.2, DECODE. */
  private int decode(int context) {
    int state = states[context];
    int index = state >> 1;
    int symbol = state & 1;
    int qe = QE[index];
    a -= qe;
    boolean more;
    if (c >>> 16 < qe) {
      more = a < qe;
      a = qe;
    } else {
      c -= qe << 16;
      if ((a & 0x8000) != 0) {
        return symbol;
      }
      more = a >= qe;
    }
    if (more) {
      states[context] = MORE[index] << 1 | symbol;
    } else {
      // Table C.2, SWITCH: at these states the more probable symbol changes.
      boolean changes = index == 0 || index == 6 || index == 14;
      states[context] = LESS[index] << 1 | (changes ? 1 - symbol : symbol);
      symbol = 1 - symbol;
    }
    do {
      if (ct == 0) {
        fill();
      }
      a <<= 1;
      c <<= 1;
      ct--;
    } while ((a & 0x8000) == 0);
    return symbol;
  }

  /** D.6: a raw bit; after FF a byte has seven bits. */
  private int rawBit() {
    if (ct == 0) {
      boolean afterFf = c == 0xFF;
      c = byteAt(at++);
      ct = afterFf ? 7 : 8;
    }
    ct--;
    return c >> ct & 1;
  }
}
