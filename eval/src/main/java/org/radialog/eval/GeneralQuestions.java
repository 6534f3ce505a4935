package org.radialog.eval;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.radialog.base.Progress;
import org.radialog.dialog.RaDialog;

/**
 * A hundred general questions, each with the right answer and three wrong ones. They measure
 * whether a language model keeps the abilities of its base after training: a question is asked
 * without a film, and counts as known if the right answer has the highest likelihood per token.
 */
public final class GeneralQuestions {
  private record Item(String question, List<String> answers) {
    static Item of(String line) {
      List<String> cells = List.of(line.split(" \\| ", -1));
      return new Item(cells.getFirst(), cells.subList(1, cells.size()));
    }
  }

  private GeneralQuestions() {}

  /**
   * The result.
   *
   * @param questions number of questions
   * @param known number of questions whose right answer is the most likely one
   */
  public record Result(int questions, int known) {}

  /** Asks all questions; a guess would know a quarter of them. */
  public static Result ask(RaDialog model, Progress progress) {
    List<Item> items = items();
    Likelihood likelihood = new Likelihood(model);
    int known = 0;
    try (Progress.Task task = progress.start("general questions", items.size())) {
      for (Item item : items) {
        double[] means =
            item.answers.stream()
                .mapToDouble(answer -> likelihood.answer(item.question, answer).mean())
                .toArray();
        boolean right = true;
        for (int i = 1; i < means.length; i++) {
          right &= means[0] < means[i];
        }
        known += right ? 1 : 0;
        task.step("");
      }
    }
    return new Result(items.size(), known);
  }

  private static List<Item> items() {
    try (InputStream in =
            Objects.requireNonNull(
                GeneralQuestions.class.getResourceAsStream("general-questions.txt"));
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      return lines.lines().map(Item::of).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
