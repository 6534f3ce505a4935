package org.radialog.clinical;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A text format without roles, for a language model that was imported without a known conversation
 * format. The wording is that of {@link SmolLm2Format}; the end token is the one in Llama
 * vocabularies.
 */
public final class PlainFormat implements PromptFormat {
  /** The format; it has no variants. */
  public static final PlainFormat FORMAT = new PlainFormat();

  private static final String END = "</s>";

  private PlainFormat() {}

  @Override
  public String id() {
    return "plain";
  }

  @Override
  public List<PromptPart> open(Optional<FindingsList> findings, Turn turn) {
    var parts = new ArrayList<PromptPart>();
    parts.add(new PromptPart.Image());
    parts.add(
        new PromptPart.Template(
            "\n" + findings.map(list -> SmolLm2Format.line(list) + "\n").orElse("")));
    parts.add(new PromptPart.Text(request(turn)));
    parts.add(new PromptPart.Template("\n"));
    return List.copyOf(parts);
  }

  @Override
  public List<PromptPart> next(Turn turn) {
    return List.of(
        new PromptPart.Template(END + "\n"),
        new PromptPart.Text(request(turn)),
        new PromptPart.Template("\n"));
  }

  @Override
  public PromptPart answer(String text) {
    return new PromptPart.Text(text);
  }

  @Override
  public String endToken() {
    return END;
  }

  @Override
  public String request(Turn turn) {
    return SmolLm2Format.FORMAT.request(turn);
  }

  @Override
  public boolean correctsAnew() {
    return true;
  }

  @Override
  public boolean namesLabels() {
    return false;
  }
}
