package org.radialog.dialog;

/**
 * Tokens of one turn.
 *
 * @param promptTokens positions of the whole prompt, image tokens and earlier turns included
 * @param cachedTokens those of them that were already computed
 * @param completionTokens tokens that the model chose, an end token included
 */
public record Usage(int promptTokens, int cachedTokens, int completionTokens) {
  /** Nothing was generated. */
  public static final Usage NONE = new Usage(0, 0, 0);
}
