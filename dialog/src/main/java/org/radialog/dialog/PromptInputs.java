package org.radialog.dialog;

import java.util.ArrayList;
import java.util.List;
import org.radialog.clinical.PromptPart;
import org.radialog.language.LlamaInput;
import org.radialog.text.TextTokenizer;

/** Converts prompt parts to the input of the language model. */
public final class PromptInputs {
  private PromptInputs() {}

  /**
   * The inputs of {@code parts}, with neighbouring tokens joined.
   *
   * @param image the image tokens of the film, for each image in the prompt
   * @param beginning whether a conversation begins with them
   * @param positions of the language model
   * @throws org.radialog.base.RadialogException if their text has more tokens than that
   */
  public static List<LlamaInput> of(
      List<PromptPart> parts,
      TextTokenizer tokenizer,
      LlamaInput.Embeddings image,
      boolean beginning,
      int positions) {
    List<LlamaInput> inputs = new ArrayList<>();
    List<int[]> texts = tokenizer.encode(parts, beginning, positions);
    for (int i = 0; i < texts.size(); i++) {
      if (i > 0) {
        inputs.add(image);
      }
      if (texts.get(i).length > 0) {
        inputs.add(new LlamaInput.Tokens(texts.get(i)));
      }
    }
    return inputs;
  }

  /** These inputs as an answer of the model. */
  static List<LlamaInput> answer(List<LlamaInput> inputs) {
    return inputs.stream()
        .<LlamaInput>map(input ->
            switch (input) {
              case LlamaInput.Tokens(int[] ids) -> new LlamaInput.Answer(ids);
              case LlamaInput.Answer answer -> answer;
              case LlamaInput.Embeddings rows -> rows;
            })
        .toList();
  }
}
