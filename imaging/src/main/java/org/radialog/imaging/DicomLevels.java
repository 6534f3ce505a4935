package org.radialog.imaging;

import static org.radialog.codecs.ImageRefused.Reason.CORRUPT;
import static org.radialog.codecs.ImageRefused.Reason.UNSUPPORTED;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.radialog.base.Printable;
import org.radialog.codecs.ImageRefused;
import org.radialog.codecs.Remap;

/**
 * Converts the stored values of a DICOM image to grey: modality LUT, VOI LUT, polarity (PS3.4,
 * figure N.2-1; PS3.3 C.11.1, C.11.2, C.7.6.3.1.2).
 *
 * <p>A stored value {@code v} has level {@code v - least}. Padding is black and excluded from
 * minimum, maximum and histogram.
 *
 * @param least the smallest value that can be stored: 0, or negative for signed pixels
 * @param inverted MONOCHROME1: the smallest value is white
 */
record DicomLevels(
    int least, Optional<Padding> padding, Modality modality, Optional<Voi> voi, boolean inverted)
    implements GreyLevels {

  /** Stored values from {@code first} to {@code last}, both inclusive. */
  record Padding(int first, int last) {
    boolean holds(int value) {
      return value >= first && value <= last;
    }
  }

  // Implicit encoding has no value representation.
  private static final Set<String> WORDS = Set.of("US", "SS", "OW", "UN", "");

  /** The values that can be stored, both ends inclusive. */
  record Range(int least, int greatest, boolean signed) {}

  /** Maps stored values to physical values. */
  sealed interface Modality {
    double of(int stored);
  }

  record Rescale(double slope, double intercept) implements Modality {
    @Override
    public double of(int stored) {
      return stored * slope + intercept;
    }
  }

  /** Maps physical values to 0 … 255, before rounding. */
  sealed interface Voi {
    double of(double value);
  }

  /**
   * A table of PS3.3 C.11.1.1.1: values below its first input use the first entry, values beyond
   * the last input the last entry.
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Lut(int first, int bits, int[] entries) implements Modality, Voi {
    /**
     * The table in the item of a sequence: a descriptor (number of entries, where 0 means 65,536;
     * first input; bits), then the entries, each in a word or, if there are too few bytes, in a
     * byte.
     *
     * <p>The bit depth is taken from the entries, because manufacturers write 16 for entries with
     * 12 bits, and 10 for entries with 12.
     *
     * @param low the smallest value that is looked up, {@code high} the largest
     */
    static Lut of(String image, DicomDataSet item, boolean signed, double low, double high) {
      Optional<DicomDataSet.Value> descriptor = item.value(DicomDataSet.LUT_DESCRIPTOR);
      Optional<DicomDataSet.Value> data = item.value(DicomDataSet.LUT_DATA);
      if (descriptor.isEmpty() || data.isEmpty() || descriptor.get().length() != 6) {
        throw new ImageRefused(
            CORRUPT,
            image,
            "a LUT needs a descriptor (0028,3002) with three numbers and data (0028,3006)");
      }
      int count = item.word(descriptor.get(), 0) == 0 ? 65_536 : item.word(descriptor.get(), 0);
      int bits = item.word(descriptor.get(), 2);
      int length = data.get().length();
      int padded = count + (count & 1);
      boolean bytes =
          length < 2 * count && (length == padded || (bits <= 8 && length == padded + 2));
      if (!bytes && length < 2 * count) {
        throw new ImageRefused(
            CORRUPT,
            image,
            "a LUT of %d entries of %d bits has %d bytes of data".formatted(count, bits, length));
      }
      int[] table = new int[count];
      for (int i = 0; i < count; i++) {
        int word = item.word(data.get(), bytes ? i / 2 : i);
        table[i] = bytes ? word >> (8 * (i & 1)) & 0xFF : word;
      }
      int greatest = Arrays.stream(table).max().orElseThrow();
      int depth = Math.max(8, Integer.SIZE - Integer.numberOfLeadingZeros(greatest));
      boolean negative =
          switch (descriptor.get().vr()) {
            case "SS" -> true;
            default -> signed;
          };
      return new Lut(
          first(item.word(descriptor.get(), 1), count, negative, low, high), depth, table);
    }

    /**
     * The first input has 16 bits, signed or unsigned, and many writers encode it wrongly. It is
     * interpreted so that the table covers the values, if possible.
     */
    private static int first(int word, int count, boolean signed, double low, double high) {
      int expected = signed ? (short) word : word;
      int other = signed ? word : (short) word;
      boolean meets = expected <= high && expected + count > low;
      boolean otherMeets = other <= high && other + count > low;
      return !meets && otherMeets ? other : expected;
    }

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

  /** The levels of a data set whose stored values are within {@code range}. */
  static DicomLevels of(String image, DicomDataSet set, Range range, boolean inverted) {
    Modality modality =
        set.item(DicomDataSet.MODALITY_LUT)
            .<Modality>map(
                item -> Lut.of(image, item, range.signed(), range.least(), range.greatest()))
            .orElseGet(() -> rescale(image, set));
    return new DicomLevels(
        range.least(),
        padding(set, range.signed()),
        modality,
        voi(image, set, range, modality),
        inverted);
  }

  private static Rescale rescale(String image, DicomDataSet set) {
    double slope = set.decimal(DicomDataSet.SLOPE).orElse(1.0);
    double intercept = set.decimal(DicomDataSet.INTERCEPT).orElse(0.0);
    if (slope == 0) {
      throw new ImageRefused(
          CORRUPT, image, "rescale slope (0028,1053) is 0: the image would be constant");
    }
    return new Rescale(slope, intercept);
  }

  /**
   * Some manufacturers store a signed value as unsigned, so only its bits are used. An element that
   * is not a single number of two bytes is ignored, as in other readers: its pixels are part of the
   * image.
   */
  private static Optional<Padding> padding(DicomDataSet set, boolean signed) {
    return word(set, DicomDataSet.PADDING)
        .map(bits -> {
          int first = signed ? (short) (int) bits : bits;
          int limit = word(set, DicomDataSet.PADDING_LIMIT).orElse(bits);
          int last = signed ? (short) limit : limit;
          return new Padding(Math.min(first, last), Math.max(first, last));
        });
  }

  private static Optional<Integer> word(DicomDataSet set, int tag) {
    return set.value(tag)
        .filter(value -> value.length() == 2 && WORDS.contains(value.vr()))
        .map(value -> set.word(value, 0));
  }

  /** The first window; without a window, the first VOI LUT (PS3.3 C.11.2 allows either). */
  private static Optional<Voi> voi(String image, DicomDataSet set, Range range, Modality modality) {
    Optional<Double> center = set.decimal(DicomDataSet.WINDOW_CENTER);
    Optional<Double> width = set.decimal(DicomDataSet.WINDOW_WIDTH);
    if (center.isPresent() && width.isPresent()) {
      double c = center.get();
      double w = width.get();
      String function = set.text(DicomDataSet.VOI_FUNCTION);
      switch (function.toUpperCase(Locale.ROOT).replace(' ', '_')) {
        case "", "LINEAR" -> {
          if (w >= 1) {
            return Optional.of(new Linear(c, w));
          }
        }
        case "LINEAR_EXACT" -> {
          if (w > 0) {
            return Optional.of(new LinearExact(c, w));
          }
        }
        case "SIGMOID" -> {
          if (w > 0) {
            return Optional.of(new Sigmoid(c, w));
          }
        }
        default ->
            throw new ImageRefused(
                UNSUPPORTED,
                image,
                "VOI LUT function "
                    + Printable.of(function)
                    + " (0028,1056), expected LINEAR, LINEAR_EXACT or SIGMOID");
      }
      // A window without a width is treated as absent.
    }
    double one = modality.of(range.least());
    double other = modality.of(range.greatest());
    return set.item(DicomDataSet.VOI_LUT)
        .map(item ->
            Lut.of(image, item, range.signed(), Math.min(one, other), Math.max(one, other)));
  }

  @Override
  public byte[] forModel(DicomRecipe recipe, int[] histogram) {
    byte[] levels =
        switch (recipe) {
          case VOI -> forDisplay(histogram);
          case MINMAX -> minMax(histogram, inverted);
          case MIMIC_CXR_JPG -> mimic(histogram);
        };
    // The min–max step of the chain is applied to the result, as it would be for a PNG made in this
    // way.
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

  /** VOI, then polarity, rounded to nearest; min–max if the file has no VOI. */
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

  /** {@code remap_to_uint8} of the values after the modality LUT, optionally inverted. */
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
   * The order used for MIMIC-CXR-JPG: min–max truncated to 8 bits, inverted for MONOCHROME1, then
   * OpenCV's equalizeHist.
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
