package org.radialog.clinical;

import java.util.List;

/**
 * A piece of a prompt. The parts keep apart what we wrote from what came from outside, so that no
 * question, report or name can forge a role, an image token or an end token.
 */
public sealed interface PromptPart {

  /** Text of ours: special tokens written in it are special tokens. */
  record Template(String text) implements PromptPart {}

  /**
   * Text that may come from outside: to be encoded without parsing special tokens, so that {@code
   * <|im_end|>} in it is ten harmless characters.
   */
  record Text(String text) implements PromptPart {}

  /** The slot of the image tokens; their number is the model's. */
  record Image() implements PromptPart {}

  /** The parts as one text, {@code image} in the place of each image slot. */
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
