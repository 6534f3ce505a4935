package org.radialog.data;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.zip.GZIPInputStream;

/**
 * Reads a gzipped tar archive (POSIX.1-1988 ustar, with long names as in GNU tar and pax) and
 * passes on the contents of its files. Nothing is extracted to disk, so the names in the archive
 * cannot be used to write outside a folder.
 */
final class TarGz {
  private static final int BLOCK = 512;

  /**
   * Maximum file size in bytes. Reports and tables have a few hundred bytes, so a larger file is
   * not one of them.
   */
  private static final int MOST = 16 << 20;

  private TarGz() {}

  /** Receives a file of the archive. */
  @FunctionalInterface
  interface Entry {
    void file(String name, byte[] content);
  }

  /**
   * Passes on the files whose names end in {@code suffix}, in the order of the archive.
   *
   * @param rejected receives files that are too large, and the position at which a damaged archive
   *     ends
   * @throws IOException if the file is not a gzipped archive
   */
  static void read(Path archive, String suffix, Entry files, Consumer<Rejected> rejected)
      throws IOException {
    try (InputStream bytes = new BufferedInputStream(Files.newInputStream(archive), 1 << 16);
        var in = new DataInputStream(new GZIPInputStream(bytes, 1 << 16))) {
      byte[] header = new byte[BLOCK];
      String longName = "";
      String last = "its beginning";
      boolean any = false;
      while (true) {
        try {
          in.readFully(header);
          if (allZero(header)) {
            return;
          }
          long size = size(header);
          String name = longName.isEmpty() ? name(header) : longName;
          longName = "";
          any = true;
          last = name;
          char type = (char) header[156];
          boolean nameOnly = type == 'L' || type == 'x';
          boolean file = (type == '0' || type == 0) && name.endsWith(suffix);
          if ((nameOnly || file) && size <= MOST) {
            byte[] content = new byte[(int) size];
            in.readFully(content);
            skip(in, padding(size));
            if (file) {
              files.file(name, content);
            } else {
              longName = type == 'L' ? text(content, 0, content.length) : pax(content);
            }
          } else {
            if (file) {
              rejected.accept(
                  new Rejected(
                      archive,
                      0,
                      "%s has %d bytes, at most %d are read".formatted(name, size, MOST)));
            }
            skip(in, size + padding(size));
          }
        } catch (IOException e) {
          if (!any) {
            throw e;
          }
          rejected.accept(
              new Rejected(archive, 0, "the archive is damaged after %s: %s".formatted(last, e)));
          return;
        }
      }
    }
  }

  private static long padding(long size) {
    return (BLOCK - size % BLOCK) % BLOCK;
  }

  private static void skip(DataInputStream in, long bytes) throws IOException {
    try {
      in.skipNBytes(bytes);
    } catch (EOFException e) {
      throw new EOFException("it ends " + bytes + " bytes too early or less");
    }
  }

  private static boolean allZero(byte[] block) {
    for (byte b : block) {
      if (b != 0) {
        return false;
      }
    }
    return true;
  }

  // Verifies the checksum of the header, without which any file would be accepted as an archive,
  // and returns the size.
  private static long size(byte[] header) throws IOException {
    int sum = 0;
    for (int i = 0; i < BLOCK; i++) {
      sum += i >= 148 && i < 156 ? ' ' : header[i] & 0xFF;
    }
    if (octal(header, 148, 8) != sum) {
      throw new IOException("a tar header with a wrong checksum");
    }
    return octal(header, 124, 12);
  }

  private static long octal(byte[] header, int at, int length) throws IOException {
    String digits = text(header, at, length).strip();
    if (!digits.matches("[0-7]{1,11}")) {
      throw new IOException("a tar header without a number at byte " + at);
    }
    return Long.parseLong(digits, 8);
  }

  private static String name(byte[] header) {
    String name = text(header, 0, 100);
    boolean ustar = text(header, 257, 5).equals("ustar") && header[262] == 0;
    String prefix = ustar ? text(header, 345, 155) : "";
    return prefix.isEmpty() ? name : prefix + "/" + name;
  }

  // "LENGTH path=NAME\n" among the records of a pax header; if it is missing, the next header
  // contains the name.
  private static String pax(byte[] content) {
    for (String line : text(content, 0, content.length).split("\n", -1)) {
      int at = line.indexOf(" path=");
      if (at > 0) {
        return line.substring(at + " path=".length());
      }
    }
    return "";
  }

  private static String text(byte[] bytes, int at, int length) {
    int end = at;
    while (end < at + length && bytes[end] != 0) {
      end++;
    }
    return new String(bytes, at, end - at, StandardCharsets.UTF_8);
  }
}
