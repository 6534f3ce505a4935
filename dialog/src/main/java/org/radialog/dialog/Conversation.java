package org.radialog.dialog;

import java.util.List;
import java.util.Objects;
import org.radialog.clinical.Turn;

/**
 * What was said in a dialog, to be stored and gone on with later: {@link RaDialog#open(Study,
 * Conversation)}.
 *
 * @param opened the edit of the findings that the first turn was asked with
 * @param edit the edit as it stands now
 * @param turns in their order; none if nothing was said yet
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
   * @param turn what was asked
   * @param answer the text that was shown
   * @param tokens ids of the answer in the language model's vocabulary. Where there are none, they
   *     are made of the text, which gives those that were said unless the model chose to write a
   *     word in unusual pieces
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
