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

import java.util.Collections;
import java.util.OptionalDouble;
import java.util.Set;
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
                    ? new Findings.Assessment(
                        f,
                        Findings.State.NOT_ASSESSED,
                        OptionalDouble.empty(),
                        OptionalDouble.empty(),
                        false,
                        false)
                    : new Findings.Assessment(
                        f,
                        set.contains(f) ? Findings.State.PRESENT : Findings.State.ABSENT,
                        OptionalDouble.of(set.contains(f) ? 0.75 : 0.25),
                        OptionalDouble.of(0.5),
                        false,
                        false))
            .toList());
  }

  @Test
  void aCorrectionIsTheUsersWordAndSaysSo() {
    Findings edited = with(EDEMA).with(Correction.add(PNEUMOTHORAX, FRACTURE).remove(EDEMA));
    assertThat(edited.present()).containsExactly(PNEUMOTHORAX, FRACTURE);
    assertThat(edited.of(EDEMA).edited()).isTrue();
    assertThat(edited.of(EDEMA).probability()).hasValue(0.75);
    assertThat(edited.of(FRACTURE).probability()).isEmpty();
    assertThat(edited.of(PLEURAL_EFFUSION).edited()).isFalse();
  }

  @Test
  void anAddedAbnormalityTakesNoFindingAwayButADeviceDoesNot() {
    assertThat(with(NO_FINDING).with(Correction.add(PLEURAL_EFFUSION)).present())
        .containsExactly(PLEURAL_EFFUSION);
    assertThat(with(NO_FINDING).with(Correction.add(SUPPORT_DEVICES)).present())
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
    Findings less = with(PNEUMONIA, EDEMA, PLEURAL_EFFUSION).with(Correction.without(LUNG_OPACITY));
    assertThat(less.present()).containsExactly(PLEURAL_EFFUSION);
    assertThat(less.of(PNEUMONIA).implied()).isTrue();
  }

  @Test
  void noFindingByTheUserTakesAllAwayButDevices() {
    Findings none = with(PNEUMONIA, SUPPORT_DEVICES).with(Correction.add(NO_FINDING));
    assertThat(none.present()).containsExactly(NO_FINDING, SUPPORT_DEVICES);
    assertThatThrownBy(() -> Correction.add(NO_FINDING, EDEMA))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("No Finding is added beside Edema");
    assertThatThrownBy(() -> with(NO_FINDING).with(Correction.without(NO_FINDING)))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("add the one that is there");
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
      @ForAll Set<Finding> present, @ForAll Set<Finding> added, @ForAll Set<Finding> removed) {
    added.removeAll(removed);
    Findings shown;
    try {
      Correction correction = new Correction(added, removed);
      correction.requireTree();
      shown = with(present.toArray(Finding[]::new)).with(correction);
    } catch (RadialogException e) {
      return; // the user contradicts himself
    }
    assertThat(shown.present().containsAll(added)).isTrue();
    assertThat(Collections.disjoint(shown.present(), removed)).isTrue();
    for (Finding finding : shown.present()) {
      for (Finding ancestor : Findings.ancestors(finding)) {
        assertThat(shown.state(ancestor)).isNotEqualTo(Findings.State.ABSENT);
      }
    }
    boolean abnormal =
        shown.present().stream().anyMatch(f -> f != NO_FINDING && f != SUPPORT_DEVICES);
    assertThat(shown.present().contains(NO_FINDING)).isNotEqualTo(abnormal);
  }

  @Test
  void theListOnTheCommandLineIsReadInAnyCase() {
    assertThat(FindingsEdit.parse("+edema, -PLEURAL EFFUSION,+Pneumonia"))
        .isEqualTo(
            new FindingsEdit.Changed(Correction.add(EDEMA, PNEUMONIA).remove(PLEURAL_EFFUSION)));
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
        .hasMessageContaining("of which it is a kind");
    assertThatThrownBy(() -> FindingsEdit.parse("+No Finding,+Edema"))
        .hasMessageContaining("No Finding is added beside Edema");
  }
}
