package org.radialog.clinical;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Sentences that lost a denial, by kind, after public reports of the users of other labelers. All
 * of them are as expected; there is no exception.
 */
class LabelerSentencesTest {
  private static final List<String> KINDS =
      List.of(
          "label-abbreviated-denial",
          "label-and-none",
          "label-bullets-inline",
          "label-contractions",
          "label-device-removal",
          "label-doubt",
          "label-form-answers",
          "label-headers",
          "label-heart-not-normal",
          "label-issues",
          "label-list-runs-on",
          "label-prior-absent",
          "label-resolution",
          "label-unicode");
  private static final Pattern MEMBER =
      Pattern.compile("\"(id|report)\": ?\"((?:[^\"\\\\]|\\\\.)*)\"");
  private static final Pattern UNICODE = Pattern.compile("\\\\u([0-9A-Fa-f]{4})");

  @TestFactory
  Stream<DynamicTest> everySentenceIsReadAsExpected() {
    return KINDS.stream().flatMap(LabelerSentencesTest::tests);
  }

  @Test
  void aReportWithoutAWordIsNotNormalEither() {
    List<String> rows = lines("reports-no-word/in.csv");
    assertThat(rows).hasSize(5);
    for (String row : rows.subList(1, rows.size())) {
      String report = row.substring(row.indexOf(',') + 1).replace("\"", "");
      assertNothing(report);
    }
    for (String report :
        List.of(
            "", " \n", "1. 2.", "-- / --", "XXXX", "*", "•", "<br>", "\\n", "&nbsp;", "…", "?")) {
      assertNothing(report);
    }
  }

  private static void assertNothing(String report) {
    assertThat(new RuleLabeler().label(report).in(FindingState.NOT_MENTIONED))
        .as(report)
        .containsExactlyElementsOf(Finding.ALL);
  }

  private static Stream<DynamicTest> tests(String kind) {
    Map<String, String> expected = new HashMap<>();
    for (String line : lines(kind + "/expected.csv")) {
      int comma = line.indexOf(',');
      expected.put(line.substring(0, comma), line.substring(comma + 1).replace("\"", ""));
    }
    Map<String, String> reports = new LinkedHashMap<>();
    for (String line : lines(kind + "/in.jsonl")) {
      Map<String, String> members = members(line);
      reports.put(
          Objects.requireNonNull(members.get("id")), Objects.requireNonNull(members.get("report")));
    }
    assertThat(reports).as(kind).isNotEmpty().hasSize(expected.size() - 1);
    return reports.entrySet().stream()
        .map(e ->
            DynamicTest.dynamicTest(
                kind + " | " + e.getKey() + " | " + e.getValue(),
                () -> assertRead(e.getValue(), Objects.requireNonNull(expected.get(e.getKey())))));
  }

  private static void assertRead(String report, String expected) {
    Map<Finding, Character> named = new EnumMap<>(Finding.class);
    for (String cell : expected.split(",", -1)) {
      int last = cell.length() - 1;
      named.put(Finding.of(cell.substring(0, last).strip()), cell.charAt(last));
    }
    Labels labels = new RuleLabeler().label(report);
    for (Finding finding : Finding.ALL) {
      char state =
          switch (labels.state(finding)) {
            case PRESENT -> '+';
            case ABSENT -> '-';
            case UNCERTAIN -> '?';
            case NOT_MENTIONED -> '0';
          };
      Character right = named.get(finding);
      if (right != null) {
        assertThat(state).as("%s in \"%s\"", finding, report).isEqualTo(right);
      } else if (finding != Finding.NO_FINDING) {
        assertThat(state).as("%s in \"%s\"", finding, report).isIn('-', '0');
      }
    }
  }

  /** The members of an object on one line, which are strings. */
  private static Map<String, String> members(String line) {
    Map<String, String> members = new HashMap<>();
    Matcher member = MEMBER.matcher(line);
    while (member.find()) {
      String value =
          UNICODE
              .matcher(member.group(2))
              .replaceAll(m ->
                  Matcher.quoteReplacement(
                      String.valueOf((char) Integer.parseInt(m.group(1), 16))));
      members.put(member.group(1), value.translateEscapes());
    }
    return members;
  }

  private static List<String> lines(String file) {
    try (var in =
        Objects.requireNonNull(
            LabelerSentencesTest.class.getResourceAsStream("/cases/" + file), file)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
