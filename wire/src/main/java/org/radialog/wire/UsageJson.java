package org.radialog.wire;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.radialog.dialog.Usage;

/**
 * Tokens of one turn.
 *
 * @param promptTokens positions of the whole prompt, image tokens and earlier turns included
 * @param cachedTokens those of them that were already computed
 * @param completionTokens tokens that the model chose, an end token included
 */
public record UsageJson(
    @JsonProperty("prompt_tokens") int promptTokens,
    @JsonProperty("cached_tokens") int cachedTokens,
    @JsonProperty("completion_tokens") int completionTokens) {
  /** The tokens of a turn. */
  public static UsageJson of(Usage usage) {
    return new UsageJson(usage.promptTokens(), usage.cachedTokens(), usage.completionTokens());
  }
}
