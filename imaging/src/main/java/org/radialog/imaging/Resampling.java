package org.radialog.imaging;

import java.util.Arrays;

/**
 * Pillow's bilinear resize with antialiasing (a triangle filter as wide as the reduction), in its
 * integer arithmetic, and only for the pixels inside a crop: horizontal pass, rounding to bytes,
 * then vertical pass. A pass that does not change the size is skipped.
 */
final class Resampling {
  private static final int PRECISION_BITS = 32 - 8 - 2;

  /** Weights of the source pixels of each output pixel, starting at {@code start}. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Taps(int[] first, int[][] weights) {
    static Taps of(int in, int out, int start, int count) {
      double scale = (double) in / out;
      double support = Math.max(scale, 1);
      double perPixel = 1 / support;
      int[] first = new int[count];
      int[][] weights = new int[count][];
      for (int i = 0; i < count; i++) {
        double centre = (start + i + 0.5) * scale;
        int from = Math.max(0, (int) (centre - support + 0.5));
        int to = Math.min(in, (int) (centre + support + 0.5));
        double[] exact = new double[to - from];
        double sum = 0;
        for (int k = 0; k < exact.length; k++) {
          exact[k] = Math.max(0, 1 - Math.abs((k + from - centre + 0.5) * perPixel));
          sum += exact[k];
        }
        first[i] = from;
        weights[i] = new int[exact.length];
        for (int k = 0; k < exact.length; k++) {
          weights[i][k] = (int) (0.5 + exact[k] / sum * (1 << PRECISION_BITS));
        }
      }
      return new Taps(first, weights);
    }

    int end() {
      return first[first.length - 1] + weights[weights.length - 1].length;
    }
  }

  private Resampling() {}

  /** A rectangle of the resized image. */
  record Crop(int left, int top, int width, int height) {}

  /**
   * Resizes {@code grey} [height, width] to {@code toHeight × toWidth} and returns the part inside
   * {@code crop}: [crop.height, crop.width].
   */
  static byte[] resizeAndCrop(
      byte[] grey, int width, int height, int toWidth, int toHeight, Crop crop) {
    if (toHeight == height) {
      return narrow(grey, width, toWidth, crop, crop.top(), crop.height());
    }
    Taps rows = Taps.of(height, toHeight, crop.top(), crop.height());
    // Only the source rows that the vertical pass will read.
    int firstRow = rows.first()[0];
    byte[] narrow = narrow(grey, width, toWidth, crop, firstRow, rows.end() - firstRow);
    byte[] part = new byte[crop.height() * crop.width()]; // [crop.height, crop.width]
    int[] sums = new int[crop.width()];
    for (int y = 0; y < crop.height(); y++) {
      int row = rows.first()[y] - firstRow;
      vertical(narrow, row, rows.weights()[y], sums, part, y * crop.width());
    }
    return part;
  }

  /**
   * Resizes some rows to {@code toWidth} and returns the columns of the crop: [rowCount,
   * crop.width].
   */
  private static byte[] narrow(
      byte[] grey, int width, int toWidth, Crop crop, int firstRow, int rowCount) {
    byte[] narrow = new byte[rowCount * crop.width()];
    if (toWidth == width) {
      for (int y = 0; y < rowCount; y++) {
        System.arraycopy(
            grey, (firstRow + y) * width + crop.left(), narrow, y * crop.width(), crop.width());
      }
    } else {
      Taps columns = Taps.of(width, toWidth, crop.left(), crop.width());
      for (int y = 0; y < rowCount; y++) {
        horizontal(grey, (firstRow + y) * width, columns, narrow, y * crop.width());
      }
    }
    return narrow;
  }

  private static void horizontal(byte[] from, int row, Taps columns, byte[] to, int at) {
    int[] first = columns.first();
    for (int x = 0; x < first.length; x++) {
      int[] weights = columns.weights()[x];
      int sum = 1 << (PRECISION_BITS - 1);
      int source = row + first[x];
      for (int k = 0; k < weights.length; k++) {
        sum += (from[source + k] & 0xFF) * weights[k];
      }
      to[at + x] = clip(sum);
    }
  }

  private static void vertical(
      byte[] from, int firstRow, int[] weights, int[] sums, byte[] to, int at) {
    Arrays.fill(sums, 1 << (PRECISION_BITS - 1));
    for (int k = 0; k < weights.length; k++) {
      int weight = weights[k];
      int row = (firstRow + k) * sums.length;
      for (int x = 0; x < sums.length; x++) {
        sums[x] += (from[row + x] & 0xFF) * weight;
      }
    }
    for (int x = 0; x < sums.length; x++) {
      to[at + x] = clip(sums[x]);
    }
  }

  private static byte clip(int sum) {
    return (byte) Math.clamp(sum >> PRECISION_BITS, 0, 255);
  }
}
