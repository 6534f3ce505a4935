package org.radialog.imaging;

import static org.radialog.imaging.ImageRefused.Reason.CORRUPT;
import static org.radialog.imaging.ImageRefused.Reason.TRUNCATED;
import static org.radialog.imaging.ImageRefused.Reason.UNSUPPORTED;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/**
 * What a PNG or JPEG file says of itself, read by walking through all of it before any pixel is
 * decoded: a file that ends early is refused here, whatever a decoder would make of it.
 *
 * @param orientation EXIF, 1 to 8
 */
record PictureHeader(int width, int height, int channels, int bytesPerSample, int orientation) {
  private static final byte[] EXIF = "Exif\0\0".getBytes(StandardCharsets.US_ASCII);

  /** PNG, third edition (W3C 2025): chunks, their check sums, IHDR first, IEND last. */
  static PictureHeader png(String image, byte[] file) {
    ByteBuffer in = ByteBuffer.wrap(file);
    PictureHeader header = null;
    boolean data = false;
    int orientation = 1;
    int at = 8;
    while (true) {
      if (file.length - at < 12) {
        throw truncated(image, "PNG", file, "chunk IEND");
      }
      long length = in.getInt(at) & 0xFFFF_FFFFL;
      String type = new String(file, at + 4, 4, StandardCharsets.ISO_8859_1);
      if (length > file.length - at - 12L) {
        throw truncated(image, "PNG", file, length + " bytes of chunk " + type);
      }
      int content = at + 8;
      boolean critical = (file[at + 4] & 0x20) == 0;
      if (critical && crc(file, at + 4, (int) length + 4) != in.getInt(content + (int) length)) {
        throw new ImageRefused(
            CORRUPT, image, "the check sum of PNG chunk " + type + " at byte " + at + " is wrong");
      }
      if (header == null && !type.equals("IHDR")) {
        throw new ImageRefused(
            CORRUPT, image, "a PNG begins with chunk IHDR, this one with " + type);
      }
      switch (type) {
        case "IHDR" -> {
          if (header != null || length != 13) {
            throw new ImageRefused(
                CORRUPT, image, "expected one IHDR of 13 bytes, found one of " + length);
          }
          header = ihdr(image, in, content);
        }
        case "IDAT" -> data = true;
        case "eXIf" -> orientation = Orientation.of(in.slice(content, (int) length));
        case "IEND" -> {
          if (!data || header == null) {
            throw new ImageRefused(CORRUPT, image, "the PNG has no IDAT chunk, so no pixels");
          }
          return header.turned(orientation);
        }
        default -> {
          // Other chunks do not concern the size; the decoder knows which it needs.
        }
      }
      at = content + (int) length + 4;
    }
  }

  private static PictureHeader ihdr(String image, ByteBuffer in, int at) {
    int depth = in.get(at + 8);
    int colour = in.get(at + 9);
    int channels =
        switch (colour) {
          case 0 -> 1;
          case 2 -> 3;
          case 3 -> 4; // a palette may hold alpha
          case 4 -> 2;
          case 6 -> 4;
          default -> 0;
        };
    boolean depthFits =
        switch (depth) {
          case 8 -> true;
          case 16 -> colour != 3;
          case 1, 2, 4 -> colour == 0 || colour == 3;
          default -> false;
        };
    if (channels == 0 || !depthFits) {
      throw new ImageRefused(
          CORRUPT, image, "a PNG of colour type " + colour + " has no depth of " + depth + " bits");
    }
    return new PictureHeader(in.getInt(at), in.getInt(at + 4), channels, depth == 16 ? 2 : 1, 1);
  }

  private static int crc(byte[] file, int at, int length) {
    var crc = new CRC32();
    crc.update(file, at, length);
    return (int) crc.getValue();
  }

  /** ITU-T T.81, annex B: segments, the frame header, scans up to the end-of-image marker. */
  static PictureHeader jpeg(String image, byte[] file) {
    PictureHeader header = null;
    boolean scanned = false;
    int orientation = 1;
    int at = 2;
    while (true) {
      while (at < file.length && file[at] != (byte) 0xFF) {
        if (!scanned) {
          throw new ImageRefused(CORRUPT, image, "expected a JPEG marker at byte %d".formatted(at));
        }
        at++; // entropy-coded data
      }
      while (at < file.length && file[at] == (byte) 0xFF) {
        at++;
      }
      if (at >= file.length) {
        throw truncated(image, "JPEG", file, "the end-of-image marker");
      }
      int marker = file[at++] & 0xFF;
      if (marker == 0xD9) {
        if (header == null || !scanned) {
          throw new ImageRefused(CORRUPT, image, "the JPEG ends before any scan");
        }
        return header.turned(orientation);
      }
      if ((marker == 0x00 && scanned) || marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7)) {
        continue; // a stuffed byte, TEM, a restart marker: no segment follows
      }
      int length = file.length - at < 2 ? 0 : (file[at] & 0xFF) << 8 | (file[at + 1] & 0xFF);
      if (file.length - at < 2 || length > file.length - at) {
        throw truncated(image, "JPEG", file, "segment 0x%02X".formatted(marker));
      }
      if (length < 2 || marker < 0xC0) {
        throw new ImageRefused(
            CORRUPT,
            image,
            "JPEG marker 0x%02X with a segment of %d bytes at byte %d"
                .formatted(marker, length, at));
      }
      if (marker == 0xDA) {
        scanned = true;
      } else if (marker == 0xE1 && startsWith(file, at + 2, length - 2, EXIF)) {
        orientation = Orientation.of(ByteBuffer.wrap(file, at + 8, length - 8));
      } else if (marker >= 0xC0
          && marker <= 0xCF
          && marker != 0xC4
          && marker != 0xC8
          && marker != 0xCC) {
        if (header != null || length < 8) {
          throw new ImageRefused(
              CORRUPT, image, "expected one JPEG frame header, found another at byte " + at);
        }
        header = frame(image, ByteBuffer.wrap(file, at + 2, length - 2).slice(), marker);
      }
      at += length;
    }
  }

  private static PictureHeader frame(String image, ByteBuffer frame, int marker) {
    int precision = frame.get(0);
    int components = frame.get(5) & 0xFF;
    if (marker > 0xC2 || precision != 8) {
      String process =
          switch (marker) {
            case 0xC0 -> "baseline";
            case 0xC1 -> "extended sequential";
            case 0xC2 -> "progressive";
            case 0xC3 -> "lossless";
            case 0xC9, 0xCA, 0xCB -> "arithmetic";
            default -> "hierarchical";
          };
      throw new ImageRefused(
          UNSUPPORTED,
          image,
          "a JPEG of process %s (SOF%d) with %d bits; read are baseline, extended and progressive with 8 bits; save it as PNG"
              .formatted(process, marker - 0xC0, precision));
    }
    if (components != 1 && components != 3) {
      throw new ImageRefused(
          UNSUPPORTED,
          image,
          "a JPEG of "
              + components
              + " components (CMYK has 4); expected 1 (grey) or 3 (colour); save it as PNG");
    }
    return new PictureHeader(
        frame.getShort(3) & 0xFFFF, frame.getShort(1) & 0xFFFF, components, 1, 1);
  }

  private PictureHeader turned(int orientation) {
    return new PictureHeader(width, height, channels, bytesPerSample, orientation);
  }

  private static boolean startsWith(byte[] file, int at, int length, byte[] prefix) {
    return length >= prefix.length
        && java.util.Arrays.equals(file, at, at + prefix.length, prefix, 0, prefix.length);
  }

  private static ImageRefused truncated(String image, String format, byte[] file, String what) {
    return new ImageRefused(
        TRUNCATED,
        image,
        "the %s ends after %d bytes, before %s: copy the file again"
            .formatted(format, file.length, what));
  }
}
