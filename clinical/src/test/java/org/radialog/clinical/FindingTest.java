package org.radialog.clinical;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Locale;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.radialog.base.RadialogException;

class FindingTest {
  @Test
  void columnsAreInTheOrderOfTheReference() {
    assertThat(Finding.ALL.stream().map(Finding::label))
        .containsExactly(
            "No Finding",
            "Enlarged Cardiomediastinum",
            "Cardiomegaly",
            "Lung Opacity",
            "Lung Lesion",
            "Edema",
            "Consolidation",
            "Pneumonia",
            "Atelectasis",
            "Pneumothorax",
            "Pleural Effusion",
            "Pleural Other",
            "Fracture",
            "Support Devices");
    for (int i = 0; i < Finding.COUNT; i++) {
      assertThat(Finding.ALL.get(i).column()).isEqualTo(i);
    }
  }

  @Property
  void aNameIsFoundInAnyCaseAndSpelling(@ForAll Finding finding) {
    assertThat(Finding.of(finding.label().toLowerCase(Locale.ROOT))).isEqualTo(finding);
    assertThat(Finding.of("  " + finding.name() + " ")).isEqualTo(finding);
    assertThat(Finding.of(finding.label().replace(' ', '-'))).isEqualTo(finding);
  }

  @ParameterizedTest
  @CsvSource({
    "effusion, PLEURAL_EFFUSION",
    "Effusions, PLEURAL_EFFUSION",
    "pleural effusion, PLEURAL_EFFUSION",
    "pleural-fluid, PLEURAL_EFFUSION",
    "PTX, PNEUMOTHORAX",
    "PNA, PNEUMONIA",
    "consolidation, CONSOLIDATION",
    "Consolidations, CONSOLIDATION",
    "cardiomegaly, CARDIOMEGALY",
    "enlarged heart, CARDIOMEGALY",
    "pulmonary oedema, EDEMA",
    "opacities, LUNG_OPACITY",
    "nodules, LUNG_LESION",
    "pleural thickening, PLEURAL_OTHER",
    "fx, FRACTURE",
    "devices, SUPPORT_DEVICES",
    "support device, SUPPORT_DEVICES",
    "normal, NO_FINDING"
  })
  void aPersonMayNameAFindingInShort(String name, Finding finding) {
    assertThat(Finding.named(name)).isEqualTo(finding);
  }

  @ParameterizedTest
  @ValueSource(strings = {"PE", "fluid", "pleural", "lung", "collapse", "heart", "", "s"})
  void aNameThatMeansNoneOrSeveralIsRefusedWithAllLabels(String name) {
    assertThatThrownBy(() -> Finding.named(name))
        .isInstanceOf(RadialogException.class)
        .satisfies(e ->
            assertThat(e.getMessage()).contains(Finding.ALL.stream().map(Finding::label).toList()));
  }

  @Test
  void everyLabelIsAName() {
    for (Finding finding : Finding.ALL) {
      assertThat(Finding.named(finding.label().toUpperCase(Locale.ROOT))).isEqualTo(finding);
    }
  }

  @Test
  void anUnknownNameIsRefusedWithTheNearest() {
    assertThatThrownBy(() -> Finding.of("Pneumothorx"))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("\"Pneumothorx\"")
        .hasMessageContaining("nearest is \"Pneumothorax\"");
    assertThatThrownBy(() -> Finding.of("x".repeat(1_000_000)))
        .isInstanceOf(RadialogException.class)
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(250));
  }
}
