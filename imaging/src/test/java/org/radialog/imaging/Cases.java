package org.radialog.imaging;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** The small files under {@code cases}, each an oddity that some program writes. */
final class Cases {
  private Cases() {}

  static Path file(String name) {
    try {
      return Path.of(
          Objects.requireNonNull(Cases.class.getResource("/cases/" + name), name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  /** The files of a folder, by name. */
  static List<Path> files(String folder) {
    try (Stream<Path> files = Files.list(file(folder))) {
      return files.sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static byte[] bytes(String name) {
    try {
      return Files.readAllBytes(file(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
