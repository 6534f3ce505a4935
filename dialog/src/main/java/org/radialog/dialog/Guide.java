package org.radialog.dialog;

/**
 * Decides while an answer is decoded which sentences may stand. A sentence that may not is taken
 * back before anybody has seen it, and decoded again in another way.
 */
@FunctionalInterface
interface Guide {
  /**
   * Whether an answer may continue after {@code text}, whose sentences before the last one may
   * stand. Called by the thread of the engine, so it should take microseconds.
   */
  boolean stands(String text);
}
