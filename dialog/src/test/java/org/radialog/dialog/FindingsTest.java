package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.radialog.clinical.Finding.EDEMA;
import static org.radialog.clinical.Finding.FRACTURE;
import static org.radialog.clinical.Finding.NO_FINDING;
import static org.radialog.clinical.Finding.PLEURAL_EFFUSION;
import static org.radialog.clinical.Finding.PNEUMONIA;
import static org.radialog.clinical.Finding.PNEUMOTHORAX;
import static org.radialog.clinical.Finding.SUPPORT_DEVICES;

import java.util.OptionalDouble;
import java.util.Set;
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
                        false)
                    : new Findings.Assessment(
                        f,
                        set.contains(f) ? Findings.State.PRESENT : Findings.State.ABSENT,
                        OptionalDouble.of(set.contains(f) ? 0.75 : 0.25),
                        OptionalDouble.of(0.5),
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
    assertThat(with(NO_FINDING).with(Correction.add(EDEMA)).present()).containsExactly(EDEMA);
    assertThat(with(NO_FINDING).with(Correction.add(SUPPORT_DEVICES)).present())
        .containsExactly(NO_FINDING, SUPPORT_DEVICES);
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
    assertThatThrownBy(() -> FindingsEdit.parse("+Edemma")).hasMessageContaining("\"Edema\"");
    assertThatThrownBy(() -> FindingsEdit.parse("+Edema,-Edema"))
        .hasMessageContaining("both added and removed");
  }
}
