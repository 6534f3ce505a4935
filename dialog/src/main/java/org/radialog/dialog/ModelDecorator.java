package org.radialog.dialog;

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

  /** The replacement for the model's alignment {@code own}, which it may use but must not close. */
  default Alignment alignment(Alignment own) {
    return own;
  }

  /** The replacement for the language model's adapter, or {@code own} to keep it. */
  default LoraAdapter adapter(LoraAdapter own) {
    return own;
  }
}
