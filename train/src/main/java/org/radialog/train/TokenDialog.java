package org.radialog.train;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.PromptFormat;
import org.radialog.clinical.PromptPart;
import org.radialog.language.Llama;
import org.radialog.tasks.InstructDialog;
import org.radialog.text.TextTokenizer;

/**
 * A tokenised dialog. Each part is tokenised separately, as at inference.
 *
 * @param image name of the film; empty without one
 * @param named whether the prompt contains the findings
 * @param ids T token ids, 0 at the positions of image tokens
 * @param labels T labels: the token id where the model has to predict it, else {@link
 *     Llama#IGNORED}
 * @param imageAt index of the first image token; -1 without a film
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record TokenDialog(Optional<String> image, boolean named, int[] ids, int[] labels, int imageAt) {
  static TokenDialog of(
      InstructDialog dialog, PromptFormat format, TextTokenizer tokenizer, int queries) {
    IntStream.Builder ids = IntStream.builder();
    IntStream.Builder labels = IntStream.builder();
    int length = 0;
    int imageAt = -1;
    for (InstructDialog.Part part : dialog.parts(format)) {
      int[] tokens =
          switch (part.part()) {
            case PromptPart.Template(String text) -> tokenizer.encode(text, true);
            case PromptPart.Text(String text) -> tokenizer.encode(text, false);
            case PromptPart.Image() -> {
              imageAt = length;
              yield new int[queries];
            }
          };
      Arrays.stream(tokens).forEach(ids::add);
      Arrays.stream(tokens).map(id -> part.answer() ? id : Llama.IGNORED).forEach(labels::add);
      length += tokens.length;
    }
    if (dialog.image().isPresent() && imageAt < 0) {
      throw new RadialogException(
          Kind.UNSUPPORTED, "the prompt format " + format.id() + " has no image slot");
    }
    return new TokenDialog(
        dialog.image(),
        dialog.findings().isPresent(),
        ids.build().toArray(),
        labels.build().toArray(),
        imageAt);
  }

  int length() {
    return ids.length;
  }

  /** The number of tokens that the model has to predict. */
  int answers() {
    return (int) Arrays.stream(labels).filter(label -> label != Llama.IGNORED).count();
  }
}
