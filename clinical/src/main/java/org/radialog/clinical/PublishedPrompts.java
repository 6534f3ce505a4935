package org.radialog.clinical;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * The exact strings that the published weights of RaDialog were trained with: v1 (Q-Former, 32
 * {@code <IMG>}) and v2 (LLaVA, {@code <image>}), both in Vicuna's conversation template. The
 * weights depend on every space.
 */
public final class PublishedPrompts {
  /** The system prompt of training and evaluation. */
  public static final String SYSTEM =
      "A chat between a curious user and an artificial intelligence assistant acting as an"
          + " experienced radiologist. The assistant gives professional, detailed, and polite"
          + " answers to the user's questions.";

  /**
   * The system prompt of the v1 demo only: a different text without a space between its sentences.
   */
  public static final String SYSTEM_DEMO_V1 =
      "A chat between a curious user and an artificial intelligence assistant.The assistant gives"
          + " professional, detailed, and polite answers to the user's questions.";

  /** The output of the original correction generator if there is nothing to correct. */
  public static final String KEEP_OLD = "KEEP_OLD";

  /** The request for a list of findings. */
  public static final String LIST_QUESTION = "List all the findings in this report.";

  /** The view question of v2; the image comes before it. */
  public static final String VIEW_QUESTION = "From what view was this image taken?";

  /** The request of v2 for an impression, after a report. */
  public static final String IMPRESSION_QUESTION =
      "Write the impression section corresponding to this radiology report.";

  static final String NO_COMMON_FINDINGS = "no common findings";
  static final String FINDINGS_BEFORE = ". Predicted Findings: ";
  static final String TASK =
      "You are to act as a radiologist and write the finding section of a chest x-ray radiology"
          + " report for this X-ray image and the given predicted findings. Write in the style of a"
          + " radiologist, write one fluent text without enumeration, be concise and don't provide"
          + " explanations or reasons.";

  /** Before a request. */
  public static final String USER = "USER: ";

  /** Behind a request, before its answer. */
  public static final String ASSISTANT = " ASSISTANT:";

  /** Behind an answer. */
  public static final String END = "</s>";

  private static final int IMAGE_TOKENS_V1 = 32;

  private PublishedPrompts() {}

  /** The two published models. */
  public enum Version {
    V1("Image information: ", "<IMG>".repeat(IMAGE_TOKENS_V1)),
    V2("", "<image>");

    private final String beforeImage;
    private final String image;

    Version(String beforeImage, String image) {
      this.beforeImage = beforeImage;
      this.image = image;
    }

    /** The text before the image. */
    public String beforeImage() {
      return beforeImage;
    }

    /** The image placeholder in the template. */
    public String image() {
      return image;
    }
  }

  /** The ways in which the original converts a list of findings to text. */
  public enum FindingsStyle {
    /**
     * The evaluation scripts: No Finding is removed if any label other than Support Devices is also
     * present.
     */
    TEST,
    /** The demos: unchanged names; an empty list gives an empty text. */
    DEMO,
    /** The report samples of training: all names, {@code no common findings} for an empty list. */
    TRAINING,
    /** The instruct samples of training: all names, an empty list gives an empty text. */
    FUSED
  }

  /** The text between {@code Predicted Findings: } and the full stop. */
  public static String findings(Collection<Finding> findings, FindingsStyle style) {
    var present = EnumSet.noneOf(Finding.class);
    present.addAll(findings);
    return switch (style) {
      case DEMO -> present.stream().map(Finding::label).collect(Collectors.joining(", "));
      case FUSED -> lowerCase(present);
      case TRAINING -> present.isEmpty() ? NO_COMMON_FINDINGS : lowerCase(present);
      case TEST -> {
        var others = EnumSet.copyOf(present);
        others.remove(Finding.NO_FINDING);
        others.remove(Finding.SUPPORT_DEVICES);
        if (!others.isEmpty()) {
          present.remove(Finding.NO_FINDING);
        }
        yield present.isEmpty() ? NO_COMMON_FINDINGS : lowerCase(present);
      }
    };
  }

  private static String lowerCase(Collection<Finding> findings) {
    return findings.stream()
        .map(finding -> finding.label().toLowerCase(Locale.ROOT))
        .collect(Collectors.joining(", "));
  }

  /** The prompt for a report, with {@code findings} as returned by {@link #findings}. */
  public static String reportPrompt(Version version, String findings) {
    return version.beforeImage() + version.image() + FINDINGS_BEFORE + findings + ". " + TASK;
  }

  /**
   * The same prompt in the layout of the v2 training code: the image comes first, on a separate
   * line.
   */
  public static String reportPromptInTrainingLayout(String findings) {
    return Version.V2.image() + "\n" + FINDINGS_BEFORE + findings + ". " + TASK;
  }

  /** The view question of v2 with its image. */
  public static String viewPrompt() {
    return Version.V2.image() + " " + VIEW_QUESTION;
  }

  /** The question for one finding; the leading space is part of it. */
  public static String binaryQuestion(Finding finding) {
    return " Is there any " + finding.label() + "?";
  }

  /**
   * The request to correct a report; No Finding is removed from both lists.
   *
   * @return {@link #KEEP_OLD} if nothing remains to be corrected
   */
  public static String correction(Collection<Finding> missing, Collection<Finding> wrong) {
    String add = withAnd(missing);
    String remove = withAnd(wrong);
    if (add.isEmpty() && remove.isEmpty()) {
      return KEEP_OLD;
    }
    if (add.isEmpty()) {
      return "The patient does not have "
          + remove
          + ". Update the report. Don't make other changes.";
    }
    if (remove.isEmpty()) {
      return "The patient also has " + add + ", correct the report. Don't make other changes.";
    }
    return "Please adapt the report with the following corrections: Include "
        + add
        + " and remove "
        + remove
        + ". Don't make other changes.";
  }

  /** {@code a, b and c}, in the order given. */
  private static String withAnd(Collection<Finding> findings) {
    List<String> names = new ArrayList<>();
    for (Finding finding : findings) {
      if (finding != Finding.NO_FINDING) {
        names.add(finding.label().toLowerCase(Locale.ROOT));
      }
    }
    if (names.size() < 2) {
      return String.join("", names);
    }
    return String.join(", ", names.subList(0, names.size() - 1)) + " and " + names.getLast();
  }

  /**
   * A conversation in Vicuna's template.
   *
   * @param messages alternating messages of user and assistant, starting with the user; if the last
   *     one is from the user, the assistant's turn is left open
   */
  public static String conversation(String system, List<String> messages) {
    var text = new StringBuilder(system).append(' ');
    for (int i = 0; i < messages.size(); i++) {
      if (i % 2 == 0) {
        text.append(USER).append(messages.get(i)).append(ASSISTANT);
      } else {
        text.append(' ').append(messages.get(i)).append(END);
      }
    }
    return text.toString();
  }

  /**
   * A further turn as the original creates it, by editing the decoded text: every {@code
   * ASSISTANT:} gets a space after it, even within an answer.
   */
  public static String followUp(String history, String prompt) {
    return history.replace("ASSISTANT:", "ASSISTANT: ") + END + USER + prompt + ASSISTANT;
  }
}
