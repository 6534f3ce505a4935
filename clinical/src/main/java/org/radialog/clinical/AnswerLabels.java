package org.radialog.clinical;

import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** Labels an answer together with its question. */
public final class AnswerLabels {
  private static final Pattern YES_OR_NO = Pattern.compile("^\\W*(yes|no)\\b");

  // Words that turn a statement into a question; the remaining words are labelled as a statement.
  private static final Pattern ASKING =
      Pattern.compile(
          "^\\W*(?:(?:so|and|then|please|now|also)\\b\\W*)*"
              + "(?:is|are|was|were|do|does|did|has|have|had|can|could|would|will)\\b"
              + "(?:\\s+(?:there|you|we|it|one|this|that|film|x-ray|image|radiograph|patient|see|show|shows"
              + "|say|tell|me|if|any|signs?|evidence|of|have|has|suspect|find|notice)\\b)*");

  private AnswerLabels() {}

  /**
   * The labels of an answer. If it says yes or no and names no finding, it refers to the finding
   * that the question asks for.
   */
  public static Labels of(ReportLabeler labeler, String question, String answer) {
    Labels said = labeler.label(answer);
    var word = YES_OR_NO.matcher(answer.toLowerCase(Locale.ROOT));
    boolean silent =
        Finding.ALL.stream()
            .filter(finding -> finding != Finding.NO_FINDING)
            .allMatch(finding -> said.state(finding) == FindingState.NOT_MENTIONED);
    if (!silent || !word.find()) {
      return said;
    }
    FindingState state = word.group(1).equals("yes") ? FindingState.PRESENT : FindingState.ABSENT;
    var whole = new Labels.Span(0, answer.length());
    var evidence =
        new Labels.Evidence(
            state, new Labels.Passage(new Labels.Span(word.start(1), word.end(1)), whole), false);
    Map<Finding, Labels.Entry> entries = new EnumMap<>(Finding.class);
    Labels asked = labeler.label(statement(question));
    for (Finding finding : Finding.ALL) {
      // "Is the heart normal?" contains a negation itself, so yes or no to it cannot be labelled.
      if (finding != Finding.NO_FINDING
          && (asked.state(finding) == FindingState.PRESENT
              || asked.state(finding) == FindingState.UNCERTAIN)) {
        entries.put(finding, new Labels.Entry(state, List.of(evidence)));
      }
    }
    return new Labels(entries);
  }

  private static String statement(String question) {
    String plain = question.toLowerCase(Locale.ROOT).replace('?', '.');
    return ASKING.matcher(plain).replaceFirst("").strip();
  }
}
