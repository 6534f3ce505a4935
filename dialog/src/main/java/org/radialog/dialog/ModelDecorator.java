package org.radialog.dialog;

import org.radialog.language.LoraAdapter;
import org.radialog.vision.Alignment;

/**
 * Puts something in the place of parts of a model while it is loaded: for who measures what a part
 * is good for, or tries another.
 */
public interface ModelDecorator {
  /** The model as it is. */
  ModelDecorator NONE = () -> "none";

  /**
   * Tells this from other decorators. Weights that its adapter is packed into are kept in a cache
   * under this name.
   */
  String id();

  /** What stands in the place of the model's alignment, which it may use and need not close. */
  default Alignment alignment(Alignment own) {
    return own;
  }

  /** What stands in the place of the language model's adapter; {@code own} itself to keep it. */
  default LoraAdapter adapter(LoraAdapter own) {
    return own;
  }
}
