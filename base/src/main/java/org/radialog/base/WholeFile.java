package org.radialog.base;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;
import java.util.regex.Pattern;

/** Writes files atomically: to a temporary file in the same folder, which is then renamed. */
public final class WholeFile {
  // Bytes written at once: data on the heap goes through a buffer of this size.
  private static final int PIECE = 1 << 20;

  private static final Pattern LEFTOVER = Pattern.compile("\\..*" + InUse.UUIDS + "\\.tmp");

  private WholeFile() {}

  /** The content to write. */
  @FunctionalInterface
  public interface Content {
    /** Writes the content to {@code out}, which the caller closes. */
    void writeTo(OutputStream out) throws IOException;
  }

  /** Writes the bytes of a file of known size to their positions. */
  @FunctionalInterface
  public interface Placing {
    /** Writes every byte of the file to its position, in any order. */
    void put(Places file) throws IOException;
  }

  /** A file that is being written. */
  @FunctionalInterface
  public interface Places {
    /**
     * Writes all of {@code bytes} at offset {@code at} of the file; may be called from any thread.
     */
    void put(long at, MemorySegment bytes) throws IOException;
  }

  /**
   * Writes {@code content} to {@code file} and creates its folder if it does not exist.
   *
   * @throws RadialogException if it cannot be written; an existing file is then unchanged
   */
  public static void write(Path file, Content content) {
    replace(
        file,
        channel -> {
          OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
          content.writeTo(out);
          out.flush();
        });
  }

  /**
   * Writes a file of {@code bytes} bytes: for content that is larger than memory or that is not
   * produced in the order of the file. The bytes are written, not mapped, because on a full disk a
   * mapping ends with a signal instead of an exception.
   *
   * @throws RadialogException if it cannot be written or the file system is too full; an existing
   *     file is then unchanged
   */
  public static void place(Path file, long bytes, Placing content) {
    replace(
        file,
        channel -> {
          long room = Files.getFileStore(folder(file)).getUsableSpace();
          if (room < bytes) {
            throw new IOException("it needs " + bytes + " bytes and the file system has " + room);
          }
          content.put((at, piece) -> {
            for (long done = 0; done < piece.byteSize(); done += PIECE) {
              ByteBuffer left =
                  piece.asSlice(done, Math.min(PIECE, piece.byteSize() - done)).asByteBuffer();
              while (left.hasRemaining()) {
                channel.write(left, at + done + left.position());
              }
            }
          });
          if (channel.size() != bytes) {
            throw new IOException("it should have " + bytes + " bytes and got " + channel.size());
          }
        });
  }

  @FunctionalInterface
  private interface Temporary {
    void write(FileChannel channel) throws IOException;
  }

  private static Path folder(Path file) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null) {
      throw new IOException("it is the root of a file system");
    }
    return folder;
  }

  private static void replace(Path file, Temporary content) {
    Path target = file.toAbsolutePath();
    try {
      Path folder = folder(target);
      Files.createDirectories(folder);
      Path temporary = folder.resolve("." + target.getFileName() + UUID.randomUUID() + ".tmp");
      // not createTempFile, whose files are not readable by others
      try (InUse mark = InUse.create(temporary)) {
        content.write(mark.channel());
        Files.move(
            temporary, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw new RadialogException("cannot write " + file + ": " + e, e);
    }
  }

  /**
   * Deletes the temporary files that killed writers left in {@code folder}. Files that another
   * thread or process is still writing are kept.
   */
  public static void sweep(Path folder) {
    InUse.sweep(folder, LEFTOVER, left -> left);
  }

  /** Writes {@code text} as UTF-8. */
  public static void write(Path file, String text) {
    write(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
  }
}
