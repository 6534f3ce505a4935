package org.radialog.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Real films and reports that are not in the repository. {@code -Dradialog.testdata=DIR} gives a
 * folder that contains {@code data/radiographs}; {@code -Dradialog.radiographs=DIR} gives only the
 * folder of the films.
 */
public final class TestData {
  private TestData() {}

  /** The folder of the test data, if given. */
  public static Optional<Path> folder() {
    return given("radialog.testdata");
  }

  /** The folder of the radiographs, if given. */
  public static Optional<Path> radiographs() {
    return given("radialog.radiographs")
        .or(() -> folder().map(f -> f.resolve("data").resolve("radiographs")));
  }

  /** The folder of the test data; if it is not given, the calling test is skipped by name. */
  public static Path assumeFolder() {
    return assume(folder(), "radialog.testdata");
  }

  /** The folder of the radiographs; if it is not given, the calling test is skipped by name. */
  public static Path assumeRadiographs() {
    return assume(radiographs(), "radialog.radiographs (or radialog.testdata)");
  }

  private static Path assume(Optional<Path> folder, String property) {
    assumeTrue(folder.isPresent(), "needs -D" + property + "=DIR");
    System.out.println("reads testdata"); // counted at the end of .ci/run
    return folder.orElseThrow();
  }

  private static Optional<Path> given(String property) {
    String value = System.getProperty(property, "");
    if (value.isEmpty()) {
      return Optional.empty();
    }
    Path folder = Path.of(value);
    if (!Files.isDirectory(folder)) {
      throw new IllegalStateException("-D" + property + "=" + value + " is not a folder");
    }
    return Optional.of(folder);
  }
}
