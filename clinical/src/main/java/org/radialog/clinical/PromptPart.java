package org.radialog.clinical;

import java.util.List;

/**
 * A part of a prompt. The parts separate our own text from untrusted text, so that no question,
 * report or name can forge a role, an image token or an end token.
 */
public sealed interface PromptPart {

  /**
   * Our own text, in which special tokens are recognised.
   *
   * @param text the text
   */
  record Template(String text) implements PromptPart {}

  /**
   * Text that may be untrusted. It is encoded without parsing special tokens, so {@code <|im_end|>}
   * in it is ten harmless characters.
   *
   * @param text the text
   */
  record Text(String text) implements PromptPart {}

  /** The position of the image tokens; their number depends on the model. */
  record Image() implements PromptPart {}

  /** The parts as one text, with {@code image} in place of each image. */
  static String render(List<PromptPart> parts, String image) {
    var text = new StringBuilder();
    for (PromptPart part : parts) {
      text.append(
          switch (part) {
            case Template(String t) -> t;
            case Text(String t) -> t;
            case Image() -> image;
          });
    }
    return text.toString();
  }
}
