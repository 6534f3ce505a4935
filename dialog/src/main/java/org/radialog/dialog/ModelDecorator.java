package org.radialog.dialog;

import java.nio.file.Path;
import java.util.Optional;
import org.radialog.language.LoraAdapter;
import org.radialog.vision.Alignment;

/**
 * Replaces parts of a model when it is loaded, for example to measure the contribution of a part or
 * to try an alternative.
 */
public interface ModelDecorator {
  /** Replaces nothing. */
  ModelDecorator NONE = () -> "none";

  /**
   * Identifies this decorator. Packed weights that include its adapter are cached under this name.
   */
  String id();

  /**
   * A file whose image encoder and findings classifier replace the model's own, as {@code radialog
   * train classifier} writes it: tensors under {@code vision. classifier.} in the shapes of the
   * model. Its image tokens are of no use, since the alignment was trained on the model's own
   * encoder. Empty keeps the model's own.
   */
  default Optional<Path> classifier() {
    return Optional.empty();
  }

  /** The replacement for the model's alignment {@code own}, which it may use but must not close. */
  default Alignment alignment(Alignment own) {
    return own;
  }

  /** The replacement for the language model's adapter, or {@code own} to keep it. */
  default LoraAdapter adapter(LoraAdapter own) {
    return own;
  }
}
