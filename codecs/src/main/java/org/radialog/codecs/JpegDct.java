package org.radialog.codecs;

import static org.radialog.codecs.ImageRefused.Reason.CORRUPT;

/** Sequential DCT with Huffman coding, 8 or 12 bits, one component: T.81, annexes A and F. */
final class JpegDct {
  /** Positions of the coefficients in a block, in zig-zag order: T.81, figure A.6. */
  private static final int[] ZIGZAG = {
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63
  };

  // C(u)/2 · cos((2x + 1)uπ/16) of A.3.3: [u][x], x below 4; the other half follows by symmetry.
  private static final double[][] BASIS = new double[8][4];

  static {
    for (int u = 0; u < 8; u++) {
      for (int x = 0; x < 4; x++) {
        BASIS[u][x] = (u == 0 ? Math.sqrt(0.125) : 0.5) * Math.cos((2 * x + 1) * u * Math.PI / 16);
      }
    }
  }

  private JpegDct() {}

  /** Decodes the only scan, whose data begin at the position of {@code in}. */
  static short[] decode(
      String image,
      JpegBits in,
      int columns,
      int rows,
      int bits,
      int[] quantisation,
      JpegHuffman dc,
      JpegHuffman ac,
      int restartInterval) {
    short[] samples = new short[columns * rows];
    double[] block = new double[64];
    int middle = 1 << (bits - 1);
    int greatest = (1 << bits) - 1;
    int predicted = 0;
    int unit = 0;
    for (int top = 0; top < rows; top += 8) {
      for (int left = 0; left < columns; left += 8, unit++) {
        if (restartInterval > 0 && unit > 0 && unit % restartInterval == 0) {
          in.restart((unit / restartInterval - 1) & 7);
          predicted = 0;
        }
        int category = dc.decode(in);
        if (category > 15) {
          throw new ImageRefused(CORRUPT, image, "the JPEG has a DC category of " + category);
        }
        predicted += in.difference(category);
        java.util.Arrays.fill(block, 0);
        block[0] = (double) predicted * quantisation[0];
        boolean flat = true;
        for (int k = 1; k < 64; k++) {
          int symbol = ac.decode(in);
          int size = symbol & 15;
          if (size == 0) {
            if (symbol != 0xF0) {
              break; // end of block
            }
            k += 15;
            continue;
          }
          k += symbol >> 4;
          if (k > 63) {
            throw new ImageRefused(
                CORRUPT, image, "a block of the JPEG has more than 64 coefficients");
          }
          block[ZIGZAG[k]] = (double) in.difference(size) * quantisation[k];
          flat = false;
        }
        if (flat) {
          java.util.Arrays.fill(block, block[0] / 8);
        } else {
          invert(block);
        }
        int height = Math.min(8, rows - top);
        int width = Math.min(8, columns - left);
        for (int y = 0; y < height; y++) {
          for (int x = 0; x < width; x++) {
            double sample = Math.floor(block[8 * y + x] + middle + 0.5);
            samples[(top + y) * columns + left + x] = (short) Math.clamp(sample, 0, greatest);
          }
        }
      }
    }
    return samples;
  }

  /** A.3.3, first along the rows, then along the columns. */
  private static void invert(double[] block) {
    for (int i = 0; i < 64; i += 8) {
      invert(block, i, 1);
    }
    for (int i = 0; i < 8; i++) {
      invert(block, i, 8);
    }
  }

  private static void invert(double[] block, int at, int step) {
    double f0 = block[at];
    double f1 = block[at + step];
    double f2 = block[at + 2 * step];
    double f3 = block[at + 3 * step];
    double f4 = block[at + 4 * step];
    double f5 = block[at + 5 * step];
    double f6 = block[at + 6 * step];
    double f7 = block[at + 7 * step];
    for (int x = 0; x < 4; x++) {
      double even = f0 * BASIS[0][x] + f2 * BASIS[2][x] + f4 * BASIS[4][x] + f6 * BASIS[6][x];
      double odd = f1 * BASIS[1][x] + f3 * BASIS[3][x] + f5 * BASIS[5][x] + f7 * BASIS[7][x];
      block[at + x * step] = even + odd;
      block[at + (7 - x) * step] = even - odd;
    }
  }
}
