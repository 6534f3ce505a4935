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
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.Labels;
import org.radialog.clinical.RuleLabeler;
import org.radialog.clinical.View;
import org.radialog.instruct.ReportGrammar.Region;
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
        requireNegationsOf(FindingsList.of(present), ReportGrammar.FINDINGS, labels, report);
      }
    }
  }

  @Property(tries = 3000)
  void presentAndPossibleFindingsCanBeReadBackFromAReportOfWhatWasAssessed(
      @ForAll("lists") FindingsList list,
      @ForAll("labels") Set<Finding> assessed,
      @ForAll long seed) {
    String report = ReportGrammar.report(list, assessed, View.PA, seed);
    Labels labels = labeler.label(report);
    var present = EnumSet.noneOf(Finding.class);
    present.addAll(labels.present());
    present.remove(Finding.NO_FINDING);
    assertThat(present).as(report).isEqualTo(list.present());
    assertThat(labels.in(FindingState.UNCERTAIN)).as(report).isEqualTo(list.uncertain());
    requireNegationsOf(list, assessed, labels, report);
  }

  // What a reader would miss is negated; what is not assessed, or open, is not.
  private static void requireNegationsOf(
      FindingsList list, Set<Finding> assessed, Labels labels, String report) {
    var deniable = EnumSet.noneOf(Finding.class);
    deniable.addAll(ReportGrammar.denied(list));
    deniable.retainAll(assessed);
    var missed = EnumSet.of(Finding.CARDIOMEGALY, Finding.PNEUMOTHORAX, Finding.PLEURAL_EFFUSION);
    missed.retainAll(deniable);
    assertThat(labels.in(FindingState.ABSENT)).as(report).containsAll(missed);
    var absent = EnumSet.noneOf(Finding.class);
    absent.addAll(labels.in(FindingState.ABSENT));
    absent.retainAll(ReportGrammar.FINDINGS);
    assertThat(deniable).as(report).containsAll(absent);
  }

  @Property(tries = 2000)
  void aReportIsShortAndSaysNothingTwiceAndNothingUnknown(
      @ForAll("lists") FindingsList list, @ForAll View view, @ForAll long seed) {
    List<String> sentences = texts(list, view, seed);
    assertThat(sentences).doesNotHaveDuplicates();
    String report = String.join(" ", sentences);
    assertThat(words(report)).as(report).isBetween(14, 75);
    assertThat(Unknowable.WORDS.matcher(report).results().map(m -> m.group()).toList())
        .as(report)
        .isEmpty();
    assertThat(sentences)
        .allSatisfy(s -> assertThat(s).matches("\\p{Lu}[^.]*\\.").doesNotContain("  "));
  }

  @Property(tries = 500)
  void theViewComesFirstThenHeartLungsAndPleura(
      @ForAll("lists") FindingsList list, @ForAll long seed) {
    for (View view : List.of(View.PA, View.AP)) {
      List<String> sentences = texts(list, view, seed);
      assertThat(sentences.getFirst()).contains(view + " ");
      assertThat(String.join(" ", sentences.subList(1, sentences.size())))
          .doesNotContainPattern("\\b(?:PA|AP)\\b");
      List<String> inOrder = new ArrayList<>();
      for (Region region : Region.values()) {
        ReportGrammar.sentences(region, list, ReportGrammar.FINDINGS, seed)
            .forEach(sentence -> inOrder.add(sentence.text()));
      }
      assertThat(sentences.subList(1, sentences.size())).isEqualTo(inOrder);
    }
  }

  @Property(tries = 1000)
  void oneLabelMoreChangesOnlyTheSentencesOfItsRegion(
      @ForAll("labels") Set<Finding> present, @ForAll("one") Finding added, @ForAll long seed) {
    var without = EnumSet.copyOf(ReportGrammar.FINDINGS);
    without.retainAll(present);
    without.remove(added);
    var with = EnumSet.copyOf(without);
    with.add(added);
    int changed = 0;
    for (Region region : Region.values()) {
      var before =
          ReportGrammar.sentences(region, FindingsList.of(without), ReportGrammar.FINDINGS, seed);
      var after =
          ReportGrammar.sentences(region, FindingsList.of(with), ReportGrammar.FINDINGS, seed);
      if (!before.equals(after)) {
        changed++;
        assertThat(after.getFirst().states()).contains(added);
      }
    }
    assertThat(changed).isEqualTo(1);
  }

  @Property(tries = 1000)
  void impressionSummaryAndListSayTheSameFindings(
      @ForAll("lists") FindingsList list, @ForAll long seed) {
    String impression = ReportGrammar.impression(list, seed);
    String summary = ReportGrammar.summary(list, View.PA, seed);
    boolean none = list.present().isEmpty() && list.uncertain().isEmpty();
    for (String text : List.of(impression, summary, ReportGrammar.all(list))) {
      Labels labels = labeler.label(text);
      assertThat(labels.present())
          .as(text)
          .isEqualTo(none ? Set.of(Finding.NO_FINDING) : list.present());
      assertThat(labels.in(FindingState.UNCERTAIN)).as(text).isEqualTo(list.uncertain());
    }
    assertThat(summary).startsWith("PA ").matches("[^.]*\\.");
    assertThat(Unknowable.WORDS.matcher(impression + " " + summary).find()).isFalse();
  }

  @Test
  void seedsGiveManyReportsOfTheSameLabels() {
    var reports = new HashSet<String>();
    for (long seed = 0; seed < 500; seed++) {
      reports.add(ReportGrammar.report(Set.of(Finding.PLEURAL_EFFUSION), View.PA, seed));
    }
    assertThat(reports).hasSizeGreaterThan(100);
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

  @Provide
  Arbitrary<FindingsList> lists() {
    return Arbitraries.integers()
        .between(0, (int) Math.pow(3, TEN.size()) - 1)
        .map(digits -> {
          var present = EnumSet.noneOf(Finding.class);
          var uncertain = EnumSet.noneOf(Finding.class);
          int left = digits;
          for (Finding finding : TEN) {
            switch (left % 3) {
              case 1 -> present.add(finding);
              case 2 -> uncertain.add(finding);
              default -> {} // absent
            }
            left /= 3;
          }
          return new FindingsList(present, uncertain);
        });
  }

  private static List<String> texts(FindingsList list, View view, long seed) {
    return ReportGrammar.sentences(list, ReportGrammar.FINDINGS, view, seed).stream()
        .map(ReportGrammar.Sentence::text)
        .toList();
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
