package org.radialog.codecs;

import static org.radialog.codecs.ImageRefused.Reason.CORRUPT;

/** Lossless JPEG with Huffman coding, 2 to 16 bits, one component: T.81, annex H. */
final class JpegLossless {
  private JpegLossless() {}

  /**
   * Decodes the only scan, whose data begin at the position of {@code in}.
   *
   * @param predictor 1 to 7 of table H.1
   * @param shift the point transform: number of bits that the encoder dropped
   */
  static short[] decode(
      String image,
      JpegBits in,
      int columns,
      int rows,
      int bits,
      int predictor,
      int shift,
      JpegHuffman table,
      int restartInterval) {
    if (predictor < 1 || predictor > 7 || shift >= bits) {
      throw new ImageRefused(
          CORRUPT,
          image,
          "the lossless JPEG names predictor %d and point transform %d"
              .formatted(predictor, shift));
    }
    if (restartInterval % columns != 0) {
      throw new ImageRefused(
          CORRUPT,
          image,
          "the lossless JPEG restarts after %d samples, expected whole rows of %d"
              .formatted(restartInterval, columns));
    }
    int rowsToRestart = restartInterval / columns;
    short[] samples = new short[columns * rows];
    int at = 0;
    for (int y = 0; y < rows; y++) {
      boolean first = y == 0;
      if (rowsToRestart > 0 && y > 0 && y % rowsToRestart == 0) {
        in.restart((y / rowsToRestart - 1) & 7);
        first = true; // H.1.2.1: as at the start of the scan
      }
      for (int x = 0; x < columns; x++, at++) {
        int predicted;
        if (first) {
          predicted = x == 0 ? 1 << (bits - shift - 1) : samples[at - 1] & 0xFFFF;
        } else if (x == 0) {
          predicted = samples[at - columns] & 0xFFFF;
        } else {
          int a = samples[at - 1] & 0xFFFF;
          int b = samples[at - columns] & 0xFFFF;
          int c = samples[at - columns - 1] & 0xFFFF;
          predicted =
              switch (predictor) {
                case 1 -> a;
                case 2 -> b;
                case 3 -> c;
                case 4 -> a + b - c;
                case 5 -> a + ((b - c) >> 1);
                case 6 -> b + ((a - c) >> 1);
                default -> (a + b) >> 1;
              };
        }
        int category = table.decode(in);
        if (category > 16) {
          throw new ImageRefused(
              CORRUPT, image, "the lossless JPEG has a difference of " + category + " bits");
        }
        // Table H.2: 16 bits represent only 32,768, and no bits follow.
        int difference = category == 16 ? 32_768 : in.difference(category);
        samples[at] = (short) (predicted + difference);
      }
    }
    if (shift > 0) {
      for (int i = 0; i < samples.length; i++) {
        samples[i] = (short) (samples[i] << shift);
      }
    }
    return samples;
  }
}
