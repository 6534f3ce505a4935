package org.radialog.clinical;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * The wording of a dialog that a model was trained with: converts turns to prompt parts. There is
 * one class per family of models; {@link PromptFormats} finds a format by its name.
 */
public interface PromptFormat {
  /** Oddities of the published versions that a model may be asked with; none unless named. */
  enum Compat {
    /**
     * The layout in the training of the second version: the image is on a separate line before the
     * text. The published evaluation omits the line break.
     */
    TRAINING_LAYOUT,
    /** The system prompt of the demo of the first version, which was not used in training. */
    DEMO_SYSTEM_PROMPT,
    /** Findings as in the demos: unchanged labels, and an empty text for an empty list. */
    EMPTY_FINDINGS;

    /** The name in a model's {@code config.json} and on the command line. */
    public String text() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /** The name in the {@code config.json} of a model. */
  String id();

  /**
   * This format with quirks enabled.
   *
   * @throws RadialogException if the format does not support one of them
   */
  default PromptFormat with(Set<Compat> compat) {
    if (!compat.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "the prompt format %s has no quirk %s; leave it out".formatted(id(), compat));
    }
    return this;
  }

  /**
   * The first turn with the film, up to the beginning of the assistant's answer.
   *
   * @param findings the findings that the prompt names; empty if it does not mention findings
   * @throws RadialogException if the format has no such prompt: published formats cannot request a
   *     report without findings, nor a correction that makes a finding uncertain
   */
  List<PromptPart> open(Optional<FindingsList> findings, Turn turn);

  /**
   * The first turn of a conversation without a film, up to the beginning of the assistant's answer.
   */
  default List<PromptPart> openWithoutFilm(Turn turn) {
    return open(Optional.empty(), turn).stream()
        .filter(part -> !(part instanceof PromptPart.Image))
        .toList();
  }

  /**
   * A further turn, from the end of the assistant's previous answer, including its end token, up to
   * the beginning of the next answer. A turn therefore costs only its new tokens.
   *
   * @throws RadialogException if the format cannot express the turn, as in {@link #request}
   */
  List<PromptPart> next(Turn turn);

  /** An answer of the assistant as it occurs in the dialog, without its end token. */
  PromptPart answer(String text);

  /** The special token that ends an answer of the assistant. */
  String endToken();

  /**
   * The text of a turn.
   *
   * @throws RadialogException if a correction makes a finding uncertain and the format cannot
   *     express it
   */
  String request(Turn turn);

  /**
   * Whether a correction changes the list in the prompt and requests a new report, instead of
   * adding a turn. A small model follows its list exactly, but rarely gives up in a later turn what
   * the prompt told it at the beginning.
   */
  boolean correctsAnew();

  /**
   * Whether the prompt contains the labels of the classifier one by one, including contradictions,
   * because the published weights were trained with such lists; otherwise it contains the list that
   * is shown to the user.
   */
  boolean namesLabels();
}
