package org.radialog.imaging;

import java.util.Optional;

/**
 * From the stored values of a DICOM picture to grey: modality LUT, VOI LUT, polarity (PS3.4, figure
 * N.2-1; PS3.3 C.11.1, C.11.2, C.7.6.3.1.2).
 *
 * <p>A stored value {@code v} stands at level {@code v - least}. Padding is black and takes no part
 * in any minimum, maximum or histogram.
 *
 * @param least the least value that can be stored: 0, or negative for signed pixels
 * @param inverted MONOCHROME1: the least value is white
 */
record DicomLevels(
    int least, Optional<Padding> padding, Modality modality, Optional<Voi> voi, boolean inverted)
    implements GreyLevels {

  /** Stored values from {@code first} to {@code last}, both included. */
  record Padding(int first, int last) {
    boolean holds(int value) {
      return value >= first && value <= last;
    }
  }

  /** From stored to meaningful values. */
  sealed interface Modality {
    double of(int stored);
  }

  record Rescale(double slope, double intercept) implements Modality {
    @Override
    public double of(int stored) {
      return stored * slope + intercept;
    }
  }

  /** From meaningful values to 0 … 255, not yet rounded. */
  sealed interface Voi {
    double of(double value);
  }

  /** A table of PS3.3 C.11.1.1.1: values below its first input take its first entry, and so on. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Lut(int first, int bits, int[] entries) implements Modality, Voi {
    @Override
    public double of(int stored) {
      return entries[Math.clamp((long) stored - first, 0, entries.length - 1)];
    }

    @Override
    public double of(double value) {
      int index = (int) Math.clamp(Math.rint(value) - first, 0, entries.length - 1);
      return Math.min(255, entries[index] * 255.0 / ((1 << bits) - 1));
    }
  }

  /** LINEAR of PS3.3 C.11.2.1.2.1; {@code width} ≥ 1. */
  record Linear(double center, double width) implements Voi {
    @Override
    public double of(double value) {
      // In this order, so that a width of 1 never divides.
      if (value <= center - 0.5 - (width - 1) / 2) {
        return 0;
      }
      if (value > center - 0.5 + (width - 1) / 2) {
        return 255;
      }
      return ((value - (center - 0.5)) / (width - 1) + 0.5) * 255;
    }
  }

  /** LINEAR_EXACT of PS3.3 C.11.2.1.3.2; {@code width} > 0. */
  record LinearExact(double center, double width) implements Voi {
    @Override
    public double of(double value) {
      if (value <= center - width / 2) {
        return 0;
      }
      if (value > center + width / 2) {
        return 255;
      }
      return ((value - center) / width + 0.5) * 255;
    }
  }

  /** SIGMOID of PS3.3 C.11.2.1.3.1; {@code width} > 0. */
  record Sigmoid(double center, double width) implements Voi {
    @Override
    public double of(double value) {
      return 255 / (1 + Math.exp(-4 * (value - center) / width));
    }
  }

  @Override
  public byte[] forModel(DicomRecipe recipe, int[] histogram) {
    byte[] levels =
        switch (recipe) {
          case VOI -> forDisplay(histogram);
          case MINMAX -> minMax(histogram, inverted);
          case MIMIC_CXR_JPG -> mimic(histogram);
        };
    // The chain's own min–max comes on top, as it does for a PNG that was made in this way.
    int[] shown = new int[256];
    for (int level = 0; level < levels.length; level++) {
      if (counts(histogram, level)) {
        shown[levels[level] & 0xFF] += histogram[level];
      }
    }
    byte[] remap = Remap.minMax(shown);
    byte[] table = new byte[levels.length];
    for (int level = 0; level < table.length; level++) {
      if (!isPadding(level)) {
        table[level] = remap[levels[level] & 0xFF];
      }
    }
    return table;
  }

  /** VOI, then polarity, rounded to nearest; min–max where the file has no VOI. */
  @Override
  public byte[] forDisplay(int[] histogram) {
    if (voi.isEmpty()) {
      return minMax(histogram, inverted);
    }
    Voi window = voi.get();
    byte[] table = new byte[histogram.length];
    for (int level = 0; level < table.length; level++) {
      if (!isPadding(level)) {
        double grey = window.of(modality.of(level + least));
        table[level] = (byte) (int) ((inverted ? 255 - grey : grey) + 0.5);
      }
    }
    return table;
  }

  /** {@code remap_to_uint8} of the values after the modality LUT and, if asked for, inverted. */
  private byte[] minMax(int[] histogram, boolean invert) {
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    for (int level = 0; level < histogram.length; level++) {
      if (counts(histogram, level)) {
        double value = modality.of(level + least);
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    byte[] table = new byte[histogram.length];
    double range = high - low;
    for (int level = 0; level < table.length; level++) {
      if (counts(histogram, level) && range > 0) {
        double value = modality.of(level + least);
        double fromBlack = invert ? high - value : value - low;
        table[level] = (byte) (int) (fromBlack / range * 255);
      }
    }
    return table;
  }

  /**
   * MIMIC-CXR-JPG's order: min–max truncated to 8 bit, inverted where MONOCHROME1, then OpenCV's
   * equalizeHist.
   */
  private byte[] mimic(int[] histogram) {
    byte[] levels = minMax(histogram, false);
    int[] shown = new int[256];
    for (int level = 0; level < levels.length; level++) {
      if (inverted) {
        levels[level] = (byte) ~levels[level];
      }
      if (counts(histogram, level)) {
        shown[levels[level] & 0xFF] += histogram[level];
      }
    }
    byte[] equalised = Remap.equalized(shown);
    for (int level = 0; level < levels.length; level++) {
      levels[level] = equalised[levels[level] & 0xFF];
    }
    return levels;
  }

  private boolean isPadding(int level) {
    return padding.isPresent() && padding.get().holds(level + least);
  }

  private boolean counts(int[] histogram, int level) {
    return histogram[level] > 0 && !isPadding(level);
  }
}
