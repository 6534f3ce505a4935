package org.radialog.clinical;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * The wording of a dialog that a model was trained with, from turns to prompt parts. One class per
 * family of models; {@link PromptFormats} finds a format by its name.
 */
public interface PromptFormat {
  /** Oddities of the published versions that a model may be asked with; none unless named. */
  enum Compat {
    /**
     * As the second version was trained: the image stands before the text on a line of its own. Its
     * published evaluation leaves the line break out.
     */
    TRAINING_LAYOUT,
    /** The system prompt of the first version's demo, which no weights were trained with. */
    DEMO_SYSTEM_PROMPT,
    /**
     * Findings as the demos write them: labels as they are, and an empty text for an empty list.
     */
    EMPTY_FINDINGS;

    /** The name in a model's {@code config.json} and on the command line. */
    public String text() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /** The name in a model's {@code config.json}. */
  String id();

  /**
   * This format with the oddities that are kept.
   *
   * @throws RadialogException if the format does not know one of them
   */
  default PromptFormat with(Set<Compat> compat) {
    if (!compat.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "the prompt format %s has no oddity %s; leave it out".formatted(id(), compat));
    }
    return this;
  }

  /**
   * The first turn with the film, up to where the assistant's answer begins.
   *
   * @param findings the findings that the prompt names; empty where it is to say nothing of them
   * @throws RadialogException if the format has no such prompt: a published format is never asked
   *     for a report without findings, nor for a correction to an uncertain finding
   */
  List<PromptPart> open(Optional<FindingsList> findings, Turn turn);

  /**
   * A further turn, from behind the last word of the assistant's answer, whose end token it brings,
   * up to where the next answer begins. A dialog so costs its new tokens only.
   *
   * @throws RadialogException if the format has no words for the turn, as in {@link #request}
   */
  List<PromptPart> next(Turn turn);

  /** An answer of the assistant as it stands in the dialog, without its end token. */
  PromptPart answer(String text);

  /** The special token with which the assistant ends an answer. */
  String endToken();

  /**
   * The words of a turn.
   *
   * @throws RadialogException if a correction makes a finding uncertain and the format has no words
   *     for that
   */
  String request(Turn turn);

  /**
   * Whether a correction changes the list in the prompt and the report is asked for anew, rather
   * than being one more turn: a small model follows its list to the letter, but seldom forgets in
   * the middle of a conversation what it was told at its beginning.
   */
  boolean correctsAnew();

  /**
   * Whether the prompt names the classifier's labels one by one, contradictions included, since the
   * published weights were trained with such lists; else it names the list that is shown.
   */
  boolean namesLabels();
}
