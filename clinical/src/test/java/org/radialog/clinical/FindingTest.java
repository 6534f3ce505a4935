package org.radialog.clinical;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Locale;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
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
