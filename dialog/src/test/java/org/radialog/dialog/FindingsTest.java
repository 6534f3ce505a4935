package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.radialog.clinical.Finding.CONSOLIDATION;
import static org.radialog.clinical.Finding.EDEMA;
import static org.radialog.clinical.Finding.FRACTURE;
import static org.radialog.clinical.Finding.LUNG_OPACITY;
import static org.radialog.clinical.Finding.NO_FINDING;
import static org.radialog.clinical.Finding.PLEURAL_EFFUSION;
import static org.radialog.clinical.Finding.PNEUMONIA;
import static org.radialog.clinical.Finding.PNEUMOTHORAX;
import static org.radialog.clinical.Finding.SUPPORT_DEVICES;

import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;

class FindingsTest {
  private static Findings with(Finding... present) {
    Set<Finding> set = Set.of(present);
    return new Findings(
        Finding.ALL.stream()
            .map(f ->
                f == FRACTURE
                    ? Findings.Assessment.unknown(f)
                    : Findings.Assessment.of(
                        f, set.contains(f) ? 0.75 : 0.25, 0.5, OptionalDouble.empty()))
            .toList());
  }

  @Test
  void aCorrectionIsTheUsersWordAndSaysSo() {
    Findings edited = Correction.add(PNEUMOTHORAX, FRACTURE).remove(EDEMA).of(with(EDEMA));
    assertThat(edited.present()).containsExactly(PNEUMOTHORAX, FRACTURE);
    assertThat(edited.of(EDEMA).edited()).isTrue();
    assertThat(edited.of(EDEMA).probability()).hasValue(0.75);
    assertThat(edited.of(FRACTURE).probability()).isEmpty();
    assertThat(edited.of(PLEURAL_EFFUSION).edited()).isFalse();
  }

  @Test
  void anAddedAbnormalityTakesNoFindingAwayButADeviceDoesNot() {
    assertThat(Correction.add(PLEURAL_EFFUSION).of(with(NO_FINDING)).present())
        .containsExactly(PLEURAL_EFFUSION);
    assertThat(Correction.add(SUPPORT_DEVICES).of(with(NO_FINDING)).present())
        .containsExactly(NO_FINDING, SUPPORT_DEVICES);
  }

  @Test
  void noFindingFollowsFromTheOthers() {
    Findings nothing = with().settled();
    assertThat(nothing.present()).containsExactly(NO_FINDING);
    assertThat(nothing.of(NO_FINDING).implied()).isTrue();
    assertThat(nothing.of(NO_FINDING).probability()).hasValue(0.25);
    assertThat(with(NO_FINDING, EDEMA).settled().state(NO_FINDING))
        .isEqualTo(Findings.State.ABSENT);
    assertThat(with(NO_FINDING, SUPPORT_DEVICES).settled().present())
        .containsExactly(NO_FINDING, SUPPORT_DEVICES);
  }

  @Test
  void whatAPresentFindingIsAKindOfIsPresent() {
    Findings pneumonia = with(PNEUMONIA).settled();
    assertThat(pneumonia.present()).containsExactly(LUNG_OPACITY, CONSOLIDATION, PNEUMONIA);
    assertThat(pneumonia.of(LUNG_OPACITY).implied()).isTrue();
    assertThat(pneumonia.of(PNEUMONIA).implied()).isFalse();
  }

  @Test
  void takingAFindingAwayTakesItsKindsAwayToo() {
    Findings less = Correction.without(LUNG_OPACITY).of(with(PNEUMONIA, EDEMA, PLEURAL_EFFUSION));
    assertThat(less.present()).containsExactly(PLEURAL_EFFUSION);
    assertThat(less.of(PNEUMONIA).implied()).isTrue();
  }

  @Test
  void noFindingByTheUserTakesAllAwayButDevices() {
    Findings none = Correction.add(NO_FINDING).of(with(PNEUMONIA, SUPPORT_DEVICES));
    assertThat(none.present()).containsExactly(NO_FINDING, SUPPORT_DEVICES);
    assertThatThrownBy(() -> Correction.add(NO_FINDING, EDEMA))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("No Finding is added together with Edema");
    assertThatThrownBy(() -> Correction.without(NO_FINDING).of(with(NO_FINDING)))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("add the finding that is present");
  }

  @Test
  void aLaterEditWinsOverWhatItContradicts() {
    FindingsEdit edit = FindingsEdit.parse("-lung opacity").and(Correction.add(PNEUMONIA));
    assertThat(edit).isEqualTo(new FindingsEdit.Changed(Correction.add(PNEUMONIA)));
    assertThat(edit.and(Correction.add(NO_FINDING)))
        .isEqualTo(new FindingsEdit.Changed(Correction.add(NO_FINDING)));
    assertThat(edit.and(Correction.without(CONSOLIDATION)))
        .isEqualTo(new FindingsEdit.Changed(Correction.without(CONSOLIDATION)));
  }

  @Property
  void aListThatIsShownNeverContradictsItself(
      @ForAll Map<Finding, Findings.State> classifier, @ForAll Map<Finding, Findings.State> user) {
    Findings film = film(classifier);
    Findings shown;
    Correction correction;
    try {
      correction = correction(user);
      correction.requireTree();
      shown = correction.of(film);
    } catch (RadialogException e) {
      return; // the user contradicts himself
    }
    for (Finding finding : Finding.ALL) {
      Findings.Assessment a = shown.of(finding);
      Optional<Findings.State> word = correction.word(finding);
      assertThat(a.edited()).isEqualTo(word.isPresent());
      assertThat(a.state()).isEqualTo(word.orElse(a.state()));
      assertThat(a.implied()).isEqualTo(word.isEmpty() && a.state() != film.of(finding).state());
      if (a.state() == Findings.State.PRESENT || a.state() == Findings.State.UNCERTAIN) {
        for (Finding ancestor : finding.ancestors()) {
          assertThat(shown.state(ancestor))
              .isIn(Findings.State.PRESENT, a.state(), Findings.State.NOT_ASSESSED);
        }
      }
    }
    Findings.State most =
        shown.all().stream()
            .filter(a -> a.finding() != NO_FINDING && a.finding() != SUPPORT_DEVICES)
            .map(Findings.Assessment::state)
            .min(Comparator.naturalOrder())
            .orElseThrow();
    if (shown.of(NO_FINDING).edited() && most == Findings.State.UNCERTAIN) {
      assertThat(shown.state(NO_FINDING)).isEqualTo(Findings.State.ABSENT);
    } else if (shown.state(NO_FINDING) != Findings.State.NOT_ASSESSED) {
      assertThat(shown.state(NO_FINDING))
          .isEqualTo(
              switch (most) {
                case PRESENT -> Findings.State.ABSENT;
                case UNCERTAIN -> Findings.State.UNCERTAIN;
                case ABSENT, NOT_ASSESSED -> Findings.State.PRESENT;
              });
    }
  }

  @Property(tries = 200)
  void whereNothingIsUncertainAndNobodyLeavesAnythingOpenNothingBecomesUncertain(
      @ForAll Set<Finding> present, @ForAll Set<Finding> added, @ForAll Set<Finding> removed) {
    added.removeAll(removed);
    try {
      Findings film = with(present.toArray(Finding[]::new));
      assertThat(new Correction(added, removed, Set.of()).of(film).uncertain()).isEmpty();
    } catch (RadialogException e) {
      assertThat(e).hasMessageContaining("No Finding");
    }
  }

  @Property(tries = 200)
  void ofTwoEditsInARowTheLaterOneStandsAndTheTwoNeverContradictEachOther(
      @ForAll Map<Finding, Findings.State> first, @ForAll Map<Finding, Findings.State> second) {
    Correction earlier;
    Correction later;
    try {
      earlier = correction(first);
      earlier.requireTree();
      later = correction(second);
      later.requireTree();
    } catch (RadialogException e) {
      return; // the user contradicts himself within one of them
    }
    Correction both = earlier.and(later);
    both.requireTree();
    for (Finding finding : Finding.ALL) {
      if (later.word(finding).isPresent()) {
        assertThat(both.word(finding)).isEqualTo(later.word(finding));
      } else {
        assertThat(both.word(finding)).isIn(earlier.word(finding), Optional.empty());
      }
    }
    assertThat(earlier.and(Correction.NONE)).isEqualTo(earlier);
    assertThat(Correction.NONE.and(later)).isEqualTo(later);
  }

  private static Findings film(Map<Finding, Findings.State> called) {
    return new Findings(
        Finding.ALL.stream()
            .map(f ->
                switch (called.getOrDefault(f, Findings.State.ABSENT)) {
                  case PRESENT -> Findings.Assessment.of(f, 0.9, 0.5, OptionalDouble.of(0.3));
                  case UNCERTAIN -> Findings.Assessment.of(f, 0.4, 0.5, OptionalDouble.of(0.3));
                  case ABSENT -> Findings.Assessment.of(f, 0.1, 0.5, OptionalDouble.of(0.3));
                  case NOT_ASSESSED -> Findings.Assessment.unknown(f);
                })
            .toList());
  }

  private static Correction correction(Map<Finding, Findings.State> words) {
    return new Correction(
        said(words, Findings.State.PRESENT),
        said(words, Findings.State.ABSENT),
        said(words, Findings.State.UNCERTAIN));
  }

  private static Set<Finding> said(Map<Finding, Findings.State> words, Findings.State state) {
    return words.keySet().stream()
        .filter(finding -> words.get(finding) == state)
        .collect(Collectors.toSet());
  }

  @Test
  void aFindingBetweenItsTwoOperatingPointsIsUncertain() {
    OptionalDouble lower = OptionalDouble.of(0.3);
    assertThat(Findings.Assessment.of(EDEMA, 0.51, 0.5, lower).state())
        .isEqualTo(Findings.State.PRESENT);
    assertThat(Findings.Assessment.of(EDEMA, 0.5, 0.5, lower).state())
        .isEqualTo(Findings.State.UNCERTAIN);
    assertThat(Findings.Assessment.of(EDEMA, 0.3, 0.5, lower).state())
        .isEqualTo(Findings.State.ABSENT);
    assertThat(Findings.Assessment.of(EDEMA, 0.4, 0.5, OptionalDouble.empty()).state())
        .isEqualTo(Findings.State.ABSENT);
    assertThatThrownBy(() -> Findings.Assessment.of(EDEMA, 0.4, 0.5, OptionalDouble.of(0.6)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void whatAnUncertainFindingIsAKindOfIsAtLeastUncertainAndNoFindingIsUncertainWithIt() {
    Findings pneumonia = film(Map.of(PNEUMONIA, Findings.State.UNCERTAIN)).settled();
    assertThat(pneumonia.present()).isEmpty();
    assertThat(pneumonia.uncertain())
        .containsExactly(NO_FINDING, LUNG_OPACITY, CONSOLIDATION, PNEUMONIA);
    assertThat(pneumonia.of(LUNG_OPACITY).implied()).isTrue();
    assertThat(pneumonia.of(NO_FINDING).implied()).isTrue();
    Findings beside =
        film(Map.of(PNEUMONIA, Findings.State.UNCERTAIN, EDEMA, Findings.State.PRESENT)).settled();
    assertThat(beside.present()).containsExactly(LUNG_OPACITY, EDEMA);
    assertThat(beside.uncertain()).containsExactly(CONSOLIDATION, PNEUMONIA);
    assertThat(beside.state(NO_FINDING)).isEqualTo(Findings.State.ABSENT);
    assertThat(film(Map.of(SUPPORT_DEVICES, Findings.State.UNCERTAIN)).settled().present())
        .containsExactly(NO_FINDING);
  }

  @Test
  void leavingAFindingOpenLeavesItsKindsOpenToo() {
    Findings open = Correction.possible(LUNG_OPACITY).of(with(PNEUMONIA, EDEMA));
    assertThat(open.present()).isEmpty();
    assertThat(open.uncertain())
        .containsExactly(NO_FINDING, LUNG_OPACITY, EDEMA, CONSOLIDATION, PNEUMONIA);
    assertThat(open.of(PNEUMONIA).implied()).isTrue();
    assertThat(open.of(LUNG_OPACITY).edited()).isTrue();
    Findings alone = Correction.possible(PNEUMONIA).of(with(CONSOLIDATION, PNEUMONIA));
    assertThat(alone.present()).containsExactly(LUNG_OPACITY, CONSOLIDATION);
    assertThat(alone.uncertain()).containsExactly(PNEUMONIA);
  }

  @Test
  void noFindingByTheUserTakesUncertainFindingsAwayAsWell() {
    Findings film =
        film(Map.of(EDEMA, Findings.State.UNCERTAIN, SUPPORT_DEVICES, Findings.State.UNCERTAIN));
    Findings none = Correction.add(NO_FINDING).of(film);
    assertThat(none.present()).containsExactly(NO_FINDING);
    assertThat(none.uncertain()).containsExactly(SUPPORT_DEVICES);
    assertThat(Correction.without(NO_FINDING).of(film).uncertain()).contains(EDEMA);
  }

  @Test
  void theListOnTheCommandLineIsReadInAnyCase() {
    assertThat(FindingsEdit.parse("+edema, -PLEURAL EFFUSION,+Pneumonia"))
        .isEqualTo(
            new FindingsEdit.Changed(Correction.add(EDEMA, PNEUMONIA).remove(PLEURAL_EFFUSION)));
    assertThat(FindingsEdit.parse("?effusion,? PTX,+edema"))
        .isEqualTo(
            new FindingsEdit.Changed(
                Correction.add(EDEMA).leaveOpen(PLEURAL_EFFUSION, PNEUMOTHORAX)));
    assertThat(FindingsEdit.parse(" None ")).isEqualTo(new FindingsEdit.Hidden());
  }

  @Test
  void aListThatSaysNothingClearIsRefused() {
    assertThatThrownBy(() -> FindingsEdit.parse("Edema"))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("\"Edema\"");
    assertThatThrownBy(() -> FindingsEdit.parse("+Edemma"))
        .hasMessageContaining("\"Edemma\"")
        .hasMessageContaining("Edema, Consolidation");
    assertThatThrownBy(() -> FindingsEdit.parse("+Edema,-Edema"))
        .hasMessageContaining("both added and removed");
    assertThatThrownBy(() -> FindingsEdit.parse("+Pneumonia,-Lung Opacity"))
        .hasMessageContaining("which is its ancestor");
    assertThatThrownBy(() -> FindingsEdit.parse("+Edema,?Edema"))
        .hasMessageContaining("both added and uncertain");
    assertThatThrownBy(() -> FindingsEdit.parse("-Edema,?Edema"))
        .hasMessageContaining("both removed and uncertain");
    assertThatThrownBy(() -> FindingsEdit.parse("+Pneumonia,?Lung Opacity"))
        .hasMessageContaining(
            "Pneumonia is added and Lung Opacity uncertain, which is its ancestor");
    assertThatThrownBy(() -> FindingsEdit.parse("?Pneumonia,-Lung Opacity"))
        .hasMessageContaining(
            "Pneumonia is uncertain and Lung Opacity removed, which is its ancestor");
    assertThatThrownBy(() -> FindingsEdit.parse("?Normal"))
        .hasMessageContaining("No Finding follows from the other findings");
    assertThatThrownBy(() -> FindingsEdit.parse("+No Finding,?Edema"))
        .hasMessageContaining("No Finding is added together with Edema, which is uncertain");
    assertThatThrownBy(() -> FindingsEdit.parse("+No Finding,+Edema"))
        .hasMessageContaining("No Finding is added together with Edema");
  }
}
