package org.radialog.testing;

import java.nio.file.Files;
import java.nio.file.Path;
import org.radialog.weights.Checkpoint;

/** The language model of {@code models/mini}, which every complete checkout contains. */
public final class BaseGguf {
  private BaseGguf() {}

  public static Path file() {
    Path file = Golden.root().resolve("models/mini/base.gguf");
    if (!Files.isRegularFile(file)) {
      throw new AssertionError("the repository has no " + file);
    }
    return file;
  }

  public static Checkpoint open() {
    return Checkpoint.open(file());
  }
}
