package org.radialog.dialog;

import java.util.List;
import java.util.Objects;
import org.radialog.clinical.Turn;

/**
 * The content of a dialog, which can be stored and resumed later with {@link RaDialog#open(Study,
 * Conversation)}.
 *
 * @param opened the edit of the findings at the first turn
 * @param edit the current edit of the findings
 * @param turns in order; empty if there was no turn yet
 */
public record Conversation(FindingsEdit opened, FindingsEdit edit, List<Said> turns) {
  /** Checks that nothing is null. */
  public Conversation {
    Objects.requireNonNull(opened, "opened");
    Objects.requireNonNull(edit, "edit");
    turns = List.copyOf(Objects.requireNonNull(turns, "turns"));
  }

  /**
   * A turn with its answer.
   *
   * @param turn the request
   * @param answer the text that was shown
   * @param tokens ids of the answer in the vocabulary of the language model. If empty, the text is
   *     tokenised again, which gives the generated tokens unless the model wrote a word with an
   *     unusual tokenisation
   */
  public record Said(Turn turn, String answer, List<Integer> tokens) {
    /** Checks that nothing is null. */
    public Said {
      Objects.requireNonNull(turn, "turn");
      Objects.requireNonNull(answer, "answer");
      tokens = List.copyOf(Objects.requireNonNull(tokens, "tokens"));
    }

    boolean isReport() {
      return switch (turn) {
        case Turn.Report(), Turn.Correction _ -> true;
        case Turn.Impression(), Turn.Summary(), Turn.Question(_) -> false;
      };
    }
  }
}
