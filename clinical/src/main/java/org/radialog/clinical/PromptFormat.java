package org.radialog.clinical;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.radialog.base.RadialogException;

/** The wording of a dialog that a model was trained with, from turns to prompt parts. */
public enum PromptFormat {
  /** The first published version: Vicuna's template, 32 image tokens. */
  RADIALOG_V1("radialog-v1"),
  /** The second published version: Vicuna's template. */
  RADIALOG_V2("radialog-v2"),
  /** SmolLM2's chat template (ChatML) with a system prompt of ours. */
  SMOLLM2("smollm2");

  /** The system prompt of {@link #SMOLLM2}. */
  public static final String SYSTEM =
      "You are a radiologist. You describe the chest radiograph and answer questions about it.";

  /** Oddities of the published versions that a model may be asked with. */
  public enum Compat {
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
    EMPTY_FINDINGS
  }

  /**
   * A format with the oddities that are kept.
   *
   * @param compat of the published formats; {@link #SMOLLM2} has none
   */
  public record Wording(PromptFormat format, Set<Compat> compat) {
    /**
     * Copies the set.
     *
     * @throws RadialogException if the format does not know an oddity
     */
    public Wording {
      compat = Set.copyOf(compat);
      boolean published =
          switch (format) {
            case RADIALOG_V1, RADIALOG_V2 -> true;
            case SMOLLM2 -> false;
          };
      boolean firstVersion = format == RADIALOG_V1;
      if ((!published && !compat.isEmpty())
          || (firstVersion && compat.contains(Compat.TRAINING_LAYOUT))) {
        throw new RadialogException(
            "the prompt format %s has no oddity %s; leave it out".formatted(format.id, compat));
      }
    }

    /**
     * The first turn with the film, up to where the assistant's answer begins.
     *
     * @param findings the findings that the prompt names; empty where it is to say nothing of them
     * @throws RadialogException if a published format is asked for a report without findings: it
     *     has no such prompt
     */
    public List<PromptPart> open(Optional<Set<Finding>> findings, Turn turn) {
      return format.open(compat, findings, turn);
    }
  }

  /** This with oddities. */
  public Wording with(Set<Compat> compat) {
    return new Wording(this, compat);
  }

  private static final String START = "<|im_start|>";
  private static final String END = "<|im_end|>";

  private final String id;

  PromptFormat(String id) {
    this.id = id;
  }

  /** The name in a model's {@code config.json}. */
  public String id() {
    return id;
  }

  /**
   * The format of a name in {@code config.json}.
   *
   * @throws RadialogException if there is none
   */
  public static PromptFormat of(String id) {
    return Arrays.stream(values())
        .filter(format -> format.id.equals(id))
        .findFirst()
        .orElseThrow(() ->
            new RadialogException(
                "unknown prompt format \"%s\": expected one of %s"
                    .formatted(id, Arrays.stream(values()).map(PromptFormat::id).toList())));
  }

  /** {@link Wording#open} without oddities. */
  public List<PromptPart> open(Optional<Set<Finding>> findings, Turn turn) {
    return open(Set.of(), findings, turn);
  }

  private List<PromptPart> open(Set<Compat> compat, Optional<Set<Finding>> findings, Turn turn) {
    return switch (this) {
      case RADIALOG_V1 -> openPublished(PublishedPrompts.Version.V1, compat, findings, turn);
      case RADIALOG_V2 -> openPublished(PublishedPrompts.Version.V2, compat, findings, turn);
      case SMOLLM2 -> {
        var parts = new ArrayList<PromptPart>();
        parts.add(
            new PromptPart.Template(START + "system\n" + SYSTEM + END + "\n" + START + "user\n"));
        parts.add(new PromptPart.Image());
        parts.add(
            new PromptPart.Template(
                "\n" + findings.map(present -> findingsLine(present) + "\n").orElse("")));
        parts.add(new PromptPart.Text(request(turn)));
        parts.add(new PromptPart.Template(END + "\n" + START + "assistant\n"));
        yield List.copyOf(parts);
      }
    };
  }

  /**
   * A further turn, from behind the last word of the assistant's answer, whose end token it brings,
   * up to where the next answer begins. A dialog so costs its new tokens only.
   */
  public List<PromptPart> next(Turn turn) {
    PromptPart text = new PromptPart.Text(request(turn));
    return switch (this) {
      case RADIALOG_V1, RADIALOG_V2 ->
          List.of(
              new PromptPart.Template(PublishedPrompts.END + PublishedPrompts.USER),
              text,
              new PromptPart.Template(PublishedPrompts.ASSISTANT));
      case SMOLLM2 ->
          List.of(
              new PromptPart.Template(END + "\n" + START + "user\n"),
              text,
              new PromptPart.Template(END + "\n" + START + "assistant\n"));
    };
  }

  /** An answer of the assistant as it stands in the dialog, without its end token. */
  public PromptPart answer(String text) {
    return new PromptPart.Text(
        switch (this) {
          case RADIALOG_V1, RADIALOG_V2 -> " " + text;
          case SMOLLM2 -> text;
        });
  }

  /** The special token with which the assistant ends an answer. */
  public String endToken() {
    return switch (this) {
      case RADIALOG_V1, RADIALOG_V2 -> PublishedPrompts.END;
      case SMOLLM2 -> END;
    };
  }

  /** The words of a turn. */
  public String request(Turn turn) {
    return switch (this) {
      case RADIALOG_V1, RADIALOG_V2 ->
          switch (turn) {
            case Turn.Report() -> "Please write a radiology report for the given x-ray.";
            case Turn.Impression() -> PublishedPrompts.IMPRESSION_QUESTION;
            case Turn.Summary() -> "Please summarize this report in one sentence.";
            case Turn.Correction(Set<Finding> missing, Set<Finding> wrong) ->
                PublishedPrompts.correction(missing, wrong);
            case Turn.Question(String text) -> withoutRoles(text);
          };
      case SMOLLM2 ->
          switch (turn) {
            case Turn.Report() -> "Write the findings section of the report.";
            case Turn.Impression() -> "Write an impression.";
            case Turn.Summary() -> "Summarise the report in one sentence.";
            case Turn.Correction(Set<Finding> missing, Set<Finding> wrong) ->
                correction(missing, wrong);
            case Turn.Question(String text) -> text;
          };
    };
  }

  /**
   * Whether a correction changes the list in the prompt and the report is asked for anew, rather
   * than being one more turn: a small model follows its list to the letter, but seldom forgets in
   * the middle of a conversation what it was told at its beginning.
   */
  public boolean correctsAnew() {
    return switch (this) {
      case RADIALOG_V1, RADIALOG_V2 -> false;
      case SMOLLM2 -> true;
    };
  }

  /**
   * Whether the prompt names the classifier's labels one by one, contradictions included, since the
   * published weights were trained with such lists; else it names the list that is shown.
   */
  public boolean namesLabels() {
    return switch (this) {
      case RADIALOG_V1, RADIALOG_V2 -> true;
      case SMOLLM2 -> false;
    };
  }

  /** A report's sentence for a finding that is there. */
  public static String sentence(Finding finding) {
    return switch (finding) {
      case NO_FINDING -> "No acute cardiopulmonary abnormality.";
      case ENLARGED_CARDIOMEDIASTINUM -> "The cardiomediastinal silhouette is enlarged.";
      case CARDIOMEGALY -> "The heart is enlarged.";
      case LUNG_OPACITY -> "There is a lung opacity.";
      case LUNG_LESION -> "There is a lung lesion.";
      case EDEMA -> "There is pulmonary edema.";
      case CONSOLIDATION -> "There is consolidation.";
      case PNEUMONIA -> "There is pneumonia.";
      case ATELECTASIS -> "There is atelectasis.";
      case PNEUMOTHORAX -> "There is a pneumothorax.";
      case PLEURAL_EFFUSION -> "There is a pleural effusion.";
      case PLEURAL_OTHER -> "There is pleural thickening.";
      case FRACTURE -> "There is a fracture.";
      case SUPPORT_DEVICES -> "Support devices are in place.";
    };
  }

  /** The findings in the prompt of {@link #SMOLLM2}, in column order. */
  public static String findingsLine(Collection<Finding> findings) {
    var present = EnumSet.noneOf(Finding.class);
    present.addAll(findings);
    present.remove(Finding.NO_FINDING);
    if (present.isEmpty()) {
      return "Findings: none.";
    }
    return "Findings: "
        + present.stream().map(PromptFormat::words).collect(Collectors.joining(", "))
        + ".";
  }

  /**
   * A finding in the running text of {@link #SMOLLM2}: the label in lower case, and pleural
   * thickening for Pleural Other, which no reader would say.
   */
  public static String words(Finding finding) {
    return finding == Finding.PLEURAL_OTHER
        ? "pleural thickening"
        : finding.label().toLowerCase(Locale.ROOT);
  }

  private static String correction(Set<Finding> missing, Set<Finding> wrong) {
    if (wrong.isEmpty()) {
      return "Correct the report: add " + list(missing) + ".";
    }
    if (missing.isEmpty()) {
      return "Correct the report: remove " + list(wrong) + ".";
    }
    return "Correct the report: add " + list(missing) + " and remove " + list(wrong) + ".";
  }

  private static String list(Set<Finding> findings) {
    List<String> names = findings.stream().map(PromptFormat::words).toList();
    return names.size() < 2
        ? String.join("", names)
        : String.join(", ", names.subList(0, names.size() - 1)) + " and " + names.getLast();
  }

  private static List<PromptPart> openPublished(
      PublishedPrompts.Version version,
      Set<Compat> compat,
      Optional<Set<Finding>> findings,
      Turn turn) {
    var parts = new ArrayList<PromptPart>();
    String system =
        compat.contains(Compat.DEMO_SYSTEM_PROMPT)
            ? PublishedPrompts.SYSTEM_DEMO_V1
            : PublishedPrompts.SYSTEM;
    parts.add(
        new PromptPart.Template(system + " " + PublishedPrompts.USER + version.beforeImage()));
    parts.add(new PromptPart.Image());
    PublishedPrompts.FindingsStyle style =
        compat.contains(Compat.EMPTY_FINDINGS)
            ? PublishedPrompts.FindingsStyle.DEMO
            : PublishedPrompts.FindingsStyle.TEST;
    String layout = compat.contains(Compat.TRAINING_LAYOUT) ? "\n" : "";
    String line =
        findings
            .map(f -> PublishedPrompts.findings(f, style))
            .map(f -> PublishedPrompts.FINDINGS_BEFORE + f + ". ")
            .orElse("");
    PromptFormat format =
        switch (version) {
          case V1 -> RADIALOG_V1;
          case V2 -> RADIALOG_V2;
        };
    switch (turn) {
      case Turn.Report() -> {
        if (line.isEmpty()) {
          throw new RadialogException(
              "the format %s has no report prompt without findings: give a list, which may be empty"
                  .formatted(format.id));
        }
        parts.add(new PromptPart.Template(layout + line + PublishedPrompts.TASK));
      }
      case Turn.Impression(), Turn.Summary(), Turn.Question(_), Turn.Correction(_, _) -> {
        parts.add(
            new PromptPart.Template(layout + (line.isEmpty() && layout.isEmpty() ? " " : line)));
        parts.add(new PromptPart.Text(format.request(turn)));
      }
    }
    parts.add(new PromptPart.Template(PublishedPrompts.ASSISTANT));
    return List.copyOf(parts);
  }

  /** In Vicuna's template a role is plain text, so a colon in the user's own words gives way. */
  private static String withoutRoles(String text) {
    return text.replace("USER:", "USER :").replace("ASSISTANT:", "ASSISTANT :");
  }
}
