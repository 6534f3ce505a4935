package org.radialog.cli.toy;

import java.util.List;
import java.util.Optional;
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.PromptFormat;
import org.radialog.clinical.PromptPart;
import org.radialog.clinical.Turn;

/** A prompt format that says as little as one can. */
public record ToyPrompt() implements PromptFormat {
  @Override
  public String id() {
    return "toy";
  }

  @Override
  public List<PromptPart> open(Optional<FindingsList> findings, Turn turn) {
    return List.of(new PromptPart.Image(), new PromptPart.Text(request(turn)));
  }

  @Override
  public List<PromptPart> next(Turn turn) {
    return List.of(new PromptPart.Template(endToken()), new PromptPart.Text(request(turn)));
  }

  @Override
  public PromptPart answer(String text) {
    return new PromptPart.Text(text);
  }

  @Override
  public String endToken() {
    return "<|im_end|>";
  }

  @Override
  public String request(Turn turn) {
    return switch (turn) {
      case Turn.Report() -> "r";
      case Turn.Impression() -> "i";
      case Turn.Summary() -> "s";
      case Turn.Correction _ -> "c";
      case Turn.Question(String text) -> text;
    };
  }

  @Override
  public boolean correctsAnew() {
    return false;
  }

  @Override
  public boolean namesLabels() {
    return false;
  }
}
