package org.radialog.base;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/** Writes a file whole or not at all: to a temporary name beside it, then renamed. */
public final class WholeFile {
  private WholeFile() {}

  /** What to write. */
  @FunctionalInterface
  public interface Content {
    /** Writes the content to {@code out}, which the caller closes. */
    void writeTo(OutputStream out) throws IOException;
  }

  /** What fills a file of a known size. */
  @FunctionalInterface
  public interface Filling {
    /** Fills {@code whole}, zeros at first, from any threads; it is invalid afterwards. */
    void fill(MemorySegment whole) throws IOException;
  }

  /**
   * Writes {@code content} to {@code file}; its folder is made where it is missing.
   *
   * @throws RadialogException if it cannot be written; what stood there before is then unchanged
   */
  public static void write(Path file, Content content) {
    replace(
        file,
        temporary -> {
          try (OutputStream out =
              new BufferedOutputStream(Files.newOutputStream(temporary), 1 << 16)) {
            content.writeTo(out);
          }
        });
  }

  /**
   * Writes a file of {@code bytes} bytes through a mapping: for content that is larger than the
   * heap, or made in another order than it stands.
   *
   * @throws RadialogException if it cannot be written, or the file system has not so much room;
   *     what stood there before is then unchanged
   */
  public static void map(Path file, long bytes, Filling filling) {
    replace(
        file,
        temporary -> {
          // A mapping beyond the end of the disk would end the process rather than throw.
          long room = Files.getFileStore(temporary).getUsableSpace();
          if (room < bytes) {
            throw new IOException("it needs " + bytes + " bytes and the file system has " + room);
          }
          try (FileChannel channel =
                  FileChannel.open(temporary, StandardOpenOption.READ, StandardOpenOption.WRITE);
              Arena arena = Arena.ofShared()) {
            filling.fill(channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena));
          }
        });
  }

  @FunctionalInterface
  private interface Temporary {
    void write(Path temporary) throws IOException;
  }

  private static void replace(Path file, Temporary content) {
    Path target = file.toAbsolutePath();
    try {
      Path folder = target.getParent();
      if (folder == null) {
        throw new IOException("it is a file system's root");
      }
      Files.createDirectories(folder);
      // not createTempFile, whose files nobody else may read
      Path temporary =
          Files.createFile(folder.resolve("." + target.getFileName() + UUID.randomUUID() + ".tmp"));
      try {
        content.write(temporary);
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
