package org.radialog.imaging;

import static org.radialog.imaging.ImageRefused.Reason.CORRUPT;
import static org.radialog.imaging.ImageRefused.Reason.TRUNCATED;
import static org.radialog.imaging.ImageRefused.Reason.UNSUPPORTED;

import java.nio.ByteOrder;
import java.util.Locale;
import org.radialog.base.Printable;

/**
 * The picture of a DICOM file (PS3.10), with or without its preamble: one frame of uncompressed
 * grey pixels, 8 or 16 bits allocated, signed or not.
 */
record DicomPicture(DicomHeader header, Samples samples, GreyLevels levels) {
  private static final int PREAMBLE = 128;

  /** True if {@code file} looks like DICOM: by its prefix, or by a first element as old files. */
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
   * Without a preamble the first element is of group 2 or 8, little endian, with a small number.
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
   * Reads the picture.
   *
   * @throws ImageRefused by name for a compressed transfer syntax, colour or several frames; if the
   *     file ends early; if its sizes contradict each other
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
      case TransferSyntax.Native plain -> read(image, file, start, plain, limits);
      case TransferSyntax.Other other ->
          throw new ImageRefused(
              UNSUPPORTED,
              image,
              "the DICOM transfer syntax "
                  + other.title()
                  + " is not read; convert the file to Explicit VR Little Endian"
                  + " (1.2.840.10008.1.2.1), for example with dcmtk's dcmdjpeg, dcmdrle or"
                  + " dcmconv");
    };
  }

  private static DicomPicture read(
      String image, byte[] file, int start, TransferSyntax.Native syntax, Limits limits) {
    DicomDataSet set = DicomDataSet.main(image, file, start, syntax);
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
    Samples samples = layout.unpack(image, file, pixels, set.order());
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
   * How pixels are stored.
   *
   * @param allocated bits of a cell, 8 or 16
   * @param stored bits of a value, {@code highBit} the place of its most significant one
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
      // 0 is written by makers who count what follows the first.
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

    /** Levels from {@link #least()} up. */
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
      // PS3.5 8.1.1: what follows the pixels is to be ignored; another picture is no padding.
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
      // One table does masking, sign and offset.
      short[] levels = new short[1 << allocated];
      for (int cell = 0; cell < levels.length; cell++) {
        levels[cell] = (short) (value(cell) - least());
      }
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
