package org.radialog.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.Properties;

/** The identification of this build, recorded by Maven. */
final class Build {
  private Build() {}

  /** The version, for example {@code 0.1.0}. */
  static String version() {
    return property("version");
  }

  /** Version, commit and Java on one line. */
  static String line() {
    return "radialog %s (commit %s), Java %s"
        .formatted(version(), property("commit"), Runtime.version());
  }

  private static String property(String name) {
    Properties properties = new Properties();
    try (InputStream in = Build.class.getResourceAsStream("build.properties")) {
      properties.load(
          Objects.requireNonNull(in, "build.properties is missing from the class path"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return Objects.requireNonNull(properties.getProperty(name), name);
  }
}
