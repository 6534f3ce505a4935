package org.radialog.clinical;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.radialog.clinical.Consistency.Kind;

class ConsistencyTest {
  private static final Set<Finding> ALL = EnumSet.complementOf(EnumSet.of(Finding.NO_FINDING));
  private final RuleLabeler labeler = new RuleLabeler();

  private Consistency of(String report, Finding... present) {
    return Consistency.of(labeler.label(report), FindingsList.of(List.of(present)), ALL);
  }

  @Test
  void whatIsMissingAndWhatIsTooMuchIsNamed() {
    Consistency c =
        Consistency.of(
            labeler.label("There is edema. No pneumonia."),
            FindingsList.of(Set.of(Finding.PNEUMONIA)),
            Finding.NIH_MAPPED);
    assertThat(c.unstated()).containsExactly(Finding.PNEUMONIA);
    assertThat(c.contradicting()).containsExactly(Finding.EDEMA);
    assertThat(c.agreeing()).isEqualTo(8);
    assertThat(c.holds()).isFalse();
  }

  @Test
  void eachWarningHasItsFindingItsKindAndTheSentencesThatSaySo() {
    String report = "There is edema. No pneumonia. Possible effusion.";
    Consistency c = of(report, Finding.PNEUMONIA, Finding.PLEURAL_EFFUSION, Finding.CARDIOMEGALY);
    assertThat(c.warnings())
        .extracting(Consistency.Warning::kind, Consistency.Warning::finding)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(
                Kind.LISTED_AND_DENIED, Optional.of(Finding.PNEUMONIA)),
            org.assertj.core.groups.Tuple.tuple(
                Kind.LISTED_AND_UNSTATED, Optional.of(Finding.CARDIOMEGALY)),
            org.assertj.core.groups.Tuple.tuple(
                Kind.LISTED_AND_UNSTATED, Optional.of(Finding.PLEURAL_EFFUSION)),
            org.assertj.core.groups.Tuple.tuple(
                Kind.STATED_WITHOUT_SUPPORT, Optional.of(Finding.EDEMA)));
    assertThat(c.warnings().stream().map(w -> text(report, w)).toList())
        .containsExactly(
            List.of("No pneumonia."),
            List.of(),
            List.of("Possible effusion."),
            List.of("There is edema."));
  }

  @Test
  void aFindingIsStatedByOneThatIsAKindOfItUnlessItIsDenied() {
    Finding[] listed = {Finding.PNEUMONIA, Finding.CONSOLIDATION, Finding.LUNG_OPACITY};
    assertThat(of("There is pneumonia.", listed).holds()).isTrue();
    assertThat(of("There is pneumonia. No consolidation.", listed).warnings())
        .extracting(Consistency.Warning::kind)
        .containsExactly(Kind.LISTED_AND_DENIED);
  }

  @Test
  void anAnswerNeedNotSpeakOfAllButMustFitTheListAndTheReport() {
    Labels report = labeler.label("There is edema. No pneumothorax. No fracture.");
    assertThat(answer("There is pulmonary edema.", report)).isEmpty();
    assertThat(answer("The heart is normal in size.", report)).isEmpty();
    assertThat(answer("There is a pneumothorax.", report))
        .containsExactly(Kind.STATED_WITHOUT_SUPPORT, Kind.AGAINST_REPORT);
    assertThat(answer("No edema.", report))
        .containsExactly(Kind.LISTED_AND_DENIED, Kind.AGAINST_REPORT);
    assertThat(answer("There is a fracture.", report))
        .containsExactly(Kind.STATED_WITHOUT_SUPPORT, Kind.AGAINST_REPORT);
    assertThat(answer("Edema. There is no edema.", report))
        .containsExactly(Kind.LISTED_AND_DENIED, Kind.STATED_AND_DENIED);
  }

  private List<Kind> answer(String text, Labels report) {
    return Consistency.ofAnswer(
            labeler.label(text), FindingsList.of(List.of(Finding.EDEMA)), ALL, Optional.of(report))
        .warnings()
        .stream()
        .map(Consistency.Warning::kind)
        .toList();
  }

  @Test
  void aFindingThatIsStatedAndDeniedIsNamedWithBothSentences() {
    String report = "There is a pleural effusion. The heart is normal. There is no effusion.";
    Consistency c = of(report, Finding.PLEURAL_EFFUSION);
    assertThat(c.holds()).isTrue();
    assertThat(c.warnings())
        .singleElement()
        .satisfies(w -> {
          assertThat(w.kind()).isEqualTo(Kind.STATED_AND_DENIED);
          assertThat(w.kind().code()).isEqualTo("stated_and_denied");
          assertThat(w.finding()).contains(Finding.PLEURAL_EFFUSION);
          assertThat(text(report, w))
              .containsExactly("There is a pleural effusion.", "There is no effusion.");
        });
  }

  @Test
  void aDenialOfAnotherSideOrPlaceIsNoContradiction() {
    assertThat(of("Right effusion. No left effusion.", Finding.PLEURAL_EFFUSION).warnings())
        .isEmpty();
    assertThat(
            of(
                    "There is a consolidation at the base. The lungs are otherwise clear.",
                    Finding.CONSOLIDATION)
                .warnings())
        .isEmpty();
    assertThat(
            of("A PICC line is in place. The tube was removed.", Finding.SUPPORT_DEVICES)
                .warnings())
        .isEmpty();
  }

  @Test
  void aFindingThatIsUncertainIsLeftOpenNeitherStatedNorDeniedNorLeftOut() {
    assertThat(open("There is a possible pleural effusion.")).isEmpty();
    assertThat(open("There is a pleural effusion.")).containsExactly(Kind.UNCERTAIN_AND_STATED);
    assertThat(open("No pleural effusion.")).containsExactly(Kind.UNCERTAIN_AND_DENIED);
    assertThat(open("The heart is normal in size."))
        .containsExactly(Kind.UNCERTAIN_AND_UNMENTIONED);
    assertThat(of("There is a possible pleural effusion.").warnings()).isEmpty();
  }

  private List<Kind> open(String report) {
    Consistency c =
        Consistency.of(
            labeler.label(report),
            new FindingsList(Set.of(), Set.of(Finding.PLEURAL_EFFUSION)),
            ALL);
    assertThat(c.holds()).isEqualTo(c.warnings().isEmpty());
    return c.warnings().stream().map(Consistency.Warning::kind).toList();
  }

  @Test
  void whatAnUncertainFindingIsAKindOfIsLeftOpenWithIt() {
    FindingsList pneumonia =
        new FindingsList(
            Set.of(), Set.of(Finding.PNEUMONIA, Finding.CONSOLIDATION, Finding.LUNG_OPACITY));
    assertThat(Consistency.of(labeler.label("There may be pneumonia."), pneumonia, ALL).warnings())
        .isEmpty();
    assertThat(
            Consistency.of(
                    labeler.label("There may be pneumonia. No consolidation."), pneumonia, ALL)
                .warnings())
        .extracting(Consistency.Warning::kind, Consistency.Warning::finding)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(
                Kind.UNCERTAIN_AND_DENIED, Optional.of(Finding.CONSOLIDATION)));
  }

  @Test
  void anAnswerNeedNotSpeakOfAnUncertainFindingButMayNotSettleIt() {
    assertThat(answerToUncertain("The heart is normal in size.")).isEmpty();
    assertThat(answerToUncertain("There may be a small effusion.")).isEmpty();
    assertThat(answerToUncertain("There is a pleural effusion."))
        .containsExactly(Kind.UNCERTAIN_AND_STATED);
    assertThat(answerToUncertain("There is no pleural effusion."))
        .containsExactly(Kind.UNCERTAIN_AND_DENIED);
  }

  private List<Kind> answerToUncertain(String text) {
    return Consistency.ofAnswer(
            labeler.label(text),
            new FindingsList(Set.of(), Set.of(Finding.PLEURAL_EFFUSION)),
            ALL,
            Optional.empty())
        .warnings()
        .stream()
        .map(Consistency.Warning::kind)
        .toList();
  }

  @Test
  void aComparisonWithoutAPriorIsNamed() {
    String report = "The heart is enlarged and unchanged. No effusion.";
    Consistency c = of(report, Finding.CARDIOMEGALY).withoutPrior(labeler.comparisons(report));
    assertThat(c.holds()).isTrue();
    assertThat(c.warnings())
        .singleElement()
        .satisfies(w -> {
          assertThat(w.kind()).isEqualTo(Kind.COMPARISON_WITHOUT_PRIOR);
          assertThat(w.finding()).isEmpty();
          assertThat(text(report, w)).containsExactly("The heart is enlarged and unchanged.");
        });
    assertThat(of("The heart is enlarged.", Finding.CARDIOMEGALY).withoutPrior(List.of()))
        .isEqualTo(of("The heart is enlarged.", Finding.CARDIOMEGALY));
  }

  private static List<String> text(String report, Consistency.Warning warning) {
    return warning.sentences().stream().map(s -> s.of(report)).toList();
  }
}
