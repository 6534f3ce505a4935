package org.radialog.instruct;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.Labels;
import org.radialog.clinical.RuleLabeler;
import org.radialog.clinical.View;
import org.radialog.testing.Unknowable;

class ReportGrammarTest {
  private static final List<Finding> TEN = List.copyOf(ReportGrammar.FINDINGS);
  private final RuleLabeler labeler = new RuleLabeler();

  @Test
  void everyCombinationOfLabelsCanBeReadBackFromItsReport() {
    for (int bits = 0; bits < 1 << TEN.size(); bits++) {
      Set<Finding> present = findings(bits);
      for (long seed = 0; seed < 8; seed++) {
        String report = ReportGrammar.report(present, view(seed), seed * 7919 + bits);
        Labels labels = labeler.label(report);
        assertThat(labels.present())
            .as(report)
            .isEqualTo(present.isEmpty() ? Set.of(Finding.NO_FINDING) : present);
        assertThat(labels.in(FindingState.UNCERTAIN)).as(report).isEmpty();
        assertThat(labels.in(FindingState.ABSENT))
            .as("what can be denied is denied: %s", report)
            .containsAll(ReportGrammar.denied(present));
      }
    }
  }

  @Property(tries = 2000)
  void aReportIsOfFairLengthAndSaysNothingTwiceAndNothingUnknown(
      @ForAll("labels") Set<Finding> present, @ForAll View view, @ForAll long seed) {
    List<String> sentences = ReportGrammar.sentences(present, view, seed);
    assertThat(sentences).doesNotHaveDuplicates();
    String report = String.join(" ", sentences);
    if (view == View.PA || view == View.AP) {
      assertThat(words(report)).as(report).isBetween(45, 115);
    }
    assertThat(Unknowable.WORDS.matcher(report).results().map(m -> m.group()).toList())
        .as(report)
        .isEmpty();
    assertThat(sentences)
        .allSatisfy(s -> assertThat(s).matches("\\p{Lu}[^.]*\\.").doesNotContain("  "));
  }

  @Property(tries = 500)
  void theViewComesFirstAndThenThePresentFindingsInTheOrderOfTheColumns(
      @ForAll("labels") Set<Finding> present, @ForAll long seed) {
    for (View view : List.of(View.PA, View.AP)) {
      List<String> sentences = ReportGrammar.sentences(present, view, seed);
      assertThat(sentences.getFirst()).contains(" " + view + " ");
      assertThat(String.join(" ", sentences.subList(1, sentences.size())))
          .doesNotContainPattern("\\b(?:PA|AP)\\b");
      int next = 1;
      for (Finding finding : present) {
        assertThat(labeler.label(sentences.get(next++)).present()).containsExactly(finding);
      }
      for (String later : sentences.subList(next, sentences.size())) {
        assertThat(labeler.label(later).present()).isSubsetOf(Finding.NO_FINDING);
      }
    }
  }

  @Property(tries = 1000)
  void oneLabelMoreChangesOnlyTheSentencesThatSpeakOfIt(
      @ForAll("labels") Set<Finding> present, @ForAll("one") Finding added, @ForAll long seed) {
    var without = EnumSet.copyOf(ReportGrammar.FINDINGS);
    without.retainAll(present);
    without.remove(added);
    var with = EnumSet.copyOf(without);
    with.add(added);
    List<String> before = ReportGrammar.sentences(without, View.AP, seed);
    List<String> after = ReportGrammar.sentences(with, View.AP, seed);
    var gone = new ArrayList<>(before);
    gone.removeAll(after);
    var come = new ArrayList<>(after);
    come.removeAll(before);
    // Its statement; its group's denial without it; and where opacity and consolidation can no
    // longer
    // be denied beside it, their groups' denials without them.
    assertThat(labeler.label(come.getFirst()).present()).containsExactly(added);
    assertThat(come).hasSizeLessThanOrEqualTo(4);
    assertThat(gone).hasSizeLessThanOrEqualTo(6);
    assertThat(after.getFirst()).isEqualTo(before.getFirst());
    assertThat(after.getLast()).isEqualTo(before.getLast());
  }

  @Property(tries = 1000)
  void impressionAndSummarySayTheSameFindings(
      @ForAll("labels") Set<Finding> present, @ForAll long seed) {
    Set<Finding> expected = present.isEmpty() ? Set.of(Finding.NO_FINDING) : present;
    String impression = ReportGrammar.impression(present, seed);
    assertThat(labeler.label(impression).present()).as(impression).isEqualTo(expected);
    String summary = ReportGrammar.summary(present, View.PA, seed);
    assertThat(labeler.label(summary).present()).as(summary).isEqualTo(expected);
    assertThat(summary).startsWith("PA ").matches("[^.]*\\.");
    assertThat(Unknowable.WORDS.matcher(impression + " " + summary).find()).isFalse();
  }

  @Test
  void seedsGiveManyReportsOfTheSameLabels() {
    var reports = new HashSet<String>();
    for (long seed = 0; seed < 500; seed++) {
      reports.add(ReportGrammar.report(Set.of(Finding.PLEURAL_EFFUSION), View.PA, seed));
    }
    assertThat(reports).hasSizeGreaterThan(400);
  }

  @Test
  void whatCannotBeSaidIsLeftOut() {
    var all = EnumSet.allOf(Finding.class);
    assertThat(ReportGrammar.stated(all)).isEqualTo(Finding.NIH_MAPPED);
    assertThat(ReportGrammar.report(Set.of(Finding.FRACTURE, Finding.NO_FINDING), View.AP, 3))
        .isEqualTo(ReportGrammar.report(Set.of(), View.AP, 3));
  }

  @Test
  void aParentIsNotDeniedBesideItsChild() {
    assertThat(ReportGrammar.denied(Set.of(Finding.PNEUMONIA)))
        .doesNotContain(Finding.LUNG_OPACITY, Finding.CONSOLIDATION, Finding.PNEUMONIA)
        .contains(Finding.EDEMA);
  }

  @Provide
  Arbitrary<Set<Finding>> labels() {
    return Arbitraries.integers()
        .between(0, (1 << TEN.size()) - 1)
        .map(ReportGrammarTest::findings);
  }

  @Provide
  Arbitrary<Finding> one() {
    return Arbitraries.of(TEN);
  }

  static Set<Finding> findings(int bits) {
    var present = EnumSet.noneOf(Finding.class);
    for (int i = 0; i < TEN.size(); i++) {
      if ((bits >> i & 1) == 1) {
        present.add(TEN.get(i));
      }
    }
    return present;
  }

  private static View view(long seed) {
    return seed % 2 == 0 ? View.PA : View.AP;
  }

  private static int words(String report) {
    return report.split(" ", -1).length;
  }
}
