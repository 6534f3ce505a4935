package org.radialog.imaging;

import static org.radialog.codecs.ImageRefused.Reason.CORRUPT;
import static org.radialog.codecs.ImageRefused.Reason.TOO_LARGE;
import static org.radialog.codecs.ImageRefused.Reason.TRUNCATED;
import static org.radialog.codecs.ImageRefused.Reason.UNSUPPORTED;

import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.Locale;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.radialog.base.Printable;
import org.radialog.codecs.Frame;
import org.radialog.codecs.ImageRefused;
import org.radialog.codecs.Jpeg2000;
import org.radialog.codecs.JpegStream;
import org.radialog.codecs.Rle;
import org.radialog.codecs.Samples;

/**
 * The image of a DICOM file (PS3.10), with or without preamble: one frame of grey pixels, 8 or 16
 * bits allocated, signed or unsigned, uncompressed or with a compression listed in {@link
 * TransferSyntax}.
 */
record DicomPicture(DicomHeader header, Samples samples, GreyLevels levels) {
  private static final int PREAMBLE = 128;

  /**
   * Whether {@code file} looks like DICOM: by its prefix or, for old files, by its first element.
   */
  static boolean recognises(byte[] file) {
    return prefixed(file) || bare(file);
  }

  private static boolean prefixed(byte[] file) {
    return file.length >= PREAMBLE + 4
        && file[PREAMBLE] == 'D'
        && file[PREAMBLE + 1] == 'I'
        && file[PREAMBLE + 2] == 'C'
        && file[PREAMBLE + 3] == 'M';
  }

  /**
   * Without a preamble the first element is in group 2 or 8, little endian, with a small number.
   */
  private static boolean bare(byte[] file) {
    if (file.length < 8 || (file[0] != 2 && file[0] != 8) || file[1] != 0 || file[3] != 0) {
      return false;
    }
    long implicitLength =
        (file[4] & 0xFFL)
            | (file[5] & 0xFFL) << 8
            | (file[6] & 0xFFL) << 16
            | (file[7] & 0xFFL) << 24;
    return explicitAt(file, 0) || implicitLength <= 64;
  }

  private static boolean explicitAt(byte[] file, int at) {
    return file.length >= at + 6
        && file[at + 4] >= 'A'
        && file[at + 4] <= 'Z'
        && file[at + 5] >= 'A'
        && file[at + 5] <= 'Z';
  }

  /**
   * Reads the image.
   *
   * @throws ImageRefused for an unsupported transfer syntax, which is named; for colour or several
   *     frames; if the file ends early; if its sizes contradict each other
   */
  static DicomPicture read(String image, byte[] file, Limits limits) {
    DicomDataSet meta = DicomDataSet.meta(image, file, prefixed(file) ? PREAMBLE + 4 : 0);
    int start = meta.position();
    String uid = meta.text(DicomDataSet.TRANSFER_SYNTAX);
    TransferSyntax syntax =
        !uid.isEmpty()
            ? TransferSyntax.of(uid)
            : explicitAt(file, start)
                ? TransferSyntax.EXPLICIT_LITTLE
                : TransferSyntax.IMPLICIT_LITTLE;
    return switch (syntax) {
      case TransferSyntax.Native plain -> read(image, file, start, plain, syntax, limits);
      case TransferSyntax.Deflated _ ->
          read(
              image,
              inflated(image, file, start, limits),
              0,
              TransferSyntax.EXPLICIT_LITTLE,
              syntax,
              limits);
      case TransferSyntax.Encapsulated _ ->
          read(image, file, start, TransferSyntax.EXPLICIT_LITTLE, syntax, limits);
      case TransferSyntax.Other other ->
          throw new ImageRefused(
              UNSUPPORTED,
              image,
              "the DICOM transfer syntax %s is not read; %s"
                  .formatted(other.title(), other.hint()));
    };
  }

  /**
   * Inflates the data from {@code start} on. They are inflated twice, so that the size is known
   * first.
   */
  private static byte[] inflated(String image, byte[] file, int start, Limits limits) {
    byte[] piece = new byte[1 << 16];
    long size = 0;
    try (var inflater = new Inflater(true)) {
      inflater.setInput(file, start, file.length - start);
      while (!inflater.finished()) {
        int count = inflater.inflate(piece);
        if (count == 0 && !inflater.finished()) {
          throw new ImageRefused(
              TRUNCATED,
              image,
              "the DICOM file ends at byte %d, before its deflated data set does: copy the file again"
                  .formatted(file.length));
        }
        size += count;
        if (size > Math.min(limits.maxBytes(), Integer.MAX_VALUE - 8)) {
          throw new ImageRefused(
              TOO_LARGE,
              image,
              "the deflated data set has more than %d MiB, the limit"
                  .formatted(limits.maxBytes() >> 20));
        }
      }
      byte[] set = new byte[(int) size];
      inflater.reset();
      inflater.setInput(file, start, file.length - start);
      for (int at = 0; at < set.length; ) {
        at += inflater.inflate(set, at, set.length - at);
      }
      return set;
    } catch (DataFormatException e) {
      throw new ImageRefused(
          CORRUPT, image, "the deflated data set cannot be inflated: " + e.getMessage(), e);
    }
  }

  private static DicomPicture read(
      String image,
      byte[] file,
      int start,
      TransferSyntax.Native elements,
      TransferSyntax syntax,
      Limits limits) {
    DicomDataSet set = DicomDataSet.main(image, file, start, elements);
    var header =
        new DicomHeader(
            set.text(DicomDataSet.MODALITY),
            set.text(DicomDataSet.BODY_PART),
            set.text(DicomDataSet.VIEW_POSITION),
            set.text(DicomDataSet.PATIENT_ORIENTATION),
            set.text(DicomDataSet.PHOTOMETRIC).toUpperCase(Locale.ROOT),
            set.text(DicomDataSet.PRESENTATION_LUT_SHAPE));
    var layout = Layout.of(image, set, header.photometricInterpretation(), limits);
    DicomDataSet.Value pixels = set.value(DicomDataSet.PIXEL_DATA).orElseThrow();
    boolean encapsulated = pixels.length() == DicomDataSet.ENCAPSULATED;
    Samples samples;
    if (syntax instanceof TransferSyntax.Encapsulated coded) {
      if (!encapsulated) {
        throw new ImageRefused(
            CORRUPT,
            image,
            "the pixel data are not encapsulated although the transfer syntax says "
                + coded.title());
      }
      byte[] data = Fragments.join(image, file, pixels.offset());
      if (coded.coding() == TransferSyntax.Coding.PLAIN) {
        var plain = new DicomDataSet.Value("OB", 0, data.length);
        samples = layout.unpack(image, data, plain, ByteOrder.LITTLE_ENDIAN);
      } else {
        Frame frame =
            coded.coding() == TransferSyntax.Coding.RLE
                ? Rle.decode(image, data, layout.columns(), layout.rows(), layout.allocated())
                : layout.codestream(image, data, coded);
        layout = layout.of(image, frame);
        samples = layout.levels(frame);
      }
    } else if (encapsulated) {
      throw new ImageRefused(
          CORRUPT,
          image,
          "the pixel data are encapsulated although the transfer syntax says uncompressed");
    } else {
      samples = layout.unpack(image, file, pixels, set.order());
    }
    return new DicomPicture(
        header,
        samples,
        DicomLevels.of(
            image,
            set,
            new DicomLevels.Range(layout.least(), layout.greatest(), layout.signed()),
            header.photometricInterpretation().equals("MONOCHROME1")));
  }

  /**
   * The storage layout of pixels.
   *
   * @param allocated bits of a cell, 8 or 16
   * @param stored bits of a value, {@code highBit} the position of its most significant bit
   */
  private record Layout(
      int rows, int columns, int allocated, int stored, int highBit, boolean signed) {
    static Layout of(String image, DicomDataSet set, String photometric, Limits limits) {
      if (!photometric.equals("MONOCHROME1") && !photometric.equals("MONOCHROME2")) {
        throw new ImageRefused(
            UNSUPPORTED,
            image,
            "photometric interpretation "
                + (photometric.isEmpty() ? "is missing" : Printable.of(photometric))
                + ", expected MONOCHROME1 or MONOCHROME2");
      }
      int samples = set.number(DicomDataSet.SAMPLES_PER_PIXEL).orElse(1);
      if (samples != 1) {
        throw new ImageRefused(
            CORRUPT, image, photometric + " with " + samples + " samples per pixel, expected 1");
      }
      String frames = set.text(DicomDataSet.FRAMES);
      // Manufacturers who count only the frames after the first write 0.
      double number = frames.isEmpty() ? 1 : set.decimal(DicomDataSet.FRAMES).orElse(Double.NaN);
      if (number != 0 && number != 1) {
        throw new ImageRefused(
            UNSUPPORTED,
            image,
            "the DICOM file has " + Printable.of(frames) + " frames, expected 1");
      }
      int rows = set.required(DicomDataSet.ROWS, "Rows");
      int columns = set.required(DicomDataSet.COLUMNS, "Columns");
      int allocated = set.required(DicomDataSet.BITS_ALLOCATED, "BitsAllocated");
      int stored = set.number(DicomDataSet.BITS_STORED).orElse(allocated);
      int highBit = set.number(DicomDataSet.HIGH_BIT).orElse(stored - 1);
      int representation = set.number(DicomDataSet.PIXEL_REPRESENTATION).orElse(0);
      if (allocated != 8 && allocated != 16) {
        throw new ImageRefused(
            UNSUPPORTED, image, "pixels of " + allocated + " bits allocated, expected 8 or 16");
      }
      if (stored < 2
          || stored > allocated
          || highBit < stored - 1
          || highBit >= allocated
          || representation > 1) {
        throw new ImageRefused(
            CORRUPT,
            image,
            "bits allocated %d, stored %d, high bit %d, representation %d contradict each other"
                .formatted(allocated, stored, highBit, representation));
      }
      limits.check(image, columns, rows, 1, allocated / 8);
      return new Layout(rows, columns, allocated, stored, highBit, representation == 1);
    }

    int greatest() {
      return least() + (1 << stored) - 1;
    }

    int least() {
      return signed ? -(1 << (stored - 1)) : 0;
    }

    /** The stored value in the low bits of a cell. */
    int value(int cell) {
      int bits = cell >> (highBit - stored + 1) & ((1 << stored) - 1);
      return signed ? bits << (32 - stored) >> (32 - stored) : bits;
    }

    /** The level of each cell: one table applies mask, sign and offset. */
    private short[] levels() {
      short[] levels = new short[1 << allocated];
      for (int cell = 0; cell < levels.length; cell++) {
        levels[cell] = (short) (value(cell) - least());
      }
      return levels;
    }

    /** Decodes according to the codestream, because some files declare a related syntax. */
    Frame codestream(String image, byte[] data, TransferSyntax.Encapsulated syntax) {
      if (startsWith(data, 0xFF, 0xD8, 0xFF)) {
        return JpegStream.decode(image, data, columns, rows);
      }
      if (Jpeg2000.begins(data)) {
        return Jpeg2000.decode(image, data, columns, rows);
      }
      throw new ImageRefused(
          CORRUPT,
          image,
          "the transfer syntax says %s, the pixel data begin with the bytes %s"
              .formatted(
                  syntax.title(),
                  HexFormat.ofDelimiter(" ").formatHex(data, 0, Math.min(8, data.length))));
    }

    private static boolean startsWith(byte[] data, int... magic) {
      for (int i = 0; i < magic.length; i++) {
        if (data.length <= i || (data[i] & 0xFF) != magic[i]) {
          return false;
        }
      }
      return true;
    }

    /**
     * The layout of the values of a decoded frame, which are cells: bits other than the stored ones
     * are ignored, as in uncompressed pixels. After lossy compression, however, values may exceed
     * their bits, and the bits of the codestream are used.
     */
    Layout of(String image, Frame frame) {
      if (frame.bits() > allocated || (signed && frame.bits() < stored && !frame.signed())) {
        throw new ImageRefused(
            CORRUPT,
            image,
            "the codestream has %d bits per sample, the DICOM header says %d of %d allocated%s"
                .formatted(frame.bits(), stored, allocated, signed ? ", signed" : ""));
      }
      return frame.exact() || frame.bits() <= stored || highBit != stored - 1
          ? this
          : new Layout(rows, columns, allocated, frame.bits(), frame.bits() - 1, signed);
    }

    /** Levels, starting at {@link #least()}. */
    Samples levels(Frame frame) {
      short[] values = frame.values();
      short[] levels = levels();
      if (allocated == 8) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < bytes.length; i++) {
          bytes[i] = (byte) levels[values[i] & 0xFF];
        }
        return new Samples.Bytes(columns, rows, 1, bytes);
      }
      for (int i = 0; i < values.length; i++) {
        values[i] = levels[values[i] & 0xFFFF];
      }
      return new Samples.Words(columns, rows, 1, values);
    }

    /** Levels, starting at {@link #least()}. */
    Samples unpack(String image, byte[] file, DicomDataSet.Value pixels, ByteOrder order) {
      long count = (long) rows * columns;
      long expected = count * (allocated / 8);
      if (pixels.length() < expected) {
        throw new ImageRefused(
            TRUNCATED,
            image,
            "%d×%d pixels of %d bits need %d bytes, the pixel data have %d"
                .formatted(columns, rows, allocated, expected, pixels.length()));
      }
      // PS3.5 8.1.1: bytes after the pixels are ignored; but another image is not padding.
      if (pixels.length() >= 2 * expected && pixels.length() > expected + (expected & 1)) {
        throw new ImageRefused(
            CORRUPT,
            image,
            "%d×%d pixels of %d bits are %d bytes, the pixel data have %d: more than one picture"
                .formatted(columns, rows, allocated, expected, pixels.length()));
      }
      boolean big = order == ByteOrder.BIG_ENDIAN;
      int at = pixels.offset();
      int size = (int) count;
      short[] levels = levels();
      if (allocated == 8) {
        // PS3.5 A.3: 8-bit cells in words of VR OW are swapped with their words.
        int swap = big && pixels.vr().equals("OW") ? 1 : 0;
        byte[] values = new byte[size];
        for (int i = 0; i < size; i++) {
          int from = Math.min(i ^ swap, pixels.length() - 1);
          values[i] = (byte) levels[file[at + from] & 0xFF];
        }
        return new Samples.Bytes(columns, rows, 1, values);
      }
      short[] values = new short[size];
      int low = big ? 1 : 0;
      for (int i = 0; i < size; i++) {
        int from = at + 2 * i;
        values[i] = levels[(file[from + low] & 0xFF) | (file[from + 1 - low] & 0xFF) << 8];
      }
      return new Samples.Words(columns, rows, 1, values);
    }
  }
}
