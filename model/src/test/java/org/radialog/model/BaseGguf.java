package org.radialog.model;

import java.nio.file.Files;
import java.nio.file.Path;
import org.radialog.testing.Golden;
import org.radialog.weights.Checkpoint;

/** The language model of {@code models/mini}, without which the repository is not whole. */
final class BaseGguf {
  private BaseGguf() {}

  static Path file() {
    Path file = Golden.root().resolve("models/mini/base.gguf");
    if (!Files.isRegularFile(file)) {
      throw new AssertionError("the repository has no " + file);
    }
    return file;
  }

  static Checkpoint open() {
    return Checkpoint.open(file());
  }
}
