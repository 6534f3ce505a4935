package org.radialog.base;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Writes a file whole or not at all: to a temporary name beside it, then renamed. */
public final class WholeFile {
  private WholeFile() {}

  /** What to write. */
  @FunctionalInterface
  public interface Content {
    /** Writes the content to {@code out}, which the caller closes. */
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Writes {@code content} to {@code file}; its folder is made where it is missing.
   *
   * @throws RadialogException if it cannot be written; what stood there before is then unchanged
   */
  public static void write(Path file, Content content) {
    Path target = file.toAbsolutePath();
    try {
      Path folder = target.getParent();
      if (folder == null) {
        throw new IOException("it is a file system's root");
      }
      Files.createDirectories(folder);
      Path temporary = Files.createTempFile(folder, "." + target.getFileName(), ".tmp");
      try {
        try (OutputStream out =
            new BufferedOutputStream(Files.newOutputStream(temporary), 1 << 16)) {
          content.writeTo(out);
        }
        Files.move(
            temporary, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw new RadialogException("cannot write " + file + ": " + e, e);
    }
  }

  /** Writes {@code text} as UTF-8. */
  public static void write(Path file, String text) {
    write(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
  }
}
