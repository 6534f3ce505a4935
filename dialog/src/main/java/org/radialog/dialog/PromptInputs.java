package org.radialog.dialog;

import java.util.ArrayList;
import java.util.List;
import org.radialog.clinical.PromptPart;
import org.radialog.model.LlamaInput;
import org.radialog.model.TextTokenizer;

/**
 * From prompt parts to what the language model reads. Each part is encoded by itself, in training
 * as here, so that text from outside changes no token of ours.
 */
public final class PromptInputs {
  private PromptInputs() {}

  /**
   * The inputs of {@code parts}, neighbouring tokens joined.
   *
   * @param image the film's image tokens, for each image slot
   */
  public static List<LlamaInput> of(
      List<PromptPart> parts, TextTokenizer tokenizer, LlamaInput.Embeddings image) {
    List<LlamaInput> inputs = new ArrayList<>();
    for (PromptPart part : parts) {
      switch (part) {
        case PromptPart.Template(String text) ->
            inputs.add(new LlamaInput.Tokens(tokenizer.encode(text, true)));
        case PromptPart.Text(String text) ->
            inputs.add(new LlamaInput.Tokens(tokenizer.encode(text, false)));
        case PromptPart.Image() -> inputs.add(image);
      }
    }
    return inputs;
  }
}
