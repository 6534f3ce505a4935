package org.radialog.imaging;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Small compressed DICOM files of our own making, each with its plain form: the original where the
 * coding is lossless, dcmtk's (for JPEG 2000 gdcm's) decoding of it where it is not.
 */
final class CompressedFiles {
  private static final String FOLDER = "/cases/dicom-compressed/";

  /** {@code tolerance}: by how much a stored value may differ from the plain file's. */
  record Case(String file, String plain, int tolerance) {
    byte[] bytes() {
      return CompressedFiles.bytes(file);
    }

    @Override
    public String toString() {
      return file;
    }
  }

  private CompressedFiles() {}

  static byte[] bytes(String name) {
    try (InputStream in = CompressedFiles.class.getResourceAsStream(FOLDER + name)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static List<Case> all() {
    return new String(bytes("expected.csv"), StandardCharsets.UTF_8)
        .lines()
        .skip(1)
        .map(line -> line.split(",", -1))
        .map(cells -> new Case(cells[0], cells[1], Integer.parseInt(cells[2])))
        .toList();
  }
}
