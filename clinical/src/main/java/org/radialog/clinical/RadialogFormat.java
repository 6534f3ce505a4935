package org.radialog.clinical;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * The formats of the two published versions: Vicuna's template, with roles in plain text. They
 * cannot express an uncertain finding: their lists contain the present findings, as in training.
 */
public final class RadialogFormat implements PromptFormat {
  /** The first published version: 32 image tokens. */
  public static final RadialogFormat V1 =
      new RadialogFormat("radialog-v1", PublishedPrompts.Version.V1, Set.of());

  /** The second published version. */
  public static final RadialogFormat V2 =
      new RadialogFormat("radialog-v2", PublishedPrompts.Version.V2, Set.of());

  private final String id;
  private final PublishedPrompts.Version version;
  private final Set<Compat> compat;

  private RadialogFormat(String id, PublishedPrompts.Version version, Set<Compat> compat) {
    this.id = id;
    this.version = version;
    this.compat = compat;
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public PromptFormat with(Set<Compat> kept) {
    if (version == PublishedPrompts.Version.V1 && kept.contains(Compat.TRAINING_LAYOUT)) {
      return PromptFormat.super.with(kept);
    }
    return new RadialogFormat(id, version, Set.copyOf(kept));
  }

  @Override
  public List<PromptPart> open(Optional<FindingsList> findings, Turn turn) {
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
            .map(list -> PublishedPrompts.findings(list.present(), style))
            .map(list -> PublishedPrompts.FINDINGS_BEFORE + list + ". ")
            .orElse("");
    switch (turn) {
      case Turn.Report() -> {
        if (line.isEmpty()) {
          throw new RadialogException(
              Kind.UNSUPPORTED,
              ("the format %s has no report prompt without findings: pass a list, which may"
                      + " be empty")
                  .formatted(id));
        }
        parts.add(new PromptPart.Template(layout + line + PublishedPrompts.TASK));
      }
      case Turn.Impression(), Turn.Summary(), Turn.Question(_), Turn.Correction _ -> {
        parts.add(
            new PromptPart.Template(layout + (line.isEmpty() && layout.isEmpty() ? " " : line)));
        parts.add(new PromptPart.Text(request(turn)));
      }
    }
    parts.add(new PromptPart.Template(PublishedPrompts.ASSISTANT));
    return List.copyOf(parts);
  }

  @Override
  public List<PromptPart> next(Turn turn) {
    return List.of(
        new PromptPart.Template(PublishedPrompts.END + PublishedPrompts.USER),
        new PromptPart.Text(request(turn)),
        new PromptPart.Template(PublishedPrompts.ASSISTANT));
  }

  @Override
  public PromptPart answer(String text) {
    return new PromptPart.Text(" " + text);
  }

  @Override
  public String endToken() {
    return PublishedPrompts.END;
  }

  @Override
  public String request(Turn turn) {
    return switch (turn) {
      case Turn.Report() -> "Please write a radiology report for the given x-ray.";
      case Turn.Impression() -> PublishedPrompts.IMPRESSION_QUESTION;
      case Turn.Summary() -> "Please summarize this report in one sentence.";
      case Turn.Correction(Set<Finding> missing, Set<Finding> wrong, Set<Finding> uncertain) -> {
        if (!uncertain.isEmpty()) {
          throw new RadialogException(
              Kind.UNSUPPORTED,
              "the prompt format %s cannot express an uncertain finding; add or remove %s"
                  .formatted(id, uncertain.iterator().next().label()));
        }
        yield PublishedPrompts.correction(missing, wrong);
      }
      case Turn.Question(String text) -> withoutRoles(text);
    };
  }

  @Override
  public boolean correctsAnew() {
    return false;
  }

  @Override
  public boolean namesLabels() {
    return true;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof RadialogFormat that
        && version == that.version
        && compat.equals(that.compat);
  }

  @Override
  public int hashCode() {
    return Objects.hash(version, compat);
  }

  /**
   * In Vicuna's template a role is plain text, so a colon that would forge a role in user text is
   * removed.
   */
  private static String withoutRoles(String text) {
    return text.replace("USER:", "USER :").replace("ASSISTANT:", "ASSISTANT :");
  }
}
