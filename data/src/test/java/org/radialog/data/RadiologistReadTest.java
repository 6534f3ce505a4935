package org.radialog.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;

class RadiologistReadTest {
  private static final String HEADER = "image,patient,age,sex,view,nih_labels,rsna_class\n";

  @TempDir Path folder;

  @Test
  void aNormalFilmHasNoOpacityWhateverTheTextMiningSays() throws Exception {
    RadiologistRead read =
        read(HEADER + "a.png,1,50,F,PA,Infiltration|Pneumonia|Cardiomegaly,Normal\n");
    Film film = read.confirmed(read.films().getFirst());
    assertThat(film.truth(Finding.NO_FINDING)).isEqualTo(Truth.PRESENT);
    for (Finding opacity :
        List.of(
            Finding.LUNG_OPACITY,
            Finding.PNEUMONIA,
            Finding.EDEMA,
            Finding.CONSOLIDATION,
            Finding.ATELECTASIS)) {
      assertThat(film.truth(opacity)).as(opacity.label()).isEqualTo(Truth.ABSENT);
    }
    // "Normal" was asked about the lungs: an enlarged heart is neither confirmed nor excluded.
    assertThat(film.truth(Finding.CARDIOMEGALY)).isEqualTo(Truth.UNKNOWN);
    assertThat(film.truth(Finding.PLEURAL_EFFUSION)).isEqualTo(Truth.ABSENT);
    assertThat(film.truth(Finding.FRACTURE)).isEqualTo(Truth.UNKNOWN); // the NIH has no such label
  }

  @Test
  void anOpacityThatRadiologistsSawIsPresentAndTheOtherLabelsStay() throws Exception {
    RadiologistRead read = read(HEADER + "a.png,1,50,F,PA,Effusion,Lung Opacity\n");
    Film film = read.confirmed(read.films().getFirst());
    assertThat(film.present())
        .containsExactlyInAnyOrder(Finding.LUNG_OPACITY, Finding.PLEURAL_EFFUSION);
    assertThat(film.truth(Finding.NO_FINDING)).isEqualTo(Truth.ABSENT);
  }

  @Test
  void anAbnormalFilmIsNotNormalAndKeepsItsLabels() throws Exception {
    RadiologistRead read =
        read(HEADER + "a.png,1,50,F,PA,No Finding,No Lung Opacity / Not Normal\n");
    Film film = read.confirmed(read.films().getFirst());
    assertThat(film.present()).isEmpty();
    assertThat(film.truth(Finding.NO_FINDING)).isEqualTo(Truth.ABSENT);
  }

  @Test
  void severalFoldersAreOneSetInWhichEachFilmOccursOnce() throws Exception {
    Path one = Files.createDirectory(folder.resolve("one"));
    Path two = Files.createDirectory(folder.resolve("two"));
    Files.writeString(one.resolve("labels.csv"), HEADER + "a.png,1,50,F,PA,Effusion,Normal\n");
    Files.writeString(two.resolve("labels.csv"), HEADER + "b.png,2,50,F,PA,No Finding,\n");
    RadiologistRead both = RadiologistRead.read(List.of(one, two));
    assertThat(both.films()).extracting(Film::image).containsExactly("a.png", "b.png");
    assertThat(both.films()).extracting(Film::file).allMatch(file -> file.startsWith(folder));
    assertThat(both.seen(both.films().getFirst())).contains(RadiologistClass.NORMAL);
    assertThat(both.seen(both.films().getLast())).isEmpty();

    Files.writeString(two.resolve("labels.csv"), HEADER + "a.png,2,50,F,PA,No Finding,\n");
    assertThatThrownBy(() -> RadiologistRead.read(List.of(one, two)))
        .isInstanceOf(RadialogException.class)
        .hasMessage("image a.png is in %s and in %s: expected each film once", one, two);
    Files.writeString(
        two.resolve("labels.csv"),
        HEADER.replace("class", "class,lung_fraction") + "b.png,2,50,F,PA,No Finding,,0.2\n");
    assertThatThrownBy(() -> RadiologistRead.read(List.of(one, two)))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("expected one kind of film");
  }

  @Test
  void whereRadiologistsDidNotLookNobodyKnowsWhetherAFilmIsNormal() throws Exception {
    RadiologistRead read = read(HEADER + "a.png,1,50,F,PA,No Finding,\n");
    Film film = read.films().getFirst();
    assertThat(read.seen(film)).isEmpty();
    assertThat(film.truth(Finding.NO_FINDING)).isEqualTo(Truth.PRESENT); // as it was mined
    assertThat(read.confirmed(film).truth(Finding.NO_FINDING)).isEqualTo(Truth.UNKNOWN);
    assertThat(read.confirmed(film).truth(Finding.EDEMA)).isEqualTo(Truth.ABSENT);
  }

  @Test
  void classesInATableBesideTheLabelsAreRead() throws Exception {
    Files.writeString(
        folder.resolve("rsna2018.csv"), "image,patient,rsna_class\na.png,1,Lung Opacity\n");
    RadiologistRead read =
        read("image,patient,age,sex,view,chexpert_positive\na.png,1,50,F,PA,Edema\n");
    assertThat(read.seen(read.films().getFirst())).contains(RadiologistClass.LUNG_OPACITY);
    assertThat(read.lungsOnly()).isFalse();
  }

  @Test
  void aTableWithTheShareOfTheLungsHasFilmsOfTheLungsOnly() throws Exception {
    String header = "image,patient,age,sex,view,rsna_class,nih_labels,lung_fraction\n";
    assertThat(read(header + "a.png,1,50,F,PA,Normal,No Finding,0.2\n").lungsOnly()).isTrue();
  }

  @Test
  void anUnknownClassOrLabelIsNamedWithItsRow() throws Exception {
    assertThatThrownBy(() -> read(HEADER + "a.png,1,50,F,PA,No Finding,Fine\n"))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining(
            "labels.csv, row 2: unknown class \"Fine\": expected one of [Normal,");
    assertThatThrownBy(() -> read(HEADER + "a.png,1,50,F,PA,Fever,\n"))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("labels.csv, row 2: unknown label \"Fever\"");
  }

  private RadiologistRead read(String table) throws IOException {
    Files.writeString(folder.resolve("labels.csv"), table);
    return RadiologistRead.read(folder);
  }
}
