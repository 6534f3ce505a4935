package org.radialog.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.View;
import org.radialog.testing.TestData;

class NihDataSetTest {
  private static final String HEADER = "image,patient,age,sex,view,nih_labels,chexpert_positive\n";

  @TempDir Path folder;

  @Test
  void labelsTheNihDoesNotHaveAreUnknownAndNotAbsent() {
    Film film = only("a.jpg,7,61,F,PA,Effusion|Hernia,Pleural Effusion");
    assertThat(film.truth(Finding.PLEURAL_EFFUSION)).isEqualTo(Truth.PRESENT);
    assertThat(film.truth(Finding.PNEUMOTHORAX)).isEqualTo(Truth.ABSENT);
    assertThat(film.truth(Finding.NO_FINDING)).isEqualTo(Truth.ABSENT);
    assertThat(film.truth(Finding.FRACTURE)).isEqualTo(Truth.UNKNOWN);
    assertThat(film.truth(Finding.SUPPORT_DEVICES)).isEqualTo(Truth.UNKNOWN);
    assertThat(film.truth(Finding.ENLARGED_CARDIOMEDIASTINUM)).isEqualTo(Truth.UNKNOWN);
    assertThat(film.view()).isEqualTo(View.PA);
    assertThat(film.patient()).isEqualTo("7");
    assertThat(film.age()).isEqualTo(61);
    assertThat(film.sex()).isEqualTo("F");
    assertThat(film.file()).isEqualTo(folder.resolve("images").resolve("a.jpg"));
  }

  @Test
  void theHierarchyAddsParentsAndLeavesUnknownLabelsUnknown() {
    Film film =
        only("a.jpg,7,61,F,AP,Pneumonia|Cardiomegaly,Cardiomegaly|Pneumonia").withHierarchy();
    assertThat(film.present())
        .containsExactly(
            Finding.CARDIOMEGALY, Finding.LUNG_OPACITY, Finding.CONSOLIDATION, Finding.PNEUMONIA);
    assertThat(film.truth(Finding.ENLARGED_CARDIOMEDIASTINUM)).isEqualTo(Truth.UNKNOWN);
  }

  @Test
  void aFilmWithOnlyAHerniaHasNoFindingAndNotNoFinding() {
    assertThat(only("a.jpg,7,61,F,PA,Hernia,").present()).isEmpty();
  }

  @Test
  void aBrokenTableIsRefusedByRowAndReason() {
    assertRefused("a.jpg,7,61,F,PA,,Pneumothorx", "Pneumothorx", "Pneumothorax");
    assertRefused("../a.jpg,7,61,F,PA,,", "row 2", "../a.jpg");
    assertRefused("a.jpg,7,old,F,PA,,", "row 2", "\"old\"");
    assertRefused("a.jpg,7,61,F,PA,,\na.jpg,8,61,F,PA,,", "row 3", "twice");
    write("image,patient\na.jpg,7\n");
    assertThatThrownBy(() -> NihDataSet.read(folder))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("has no column");
    assertThatThrownBy(() -> NihDataSet.read(folder.resolve("nowhere")))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("nowhere");
  }

  @Test
  void theRealSetHasTheCountsOfItsNote() {
    NihDataSet set = NihDataSet.read(TestData.assumeRadiographs().resolve("nih14"));
    assertThat(set.films()).hasSize(1119);
    assertThat(set.films().stream().map(Film::patient).distinct()).hasSize(870);
    assertThat(set.counts(Finding.NO_FINDING)).containsEntry(Truth.PRESENT, 457L);
    assertThat(set.counts(Finding.PNEUMONIA)).containsEntry(Truth.PRESENT, 423L);
    assertThat(set.counts(Finding.LUNG_OPACITY)).containsEntry(Truth.PRESENT, 212L);
    assertThat(set.counts(Finding.FRACTURE)).containsEntry(Truth.UNKNOWN, 1119L);
    assertThat(set.films()).allSatisfy(film -> assertThat(film.file()).isRegularFile());
    assertThat(set.withHierarchy().counts(Finding.CONSOLIDATION).get(Truth.PRESENT))
        .isGreaterThanOrEqualTo(423L);
  }

  private Film only(String row) {
    write(HEADER + row + "\n");
    return NihDataSet.read(folder).films().getFirst();
  }

  private void assertRefused(String rows, String... said) {
    write(HEADER + rows + "\n");
    assertThatThrownBy(() -> NihDataSet.read(folder))
        .isInstanceOf(RadialogException.class)
        .hasMessageContainingAll(said);
  }

  private void write(String table) {
    try {
      Files.writeString(folder.resolve("labels.csv"), table);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
