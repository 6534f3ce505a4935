package org.radialog.imaging;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Where the golden cases and the real films lie, and the formula of the made pictures. */
final class GoldenFolder {
  private GoldenFolder() {}

  static Path path() {
    String given = System.getProperty("radialog.golden", "");
    return given.isEmpty() ? root().resolve("golden") : Path.of(given);
  }

  static Path root() {
    return Path.of(System.getProperty("radialog.root", "..")).toAbsolutePath();
  }

  /** A folder with {@code hannover/}, {@code nih/}, {@code nih14/}; may not exist. */
  static Path radiographs() {
    String given = System.getProperty("radialog.radiographs", "");
    return given.isEmpty() ? testdata().resolve("data/radiographs") : Path.of(given);
  }

  static Path testdata() {
    String given = System.getProperty("radialog.testdata", "");
    return given.isEmpty() ? Path.of("no-testdata") : Path.of(given);
  }

  /** {@code u} of golden/README.md §1: the first {@code count} values, in [-1, 1). */
  static double[] uniform(String salt, String key, int count) {
    long hash = 0xcbf29ce484222325L;
    for (byte b : (salt + key).getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xFF)) * 0x100000001b3L;
    }
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      long z = hash + (i + 1) * 0x9E3779B97F4A7C15L;
      z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
      z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
      z ^= z >>> 31;
      values[i] = (z >>> 11) * 0x1p-53 * 2 - 1;
    }
    return values;
  }
}
