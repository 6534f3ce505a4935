package org.radialog.metrics;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;

/** METEOR's own data, {@code -Dradialog.meteor=DIR}; without it the calling test is skipped. */
final class MeteorData {
  private MeteorData() {}

  static boolean given() {
    return !System.getProperty("radialog.meteor", "").isEmpty();
  }

  static Meteor assumeMeteor() {
    assumeTrue(given(), "needs -Dradialog.meteor=DIR");
    return Meteor.open(Path.of(System.getProperty("radialog.meteor")));
  }
}
