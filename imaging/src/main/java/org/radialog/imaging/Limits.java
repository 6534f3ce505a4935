package org.radialog.imaging;

import java.util.Locale;
import org.radialog.codecs.ImageRefused;

/**
 * Limits on the resources for an image, checked against its header before anything of that size is
 * allocated.
 *
 * @param maxPixels width × height
 * @param maxBytes of the file, and of the decoded samples
 */
public record Limits(long maxPixels, long maxBytes) {
  /**
   * 64 Mpx, and 256 MiB or a sixth of the Java heap if that is less, because an image is in memory
   * about four times while it is decoded and reduced. A chest radiograph has less than 20 Mpx.
   */
  public static final Limits DEFAULT =
      new Limits(64_000_000, Math.min(256L << 20, Runtime.getRuntime().maxMemory() / 6));

  // The limit of JPEG and DICOM; a PNG line of one pixel costs as much as one of a hundred.
  private static final int LONGEST_SIDE = 65_535;

  // Ratio of the longer to the shorter side.
  private static final int LARGEST_RATIO = 20;

  /** Refuses limits that accept nothing. */
  public Limits {
    if (maxPixels < 1 || maxBytes < 1) {
      throw new IllegalArgumentException(
          "limits must be positive, got maxPixels=" + maxPixels + " maxBytes=" + maxBytes);
    }
  }

  /**
   * Checks the dimensions in a header; negative numbers and products beyond 64 bits are too large.
   */
  void check(String image, long width, long height, int channels, int bytesPerSample) {
    if (width < 1 || height < 1) {
      throw new ImageRefused(
          ImageRefused.Reason.CORRUPT,
          image,
          "the header says " + width + "×" + height + " pixels, expected at least 1×1");
    }
    if (Math.multiplyHigh(width, height) != 0 || width * height > maxPixels || width * height < 0) {
      throw new ImageRefused(
          ImageRefused.Reason.TOO_LARGE,
          image,
          "the header says %d×%d = %.1f Mpx, the limit is %.1f Mpx"
              .formatted(width, height, (double) width * height / 1e6, maxPixels / 1e6));
    }
    if (Math.max(width, height) > LONGEST_SIDE) {
      throw new ImageRefused(
          ImageRefused.Reason.TOO_LARGE,
          image,
          "the header says %d×%d pixels, the limit of a side is %d"
              .formatted(width, height, LONGEST_SIDE));
    }
    long bytes = width * height * channels * bytesPerSample;
    if (bytes > maxBytes) {
      throw new ImageRefused(
          ImageRefused.Reason.TOO_LARGE,
          image,
          "the header says %d×%d×%d samples of %d bits = %d MiB, the limit is %d MiB"
              .formatted(width, height, channels, 8 * bytesPerSample, bytes >> 20, maxBytes >> 20));
    }
  }

  /**
   * Refuses a narrow strip, which no caller can force. Scaled by its shorter side it would be
   * larger than any film with as many pixels, so this check comes before any such work.
   */
  static void refuseStrip(String image, int width, int height) {
    double ratio = (double) Math.max(width, height) / Math.min(width, height);
    if (ratio > LARGEST_RATIO) {
      throw new ImageRefused(
          ImageRefused.Reason.TOO_LARGE,
          image,
          String.format(
              Locale.ROOT,
              "%d×%d pixels, sides of %.1f to 1, the limit is %d to 1",
              width,
              height,
              ratio,
              LARGEST_RATIO));
    }
  }
}
