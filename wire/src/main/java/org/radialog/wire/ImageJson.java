package org.radialog.wire;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.radialog.imaging.Radiograph;

/**
 * The image of a request.
 *
 * @param path as it was given
 * @param sha256 of the bytes of the file, in hexadecimal; absent, like width and height, if the
 *     file could not be read as an image
 * @param width in pixels
 * @param height in pixels
 */
public record ImageJson(
    String path, Optional<String> sha256, OptionalInt width, OptionalInt height) {
  /** The image at {@code path}, with {@code film} if it could be read. */
  public static ImageJson of(Path path, @Nullable Radiograph film) {
    return film == null
        ? new ImageJson(path.toString(), Optional.empty(), OptionalInt.empty(), OptionalInt.empty())
        : new ImageJson(
            path.toString(),
            Optional.of(film.sha256()),
            OptionalInt.of(film.width()),
            OptionalInt.of(film.height()));
  }
}
