package org.radialog.base;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A new file that marks files or folders that are being written. It is locked, and the operating
 * system releases the lock when the process ends in any way: a marked item without a lock is a
 * leftover.
 */
final class InUse implements AutoCloseable {
  /** The format of a {@link java.util.UUID}, for the names of temporary files. */
  static final String UUIDS = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";

  // On a file system without locks, a file younger than this counts as in use.
  private static final Duration LONGEST = Duration.ofDays(1);

  // A process loses its lock on a file as soon as it closes any channel to the file, so a sweep
  // must not even open a file that another thread writes.
  private static final Set<Path> OURS = ConcurrentHashMap.newKeySet();

  private final Path key;
  private final FileChannel channel;

  private InUse(Path key, FileChannel channel) {
    this.key = key;
    this.channel = channel;
  }

  /** Creates {@code file}, which must not exist yet, in an existing folder. */
  @SuppressWarnings("MustBeClosedChecker") // close closes it
  static InUse create(Path file) throws IOException {
    Path key = key(file);
    OURS.add(key);
    try {
      while (true) {
        FileChannel channel =
            FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try {
          lock(channel);
          if (Files.exists(file)) {
            return new InUse(key, channel);
          }
          channel.close(); // another process deleted it before it was locked
        } catch (IOException | RuntimeException | Error e) {
          channel.close();
          throw e;
        }
      }
    } catch (IOException | RuntimeException | Error e) {
      OURS.remove(key);
      throw e;
    }
  }

  private static void lock(FileChannel channel) {
    try {
      channel.lock();
    } catch (IOException e) {
      // The file system has no locks, so a sweep uses the age of the file.
    }
  }

  private static Path key(Path file) throws IOException {
    Path absolute = file.toAbsolutePath();
    Path folder = absolute.getParent();
    return folder == null ? absolute : folder.toRealPath().resolve(absolute.getFileName());
  }

  /** The file, open for writing. */
  FileChannel channel() {
    return channel;
  }

  /**
   * Deletes temporary files and folders that no process is writing any more.
   *
   * @param names the pattern of the names that a writer uses
   * @param markOf gives the file that marks an item; an item without a mark is kept
   */
  static void sweep(Path folder, Pattern names, UnaryOperator<Path> markOf) {
    List<Path> found;
    try (Stream<Path> all = Files.list(folder)) {
      found =
          all.filter(file -> names.matcher(String.valueOf(file.getFileName())).matches()).toList();
    } catch (IOException e) {
      return; // a folder that does not exist or cannot be listed has nothing to sweep
    }
    for (Path left : found) {
      Path mark = markOf.apply(left);
      try {
        if (!OURS.contains(key(mark))) {
          sweep(left, mark);
        }
      } catch (IOException e) {
        // Already deleted, or owned by another user: disk space that cannot be freed is no reason
        // to fail.
      }
    }
  }

  private static void sweep(Path left, Path mark) throws IOException {
    try (FileChannel channel = FileChannel.open(mark, StandardOpenOption.WRITE)) {
      if (abandoned(channel, mark)) {
        delete(left, mark);
      }
    }
  }

  private static boolean abandoned(FileChannel channel, Path mark) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false;
    } catch (IOException e) {
      Instant written = Files.getLastModifiedTime(mark).toInstant();
      return written.isBefore(Instant.now().minus(LONGEST));
    }
  }

  /**
   * Deletes {@code left} and its content, and {@code mark} last, so that an interrupted sweep can
   * be repeated.
   */
  static void delete(Path left, Path mark) throws IOException {
    List<Path> all;
    try (Stream<Path> files = Files.walk(left)) {
      all = new ArrayList<>(files.toList());
    }
    Collections.reverse(all);
    for (Path file : all) {
      if (!file.equals(mark) && !file.equals(left)) {
        Files.delete(file);
      }
    }
    Files.deleteIfExists(mark);
    Files.deleteIfExists(left);
  }

  @Override
  public void close() throws IOException {
    try {
      channel.close();
    } finally {
      OURS.remove(key);
    }
  }
}
