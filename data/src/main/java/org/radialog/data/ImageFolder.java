package org.radialog.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The folder with the images of a data set, if available. The image paths come from tables and are
 * not trusted: a path that leaves the folder is refused.
 */
record ImageFolder(Optional<Path> root) {

  /** A file, or the reason why it cannot be used. */
  sealed interface Found {
    record At(Path file) implements Found {}

    record Not(String reason) implements Found {}
  }

  /**
   * The first of {@code names} that is a file. Without a folder, the first name itself, unchecked.
   */
  Found find(List<String> names) {
    String first = names.getFirst();
    try {
      for (String name : names) {
        Path relative = Path.of(name);
        if (name.isBlank() || relative.isAbsolute() || relative.normalize().startsWith("..")) {
          return new Found.Not(
              "expected an image's path below the data set's folder, found \"%s\"".formatted(name));
        }
        if (root.isEmpty()) {
          return new Found.At(relative);
        }
        Path file = root.get().resolve(relative);
        if (Files.isRegularFile(file)) {
          return Files.size(file) > 0
              ? new Found.At(file)
              : new Found.Not("the image %s is empty".formatted(file));
        }
      }
    } catch (InvalidPathException e) {
      return new Found.Not("expected an image's path, found \"%s\"".formatted(first));
    } catch (IOException e) {
      return new Found.Not("the image %s cannot be read: %s".formatted(first, e));
    }
    return new Found.Not(
        "the image %s is missing"
            .formatted(root.map(r -> r.resolve(first)).orElse(Path.of(first))));
  }
}
