package org.radialog.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.radialog.clinical.Finding;
import org.radialog.clinical.SmolLm2Format;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.data.Truth;
import org.radialog.language.Llama;
import org.radialog.tasks.Calls;
import org.radialog.tasks.InstructDataSet;
import org.radialog.tasks.InstructDialog;
import org.radialog.tasks.InstructMix;
import org.radialog.testing.BaseGguf;
import org.radialog.text.TextTokenizer;
import org.radialog.weights.Checkpoint;

class TokenDialogTest {
  @Test
  void onlyAnswersWithTheirEndTokensAreToBeLearned() {
    List<InstructDialog> dialogs =
        new InstructDataSet(films(), Map.of(), Calls.OF_LABELS, InstructMix.DEFAULT, 1)
            .dialogs(0, 40);
    try (Checkpoint gguf = BaseGguf.open();
        TextTokenizer tokenizer = TextTokenizer.of(gguf)) {
      for (InstructDialog dialog : dialogs) {
        TokenDialog tokens = TokenDialog.of(dialog, SmolLm2Format.FORMAT, tokenizer, 32);
        int[] learned =
            Arrays.stream(tokens.labels()).filter(label -> label != Llama.IGNORED).toArray();
        assertThat(tokenizer.decode(learned))
            .isEqualTo(
                dialog.exchanges().stream()
                    .map(exchange -> exchange.answer() + "<|im_end|>")
                    .collect(Collectors.joining()));
        assertThat(tokens.answers()).isEqualTo(learned.length);
      }
    }
  }

  @Test
  void theImageStandsAtTheSamePlaceInAllDialogsAndTextAroundItIsKept() {
    try (Checkpoint gguf = BaseGguf.open();
        TextTokenizer tokenizer = TextTokenizer.of(gguf)) {
      List<TokenDialog> dialogs =
          new InstructDataSet(films(), Map.of(), Calls.OF_LABELS, InstructMix.DEFAULT, 2)
              .dialogs(0, 20).stream()
                  .filter(dialog -> dialog.image().isPresent())
                  .map(dialog -> TokenDialog.of(dialog, SmolLm2Format.FORMAT, tokenizer, 32))
                  .toList();
      assertThat(dialogs.stream().map(TokenDialog::imageAt).distinct()).hasSize(1);
      TokenDialog first = dialogs.getFirst();
      int[] before = Arrays.copyOf(first.ids(), first.imageAt());
      assertThat(tokenizer.decode(before))
          .isEqualTo(
              "<|im_start|>system\n" + SmolLm2Format.SYSTEM + "<|im_end|>\n<|im_start|>user\n");
      int[] behind = Arrays.copyOfRange(first.ids(), first.imageAt() + 32, first.length());
      assertThat(tokenizer.decode(behind)).startsWith("\n").endsWith("<|im_end|>");
    }
  }

  private static List<Film> films() {
    return IntStream.range(0, 12)
        .mapToObj(i -> {
          Map<Finding, Truth> truth = new EnumMap<>(Finding.class);
          for (Finding finding : Finding.NIH_MAPPED) {
            truth.put(finding, Truth.ABSENT);
          }
          truth.put(Finding.NO_FINDING, i % 3 == 0 ? Truth.PRESENT : Truth.ABSENT);
          if (i % 3 != 0) {
            Set.of(Finding.EDEMA, Finding.CARDIOMEGALY)
                .forEach(finding -> truth.put(finding, Truth.PRESENT));
          }
          return new Film(
              i + ".png",
              Path.of(i + ".png"),
              "p" + i,
              50,
              "F",
              i % 2 == 0 ? View.PA : View.AP,
              truth);
        })
        .toList();
  }
}
