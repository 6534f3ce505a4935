package org.radialog.base;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Writes folders atomically: under a temporary name in the same parent folder, which is then
 * renamed.
 */
public final class WholeFolder {
  private static final String MARK = ".being-written";
  private static final Pattern LEFTOVER = Pattern.compile("\\..*-" + InUse.UUIDS);

  private WholeFolder() {}

  /**
   * Writes a folder that does not exist yet or is empty. Leftovers of killed writers in the same
   * parent folder are deleted first.
   *
   * @param content fills the given folder, which is renamed afterwards
   * @return the result of {@code content}
   * @throws RadialogException if the folder already exists and is not empty, or if it cannot be
   *     written; then no new folder exists
   */
  public static <T> T write(Path folder, Function<Path, T> content) {
    Path target = folder.toAbsolutePath();
    Path parent = Optional.ofNullable(target.getParent()).orElse(target);
    Path temporary = parent.resolve("." + target.getFileName() + "-" + UUID.randomUUID());
    Path mark = temporary.resolve(MARK);
    try {
      if (Files.exists(target) && !empty(target)) {
        throw new RadialogException(
            target
                + " already exists and is not an empty folder; choose a new folder, or delete it");
      }
      InUse.sweep(parent, LEFTOVER, left -> left.resolve(MARK));
      Files.createDirectories(temporary);
      try (InUse _ = InUse.create(mark)) {
        T result = content.apply(temporary);
        Files.delete(mark);
        Files.deleteIfExists(target);
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        return result;
      } finally {
        if (Files.exists(temporary)) {
          InUse.delete(temporary, mark);
        }
      }
    } catch (IOException e) {
      throw new RadialogException("cannot write " + target + ": " + e, e);
    }
  }

  private static boolean empty(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return false;
    }
    try (Stream<Path> children = Files.list(folder)) {
      return children.findFirst().isEmpty();
    }
  }
}
