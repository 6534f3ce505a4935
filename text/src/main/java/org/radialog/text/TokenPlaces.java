package org.radialog.text;

import java.util.List;
import java.util.OptionalInt;
import org.radialog.base.RadialogException;
import org.radialog.clinical.PromptPart;

/** Counts the tokens of a prompt against the available positions. */
final class TokenPlaces {
  private final int most;
  private int left;

  TokenPlaces(int most) {
    this.most = most;
    this.left = most;
  }

  /**
   * The positions for a prompt.
   *
   * @param longest maximum number of characters per token
   * @throws RadialogException if its text is too long for any tokens, judging by its length alone
   */
  static TokenPlaces of(List<PromptPart> parts, int most, OptionalInt longest) {
    if (longest.isPresent()) {
      long fit = (long) most * longest.getAsInt();
      long characters = 0;
      for (PromptPart part : parts) {
        characters +=
            switch (part) {
              case PromptPart.Template(String text) -> text.length();
              case PromptPart.Text(String text) -> text.length();
              case PromptPart.Image() -> 0;
            };
      }
      if (characters > fit) {
        throw new RadialogException(
            "the text has %d characters, and the language model's %d positions hold %d at most; shorten it"
                .formatted(characters, most, fit));
      }
    }
    return new TokenPlaces(most);
  }

  /** Number of free positions. */
  int left() {
    return left;
  }

  /**
   * Uses positions.
   *
   * @throws RadialogException if there are not enough
   */
  void take(int tokens) {
    if (tokens > left) {
      throw new RadialogException(
          "the text has more than %d tokens, and the language model has %d positions; shorten it"
              .formatted(most, most));
    }
    left -= tokens;
  }
}
