package org.radialog.imaging;

import static org.radialog.codecs.ImageRefused.Reason.EMPTY;
import static org.radialog.codecs.ImageRefused.Reason.MISSING;
import static org.radialog.codecs.ImageRefused.Reason.NOT_READABLE;
import static org.radialog.codecs.ImageRefused.Reason.TOO_LARGE;
import static org.radialog.codecs.ImageRefused.Reason.UNKNOWN_FORMAT;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.radialog.base.Sha256;
import org.radialog.base.WorkInterrupted;
import org.radialog.codecs.ImageRefused;
import org.radialog.codecs.JpegFile;
import org.radialog.codecs.JpegPixels;
import org.radialog.codecs.PictureHeader;
import org.radialog.codecs.PngFile;
import org.radialog.codecs.Samples;

/**
 * A radiograph as stored in its file. It is read completely or refused. Immutable.
 *
 * <p>Formats are recognised by content, never by name: PNG and JPEG, 8 and 16 bit, grey, RGB, RGBA,
 * palette, rotated according to their EXIF orientation; DICOM, one frame, grey, 8 to 16 bit,
 * uncompressed or with a common compression (docs/dicom.md).
 */
public final class Radiograph {
  /** The format of the source. */
  public enum Format {
    /** Portable Network Graphics. */
    PNG,
    /** JPEG, 8 bit. */
    JPEG,
    /** DICOM, whatever its transfer syntax. */
    DICOM,
    /** Created in memory. */
    MEMORY
  }

  private static final String DASH = "-";
  private static final Set<String> STANDARD_INPUT =
      Set.of(DASH, "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0");
  private static final int MOST_BYTES = 1 << 30;

  private final String name;
  private final Format format;
  private final String sha256;
  private final Samples samples;
  private final GreyLevels levels;
  private final Optional<DicomHeader> dicom;

  private Radiograph(
      String name,
      Format format,
      String sha256,
      Samples samples,
      GreyLevels levels,
      Optional<DicomHeader> dicom) {
    this.name = name;
    this.format = format;
    this.sha256 = sha256;
    this.samples = samples;
    this.levels = levels;
    this.dicom = dicom;
  }

  /**
   * Reads a file within {@link Limits#DEFAULT}.
   *
   * @param file a file, a pipe, or {@code -} for standard input
   * @throws ImageRefused if it is missing, not a radiograph format, damaged or too large
   */
  public static Radiograph read(Path file) {
    return read(file, Limits.DEFAULT);
  }

  /**
   * Reads a file. A source that is not a regular file, such as a pipe, is read up to the limit and
   * can be read only once.
   *
   * @param file a file, a pipe, or {@code -} for standard input
   * @throws ImageRefused if it is missing, not a radiograph format, damaged or beyond {@code
   *     limits}
   * @throws WorkInterrupted if the thread is interrupted; its interrupted status stays set
   */
  public static Radiograph read(Path file, Limits limits) {
    Objects.requireNonNull(file, "file");
    Objects.requireNonNull(limits, "limits");
    String image = file.toString();
    if (image.equals(DASH)) {
      try {
        return decode(image, content(image, System.in, limits), limits);
      } catch (IOException e) {
        throw unreadable(image, e);
      }
    }
    if (!Files.exists(file)) {
      throw new ImageRefused(MISSING, image, "no such file");
    }
    if (Files.isDirectory(file)) {
      throw new ImageRefused(NOT_READABLE, image, "is a folder, expected an image file");
    }
    try {
      if (!Files.isRegularFile(file)) {
        try (InputStream in = Files.newInputStream(file)) {
          return decode(image, content(image, in, limits), limits);
        }
      }
      long size = Files.size(file);
      if (size > limits.maxBytes()) {
        throw new ImageRefused(
            TOO_LARGE,
            image,
            "the file has %d MiB, the limit is %d MiB"
                .formatted(size >> 20, limits.maxBytes() >> 20));
      }
      return decode(image, Files.readAllBytes(file), limits);
    } catch (ClosedByInterruptException e) {
      throw new WorkInterrupted("reading " + image, e);
    } catch (IOException e) {
      throw unreadable(image, e);
    }
  }

  /** Whether this is {@code -} or a device name of standard input. */
  public static boolean isStandardInput(Path file) {
    return STANDARD_INPUT.contains(Objects.requireNonNull(file, "file").toString());
  }

  private static ImageRefused unreadable(String image, IOException e) {
    return new ImageRefused(NOT_READABLE, image, "cannot be read: " + e, e);
  }

  /** All data, up to the limit. */
  private static byte[] content(String image, InputStream in, Limits limits) throws IOException {
    int most = (int) Math.min(limits.maxBytes(), MOST_BYTES);
    byte[] bytes = in.readNBytes(most + 1);
    if (bytes.length > most) {
      throw new ImageRefused(
          TOO_LARGE, image, "read more than %d MiB, the limit".formatted(most >> 20));
    }
    if (bytes.length == 0) {
      throw new ImageRefused(
          EMPTY, image, "no data: a pipe or standard input can be read only once");
    }
    return bytes;
  }

  /**
   * Decodes the content of a file.
   *
   * @param name the name used in messages
   * @throws ImageRefused if it is not a radiograph format, damaged or beyond {@code limits}
   */
  public static Radiograph decode(String name, byte[] file, Limits limits) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(file, "file");
    Objects.requireNonNull(limits, "limits");
    if (file.length == 0) {
      throw new ImageRefused(EMPTY, name, "the file is empty");
    }
    if (startsWith(file, 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n')) {
      PngFile png = PngFile.of(name, file);
      return picture(name, file, limits, Format.PNG, png.header(), png::samples);
    }
    if (startsWith(file, 0xFF, 0xD8, 0xFF)) {
      JpegFile jpeg = JpegFile.of(name, file);
      return picture(
          name, file, limits, Format.JPEG, jpeg.header(), () -> JpegPixels.decode(name, jpeg));
    }
    if (DicomPicture.recognises(file)) {
      DicomPicture picture = DicomPicture.read(name, file, limits);
      return new Radiograph(
          name,
          Format.DICOM,
          Sha256.of(file),
          picture.samples(),
          picture.levels(),
          Optional.of(picture.header()));
    }
    throw new ImageRefused(
        UNKNOWN_FORMAT,
        name,
        "is neither PNG nor JPEG nor DICOM: it begins with the bytes "
            + HexFormat.ofDelimiter(" ").formatHex(file, 0, Math.min(8, file.length)));
  }

  /**
   * A grey radiograph created in memory: {@code pixels} is [height, width], row-major, unsigned.
   */
  public static Radiograph ofGrey(String name, int width, int height, byte[] pixels) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(pixels, "pixels");
    if (width < 1 || height < 1 || (long) width * height != pixels.length) {
      throw new IllegalArgumentException(
          "expected " + width + "×" + height + " pixels, got " + pixels.length);
    }
    return of(name, new Samples.Bytes(width, height, 1, pixels.clone()));
  }

  static Radiograph of(String name, Samples samples) {
    byte[] bytes = new byte[samples.width() * samples.height() * samples.channels() * 2];
    for (int i = 0; i < bytes.length / 2; i++) {
      bytes[2 * i] = (byte) (samples.at(i) >> 8);
      bytes[2 * i + 1] = (byte) samples.at(i);
    }
    return new Radiograph(
        name, Format.MEMORY, Sha256.of(bytes), samples, GreyLevels.PLAIN, Optional.empty());
  }

  private static Radiograph picture(
      String name,
      byte[] file,
      Limits limits,
      Format format,
      PictureHeader header,
      Supplier<Samples> decode) {
    limits.check(name, header.width(), header.height(), header.channels(), header.bytesPerSample());
    Samples samples = decode.get();
    return new Radiograph(
        name,
        format,
        Sha256.of(file),
        samples.oriented(header.orientation()),
        GreyLevels.PLAIN,
        Optional.empty());
  }

  private static boolean startsWith(byte[] file, int... magic) {
    for (int i = 0; i < magic.length; i++) {
      if (file.length <= i || (file[i] & 0xFF) != magic[i]) {
        return false;
      }
    }
    return true;
  }

  /** The name used in messages: its path, or the name it was given. */
  public String name() {
    return name;
  }

  /** The format of the source. */
  public Format format() {
    return format;
  }

  /** Width in pixels, after applying the EXIF orientation. */
  public int width() {
    return samples.width();
  }

  /** Height in pixels, after applying the EXIF orientation. */
  public int height() {
    return samples.height();
  }

  /** SHA-256 of the file's bytes, in hexadecimal. */
  public String sha256() {
    return sha256;
  }

  /** The properties of the image in the DICOM header, if it came from a DICOM file. */
  public Optional<DicomHeader> dicom() {
    return dicom;
  }

  /**
   * 8-bit grey for display: [height, width], row-major, unsigned. For DICOM, modality LUT, the
   * first window or VOI LUT of the file, and polarity are applied. 8-bit images are unchanged;
   * 16-bit images are scaled from their smallest to their largest value.
   */
  public byte[] display() {
    return samples.grey(levels.forDisplay(samples.histogram()));
  }

  /** 8-bit grey for a model: [height, width], row-major, unsigned. */
  byte[] levels(DicomRecipe recipe) {
    return samples.grey(levels.forModel(recipe, samples.histogram()));
  }

  Samples samples() {
    return samples;
  }
}
