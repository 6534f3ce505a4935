package org.radialog.published;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.radialog.base.RadialogException;
import org.radialog.base.Sha256;
import org.radialog.base.WholeFile;

/**
 * The SHA-256 digests of files, computed from their content and not taken from a config. A cache
 * stores them together with the attributes of each file: its size, its file key and its
 * modification times. A file whose attributes are all unchanged is not read again.
 */
public final class FileDigests {
  // Within the resolution of the file system's clock, a file may change twice without a visible
  // difference.
  private static final Duration SETTLED = Duration.ofSeconds(2);

  private FileDigests() {}

  /**
   * The digests of {@code files}, 64 hexadecimal digits each.
   *
   * @throws RadialogException if one cannot be read
   */
  public static List<String> of(List<Path> files, Optional<Path> cache) {
    return files.parallelStream().map(file -> of(file, cache)).toList();
  }

  private static String of(Path file, Optional<Path> cache) {
    if (cache.isEmpty()) {
      return Sha256.of(file);
    }
    try {
      Path record = cache.get().resolve("digest-" + place(file));
      State before = State.of(file);
      Optional<String> known = known(record, before);
      if (known.isPresent()) {
        return known.get();
      }
      String digest = Sha256.of(file);
      if (before.settled() && before.equals(State.of(file))) {
        remember(record, before, digest);
      }
      return digest;
    } catch (IOException e) {
      throw new RadialogException("cannot read " + file + ": " + e, e);
    }
  }

  private static Optional<String> known(Path record, State state) {
    try {
      String[] lines = Files.readString(record).split("\n", -1);
      return lines.length == 3 && lines[0].equals(state.text()) && lines[1].length() == 64
          ? Optional.of(lines[1])
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty(); // missing or damaged: the file is read
    }
  }

  private static void remember(Path record, State state, String digest) {
    try {
      WholeFile.write(record, state.text() + "\n" + digest + "\n");
    } catch (RadialogException e) {
      // If the cache cannot be written, every start is slower, but works.
    }
  }

  // One record per file, whatever path it is reached by.
  private static String place(Path file) throws IOException {
    return Sha256.of(file.toRealPath().toString()).substring(0, 16);
  }

  /** The attributes of a file; programs cannot set {@code changed}. */
  private record State(long bytes, String number, Instant written, Instant changed) {
    static State of(Path file) throws IOException {
      BasicFileAttributes a = Files.readAttributes(file, BasicFileAttributes.class);
      Instant written = a.lastModifiedTime().toInstant();
      boolean unix = file.getFileSystem().supportedFileAttributeViews().contains("unix");
      return new State(
          a.size(),
          String.valueOf(a.fileKey()),
          written,
          unix && Files.getAttribute(file, "unix:ctime") instanceof FileTime time
              ? time.toInstant()
              : written);
    }

    boolean settled() {
      return changed.isBefore(Instant.now().minus(SETTLED));
    }

    String text() {
      return "%d bytes, file %s, written %s, changed %s".formatted(bytes, number, written, changed);
    }
  }
}
