package org.radialog.clinical;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The chat template of SmolLM2 (ChatML) with our own system prompt, used by the embedded model. */
public final class SmolLm2Format implements PromptFormat {
  /** The format; it has no variants. */
  public static final SmolLm2Format FORMAT = new SmolLm2Format();

  /** The system prompt. */
  public static final String SYSTEM =
      "You are a radiologist. You describe the chest radiograph and answer questions about it.";

  /** The system prompt of a conversation without a film. */
  public static final String SYSTEM_WITHOUT_FILM =
      "You are a radiologist. No radiograph was given to you.";

  private static final String START = "<|im_start|>";
  private static final String END = "<|im_end|>";

  private SmolLm2Format() {}

  @Override
  public String id() {
    return "smollm2";
  }

  @Override
  public List<PromptPart> open(Optional<FindingsList> findings, Turn turn) {
    var parts = new ArrayList<PromptPart>();
    parts.add(new PromptPart.Template(START + "system\n" + SYSTEM + END + "\n" + START + "user\n"));
    parts.add(new PromptPart.Image());
    parts.add(new PromptPart.Template("\n" + findings.map(list -> line(list) + "\n").orElse("")));
    parts.add(new PromptPart.Text(request(turn)));
    parts.add(new PromptPart.Template(END + "\n" + START + "assistant\n"));
    return List.copyOf(parts);
  }

  @Override
  public List<PromptPart> openWithoutFilm(Turn turn) {
    return List.of(
        new PromptPart.Template(
            START + "system\n" + SYSTEM_WITHOUT_FILM + END + "\n" + START + "user\n"),
        new PromptPart.Text(request(turn)),
        new PromptPart.Template(END + "\n" + START + "assistant\n"));
  }

  @Override
  public List<PromptPart> next(Turn turn) {
    return List.of(
        new PromptPart.Template(END + "\n" + START + "user\n"),
        new PromptPart.Text(request(turn)),
        new PromptPart.Template(END + "\n" + START + "assistant\n"));
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
    return switch (turn) {
      case Turn.Report() -> "Write the findings section of the report.";
      case Turn.Impression() -> "Write an impression.";
      case Turn.Summary() -> "Summarise the report in one sentence.";
      case Turn.Correction correction -> correction(correction);
      case Turn.Question(String text) -> text;
    };
  }

  @Override
  public boolean correctsAnew() {
    return true;
  }

  @Override
  public boolean namesLabels() {
    return false;
  }

  /**
   * The findings in the prompt: the present findings, then the possible ones, each in column order.
   */
  public static String line(FindingsList findings) {
    List<String> named =
        Stream.concat(
                withoutNoFinding(findings.present()).stream().map(FindingWords::of),
                withoutNoFinding(findings.uncertain()).stream().map(SmolLm2Format::possible))
            .toList();
    return named.isEmpty() ? "Findings: none." : "Findings: " + String.join(", ", named) + ".";
  }

  private static Set<Finding> withoutNoFinding(Set<Finding> findings) {
    EnumSet<Finding> named = EnumSet.noneOf(Finding.class);
    named.addAll(findings);
    named.remove(Finding.NO_FINDING);
    return named;
  }

  private static String possible(Finding finding) {
    return "possible " + FindingWords.of(finding);
  }

  private static String correction(Turn.Correction correction) {
    Stream.Builder<String> asked = Stream.builder();
    List<String> add =
        Stream.concat(
                correction.missing().stream().map(FindingWords::of),
                correction.uncertain().stream().map(SmolLm2Format::possible))
            .toList();
    if (!add.isEmpty()) {
      asked.add("add " + list(add));
    }
    if (!correction.wrong().isEmpty()) {
      asked.add("remove " + list(correction.wrong().stream().map(FindingWords::of).toList()));
    }
    return asked.build().collect(Collectors.joining(" and ", "Correct the report: ", "."));
  }

  private static String list(List<String> names) {
    return names.size() < 2
        ? String.join("", names)
        : String.join(", ", names.subList(0, names.size() - 1)) + " and " + names.getLast();
  }
}
