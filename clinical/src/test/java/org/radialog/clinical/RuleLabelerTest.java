package org.radialog.clinical;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class RuleLabelerTest {
  private final RuleLabeler labeler = new RuleLabeler();

  /** A line of cases.txt. */
  record Case(String rule, String report, Map<Finding, FindingState> states) {
    static Case of(String line) {
      String[] parts = line.split("\\|", -1);
      assertThat(parts).as(line).hasSize(3);
      var states = new EnumMap<Finding, FindingState>(Finding.class);
      for (String state : parts[2].split(",", -1)) {
        String name = state.strip();
        if (!name.isEmpty()) {
          int last = name.length() - 1;
          states.put(
              Finding.of(name.substring(0, last)),
              switch (name.charAt(last)) {
                case '+' -> FindingState.PRESENT;
                case '-' -> FindingState.ABSENT;
                case '?' -> FindingState.UNCERTAIN;
                case '0' -> FindingState.NOT_MENTIONED;
                default -> throw new IllegalArgumentException(line);
              });
        }
      }
      String report = unescaped(parts[1].strip());
      return new Case(parts[0].strip(), report, states);
    }
  }

  /** The text of a case: "\\n", "\\t" and the backslash as in Java, and "\\" with four digits. */
  private static String unescaped(String text) {
    Matcher unicode = Pattern.compile("\\\\u([0-9A-Fa-f]{4})").matcher(text);
    return unicode
        .replaceAll(
            m -> Matcher.quoteReplacement(String.valueOf((char) Integer.parseInt(m.group(1), 16))))
        .translateEscapes();
  }

  static List<Case> cases() throws IOException {
    try (var in =
        new BufferedReader(
            new InputStreamReader(
                Objects.requireNonNull(
                    RuleLabelerTest.class.getResourceAsStream("labeler/cases.txt")),
                StandardCharsets.UTF_8))) {
      return in.lines()
          .filter(line -> !line.isBlank() && !line.startsWith("#"))
          .map(Case::of)
          .toList();
    }
  }

  @TestFactory
  Stream<DynamicTest> everyRuleReadsItsSentences() throws IOException {
    assertThat(cases()).hasSizeGreaterThanOrEqualTo(150);
    return cases().stream()
        .map(c ->
            DynamicTest.dynamicTest(
                c.rule() + " | " + c.report(),
                () -> {
                  Labels labels = labeler.label(c.report());
                  c.states()
                      .forEach((finding, state) ->
                          assertThat(labels.state(finding)).as(finding.label()).isEqualTo(state));
                  var others = EnumSet.complementOf(EnumSet.of(Finding.NO_FINDING));
                  others.removeAll(c.states().keySet());
                  for (Finding finding : others) {
                    assertThat(labels.state(finding))
                        .as("%s, which the case does not name", finding)
                        .isIn(FindingState.ABSENT, FindingState.NOT_MENTIONED);
                  }
                }));
  }

  @Test
  void theWordsAndTheSentenceThatSaySoAreNamed() {
    String report = "No pneumonia is seen. Heart size is normal.\nThere is left basal pneumonia.";
    Labels labels = labeler.label(report);
    assertThat(labels.where(Finding.PNEUMONIA))
        .singleElement()
        .satisfies(span -> {
          assertThat(span.of(report)).isEqualTo("pneumonia");
          assertThat(span.start()).isEqualTo(report.lastIndexOf("pneumonia"));
        });
    assertThat(labels.entry(Finding.PNEUMONIA).passages())
        .singleElement()
        .satisfies(
            p -> assertThat(p.sentence().of(report)).isEqualTo("There is left basal pneumonia."));
    assertThat(labels.entry(Finding.PNEUMONIA).evidence())
        .extracting(Labels.Evidence::state)
        .containsExactly(FindingState.ABSENT, FindingState.PRESENT);
    assertThat(labels.where(Finding.CARDIOMEGALY))
        .singleElement()
        .satisfies(span -> assertThat(span.of(report)).isEqualTo("Heart size is normal"));
  }

  @Test
  void theWordsAreThoseOfTheReportWhateverItWentThrough() {
    for (String words :
        List.of(
            "e\uFB00usion",
            "effu\u00ADsion",
            "effu-\nsion",
            "\uFF45ffusion",
            "EFFU\u200BSION",
            "effusio\u0301n",
            "effu&shy;sion")) {
      String report =
          "\uFEFFNo fracture.<br>There is a small " + words + " \u2013 stable.\u2028Thyroid: fine.";
      assertThat(labeler.label(report).entry(Finding.PLEURAL_EFFUSION).passages())
          .as(words)
          .singleElement()
          .satisfies(p -> {
            assertThat(p.words().of(report)).isEqualTo(words);
            assertThat(p.sentence().of(report))
                .isEqualTo("There is a small " + words + " \u2013 stable.");
          });
      assertThat(labeler.label(report).where(Finding.FRACTURE))
          .singleElement()
          .satisfies(span -> assertThat(span.of(report)).isEqualTo("fracture"));
    }
  }

  @Test
  void anAnswerOfAFormIsShownWithItsHeading() {
    String report = "Pneumothorax: none\nEffusion: small";
    assertThat(labeler.label(report).entry(Finding.PNEUMOTHORAX).passages())
        .singleElement()
        .satisfies(p -> {
          assertThat(p.words().of(report)).isEqualTo("Pneumothorax");
          assertThat(p.sentence().of(report)).isEqualTo("Pneumothorax: none");
        });
  }

  @Test
  void aReportWithoutAWordMentionsNothing() {
    assertThat(labeler.label(" \n").in(FindingState.NOT_MENTIONED))
        .containsExactlyElementsOf(Finding.ALL);
    assertThat(labeler.label("").in(FindingState.NOT_MENTIONED)).hasSize(Finding.COUNT);
  }

  @Test
  void aDenialIsLimitedByASideAPlaceASizeOrWhatIsNew() {
    for (String limited :
        List.of(
            "No left effusion.",
            "No large effusion.",
            "No new effusion.",
            "No additional effusion.",
            "The right effusion has resolved.")) {
      assertThat(labeler.label(limited).entry(Finding.PLEURAL_EFFUSION).evidence())
          .as(limited)
          .singleElement()
          .satisfies(e -> assertThat(e.limited()).isTrue());
    }
    assertThat(labeler.label("There is no effusion.").entry(Finding.PLEURAL_EFFUSION).evidence())
        .singleElement()
        .satisfies(e -> assertThat(e.limited()).isFalse());
  }

  @Test
  void parentsFollowFromTheirChildrenOnlyWhereAsked() {
    Labels labels = labeler.label("No opacity. Possible atelectasis. Pneumonia. Cardiomegaly.");
    assertThat(labels.state(Finding.LUNG_OPACITY)).isEqualTo(FindingState.ABSENT);
    Labels tree = labels.withParents();
    assertThat(tree.present())
        .containsExactly(
            Finding.ENLARGED_CARDIOMEDIASTINUM,
            Finding.CARDIOMEGALY,
            Finding.LUNG_OPACITY,
            Finding.CONSOLIDATION,
            Finding.PNEUMONIA);
    assertThat(tree.state(Finding.ATELECTASIS)).isEqualTo(FindingState.UNCERTAIN);
    assertThat(
            labeler
                .label("No opacity. Possible atelectasis.")
                .withParents()
                .state(Finding.LUNG_OPACITY))
        .isEqualTo(FindingState.UNCERTAIN);
    assertThat(labeler.label("The lungs are clear.").withParents().present())
        .containsExactly(Finding.NO_FINDING);
  }

  @Test
  void comparisonsAreNamedWithTheirSentenceAndTheirLackIsNone() {
    String report = "Cardiomegaly is unchanged. No effusion. Compared with the prior film, worse.";
    assertThat(labeler.comparisons(report))
        .extracting(p -> p.sentence().of(report))
        .contains("Cardiomegaly is unchanged.", "Compared with the prior film, worse.")
        .doesNotContain("No effusion.");
    for (String none :
        List.of(
            "No prior films for comparison.",
            "Comparison: None.",
            "The heart is enlarged. There are increased markings at the left base.",
            "No pneumothorax or effusion.")) {
      assertThat(labeler.comparisons(none)).as(none).isEmpty();
    }
  }

  @Property
  void anyTextHasAStateForEachFindingAndEverySpanLiesInIt(@ForAll String text) {
    spansLieIn(text);
  }

  @Property(tries = 2000)
  void anyRowOfWordsHasAStateForEachFindingAndEverySpanLiesInIt(@ForAll("wordRows") String text) {
    spansLieIn(text);
  }

  private void spansLieIn(String text) {
    Labels labels = labeler.label(text);
    assertThat(labels.entries()).hasSize(Finding.COUNT);
    for (Finding finding : Finding.ALL) {
      assertThat(labels.entry(finding).evidence())
          .allSatisfy(e -> {
            Labels.Span words = e.passage().words();
            Labels.Span sentence = e.passage().sentence();
            assertThat(sentence.end()).isLessThanOrEqualTo(text.length());
            assertThat(words.start()).isGreaterThanOrEqualTo(sentence.start());
            assertThat(words.end()).isLessThanOrEqualTo(sentence.end());
            assertThat(words.of(text)).isNotBlank();
          });
    }
    assertThat(labeler.comparisons(text))
        .allSatisfy(p -> assertThat(p.sentence().end()).isLessThanOrEqualTo(text.length()));
  }

  @Property(tries = 2000)
  void aSentenceMoreDoesNotChangeWhatIsSaidOfOtherFindings(@ForAll("wordRows") String text) {
    // "Chest." since a report without a word is not normal either
    Labels before = labeler.label("Chest.\n\n" + text + ".");
    Labels after = labeler.label("Chest.\n\n" + text + ".\n\nThe thyroid is normal.");
    for (Finding finding : Finding.ALL) {
      assertThat(after.entry(finding)).as(text).isEqualTo(before.entry(finding));
    }
  }

  @Property
  void aStatementAppendedIsReadWhateverStandsBefore(
      @ForAll("wordRows") String text, @ForAll("pathologies") Finding finding) {
    String before = "Chest.\n\n" + text + ".";
    Labels labels = labeler.label(before + "\n\nThere is " + FindingWords.of(finding) + ".");
    assertThat(labels.state(finding)).as(text).isEqualTo(FindingState.PRESENT);
    assertThat(labels.state(Finding.NO_FINDING))
        .isEqualTo(
            finding == Finding.SUPPORT_DEVICES
                ? labeler.label(before).state(Finding.NO_FINDING)
                : FindingState.ABSENT);
  }

  @Property
  void capitalsDoNotMatter(@ForAll("wordRows") String words) {
    // but behind a question mark, where a capital begins the next sentence
    String text = words.replace("?", "");
    Labels lower = labeler.label(text.toLowerCase(java.util.Locale.ROOT));
    Labels title = labeler.label(text.toUpperCase(java.util.Locale.ROOT));
    for (Finding finding : Finding.ALL) {
      assertThat(title.state(finding)).as(text).isEqualTo(lower.state(finding));
    }
  }

  @Property
  void plainStatementsAndDenialsOfAnyFindingsAreToldApart(
      @ForAll Set<Finding> stated, @ForAll Set<Finding> denied) {
    var present = EnumSet.noneOf(Finding.class);
    present.addAll(stated);
    present.remove(Finding.NO_FINDING);
    var absent = EnumSet.noneOf(Finding.class);
    absent.addAll(denied);
    absent.removeAll(present);
    absent.remove(Finding.NO_FINDING);
    var report = new StringBuilder("Chest radiograph.");
    present.forEach(f -> report.append(" There is ").append(FindingWords.of(f)).append('.'));
    if (!absent.isEmpty()) {
      List<String> names = absent.stream().map(FindingWords::of).toList();
      report.append(" There is no ").append(String.join(" or ", names)).append('.');
    }
    Labels labels = labeler.label(report.toString());
    assertThat(labels.in(FindingState.PRESENT)).containsAll(present);
    assertThat(labels.in(FindingState.ABSENT)).containsAll(absent);
    assertThat(
            Consistency.of(
                    labels,
                    FindingsList.of(present),
                    EnumSet.complementOf(EnumSet.of(Finding.NO_FINDING)))
                .warnings())
        .isEmpty();
  }

  @Test
  void aHostileTextOfAMegabyteIsReadInStepWithItsLength() {
    // Twice the text may not take much more than twice the steps: counted in look-ups, not in time.
    for (String unit :
        List.of(
            "no ",
            "heart ",
            "heart is ",
            "heart and mediastinum and ",
            "the heart, the lungs and the ",
            "no effusion or ",
            "? ",
            ". ",
            "1. ",
            ", ",
            "XXXX ",
            "a",
            "\n",
            "pleural fluid in the pleural ",
            "cannot be ",
            "effusion: no ",
            "effusion: ",
            "effusion/",
            "effusion, resolved, ",
            "effusion\nno\n",
            "effusion (-) ",
            "[ ] effusion ",
            "is effusion? ",
            "findings: indication: ",
            "* ",
            "a. b. ",
            "effu-\n",
            "a-\n",
            "<b ",
            "\\n",
            "&",
            "ﬀ",
            "\u00ad",
            "isn't ",
            "no effusion, small effusion, ",
            "more likely effusion than ")) {
      long once = steps(unit.repeat(500_000 / unit.length()));
      long twice = steps(unit.repeat(1_000_000 / unit.length()));
      assertThat(twice).as("\"%s\"", unit).isLessThanOrEqualTo(2 * once + 1000);
      assertThat(twice).as("\"%s\"", unit).isLessThan(200L * 1_000_000);
    }
  }

  private static long steps(String text) {
    return RuleLabeler.steps(text);
  }

  @Test
  void severalThreadsReadTheSame() throws Exception {
    List<Case> cases = cases();
    List<Labels> alone = cases.stream().map(c -> labeler.label(c.report())).toList();
    try (var threads = Executors.newFixedThreadPool(4)) {
      var running = new ArrayList<Future<List<Labels>>>();
      for (int t = 0; t < 4; t++) {
        Callable<List<Labels>> work =
            () -> cases.stream().map(c -> labeler.label(c.report())).toList();
        running.add(threads.submit(work));
      }
      for (Future<List<Labels>> f : running) {
        assertThat(f.get()).isEqualTo(alone);
      }
    }
  }

  @Provide
  Arbitrary<String> wordRows() {
    return Arbitraries.of(
            "no",
            "not",
            "without",
            "possible",
            "effusion",
            "pleural",
            "pneumothorax",
            "heart",
            "is",
            "enlarged",
            "normal",
            "lungs",
            "are",
            "clear",
            "of",
            "or",
            "and",
            ",",
            ";",
            ":",
            "versus",
            "cannot",
            "be",
            "excluded",
            "atelectasis",
            "consolidation",
            "may",
            "represent",
            "pneumonia",
            "resolved",
            "has",
            "XXXX",
            "the",
            "there",
            "mild",
            "1.5",
            "opacity",
            "edema",
            "fracture",
            "tube",
            "left",
            "but",
            "change",
            "in",
            "/",
            "?",
            "(",
            "-",
            "*",
            "isn't",
            "none",
            "[x]",
            "(-)",
            "either",
            "likely",
            "than",
            "e\uFB00usion",
            "effu\u00ADsion",
            "\u2022",
            "<br>",
            "a.",
            "1.")
        .list()
        .ofMinSize(1)
        .ofMaxSize(25)
        .map(words -> String.join(" ", words));
  }

  @Provide
  Arbitrary<Finding> pathologies() {
    return Arbitraries.of(EnumSet.complementOf(EnumSet.of(Finding.NO_FINDING)));
  }
}
