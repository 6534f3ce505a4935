package org.radialog.codecs;

/** Maps the levels of a file to 8 bits with tables that have one entry per level. */
public final class Remap {
  private Remap() {}

  /**
   * hi-ml's {@code remap_to_uint8} without percentiles: {@code (x - min) / (max - min) * 255} in
   * double precision, truncated. For a constant image, which the guard refuses, the result is zero.
   */
  public static byte[] minMax(int[] histogram) {
    int least = 0;
    int most = histogram.length - 1;
    while (least < most && histogram[least] == 0) {
      least++;
    }
    while (most > least && histogram[most] == 0) {
      most--;
    }
    byte[] table = new byte[histogram.length];
    double range = (double) most - least;
    for (int level = least; level <= most && range > 0; level++) {
      table[level] = (byte) (int) ((level - least) / range * 255);
    }
    return table;
  }

  /** Every 8-bit level unchanged. */
  public static byte[] identity() {
    byte[] table = new byte[256];
    for (int level = 0; level < table.length; level++) {
      table[level] = (byte) level;
    }
    return table;
  }

  /**
   * OpenCV's {@code equalizeHist}: the cumulative count above the first level that occurs, scaled
   * in single precision and rounded to nearest (halves to even).
   */
  public static byte[] equalized(int[] histogram) {
    int first = 0;
    int total = 0;
    for (int count : histogram) {
      total += count;
    }
    while (first < 255 && histogram[first] == 0) {
      first++;
    }
    byte[] table = new byte[256];
    if (histogram[first] == total) {
      table[first] = (byte) first;
      return table;
    }
    float scale = 255f / (total - histogram[first]);
    int sum = 0;
    for (int level = first + 1; level < 256; level++) {
      sum += histogram[level];
      table[level] = (byte) Math.clamp((long) Math.rint(sum * scale), 0, 255);
    }
    return table;
  }

  /** The grey value of a colour as in Pillow. */
  static byte luma(byte red, byte green, byte blue) {
    int sum = (red & 0xFF) * 19595 + (green & 0xFF) * 38470 + (blue & 0xFF) * 7471;
    return (byte) ((sum + 0x8000) >> 16);
  }
}
