package org.radialog.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.View;
import org.radialog.testing.TestData;

class NihReleaseTest {
  private static final String HEADER_2020 =
      "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
          + "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]\n";
  private static final String HEADER_2017 = HEADER_2020.strip() + ",\n";
  private static final String END = ",2500,2048,0.168,0.168";

  @TempDir Path folder;

  @Test
  void theVersionOf2020WithTwelveFoldersIsRead() throws IOException {
    write(
        "Data_Entry_2017_v2020.csv",
        HEADER_2020
            + "00000001_000.png,Effusion|Infiltration|Hernia,0,1,58,M,PA"
            + END
            + "\n"
            + "00000002_000.png,No Finding,0,2,81,F,AP"
            + END
            + "\n"
            + "00000003_000.png,Mass|Nodule|Pleural_Thickening,0,3,8,F,PA"
            + END
            + "\n");
    write("train_val_list.txt", "00000001_000.png\n");
    write("test_list.txt", "00000002_000.png");
    write("images_001/images/00000001_000.png", "");
    write("images_001/images/00000002_000.png", "");
    write("images_012/images/00000003_000.png", "");
    write(
        "BBox_List_2017.csv",
        """
        Image Index,Finding Label,Bbox [x,y,w,h],,,
        00000001_000.png,Infiltrate,225.5,547,86.75,79.25,,,
        00000003_000.png,Mass,1,2,3,x,,,
        """);
    var released = new ArrayList<NihRelease.Released>();
    var rejected = new ArrayList<Rejected>();
    NihRelease release = new NihRelease(folder);
    NihRelease.Tally tally = release.read(released::add, rejected::add);
    assertThat(tally).isEqualTo(new NihRelease.Tally(3, 0));
    Film film = released.getFirst().film();
    assertThat(film.present()).containsExactly(Finding.LUNG_OPACITY, Finding.PLEURAL_EFFUSION);
    assertThat(film.truth(Finding.NO_FINDING)).isEqualTo(Truth.ABSENT);
    assertThat(film.truth(Finding.FRACTURE)).isEqualTo(Truth.UNKNOWN);
    assertThat(film.file()).isEqualTo(folder.resolve("images_001/images/00000001_000.png"));
    assertThat(film.patient()).isEqualTo("1");
    assertThat(film.age()).isEqualTo(58);
    assertThat(film.sex()).isEqualTo("M");
    assertThat(film.view()).isEqualTo(View.PA);
    assertThat(released)
        .extracting(NihRelease.Released::split)
        .containsExactly(StudySplit.TRAIN, StudySplit.TEST, StudySplit.NONE);
    assertThat(released.get(2).film().present())
        .containsExactly(Finding.LUNG_LESION, Finding.PLEURAL_OTHER);
    assertThat(NihRelease.films(folder, rejected::add)).isEqualTo(released);
    assertThat(release.boxes(rejected::add))
        .containsExactly(
            new NihRelease.Box(
                "00000001_000.png",
                "Infiltrate",
                Optional.of(Finding.LUNG_OPACITY),
                225.5,
                547,
                86.75,
                79.25));
    assertThat(rejected).singleElement().asString().contains("BBox_List_2017.csv, row 3", "\"x\"");
  }

  @Test
  void theVersionOf2017WithOneFolderIsReadAndBrokenRowsAreLines() throws IOException {
    write(
        "Data_Entry_2017.csv",
        HEADER_2017
            + "a.png,Cardiomegaly,000,1,058Y,M,PA"
            + END
            + ",\n"
            + "b.png,Edema,000,2,009M,F,AP"
            + END
            + ",\n"
            + "gone.png,Edema,000,2,009Y,F,AP"
            + END
            + ",\n"
            + "c.png,Flu,000,2,009Y,F,AP"
            + END
            + ",\n"
            + "c.png,Edema,000,2,old,F,AP"
            + END
            + ",\n"
            + "a.png,Edema,000,1,058Y,M,PA"
            + END
            + ",\n"
            + "d.png,Edema\n");
    for (String name : List.of("a.png", "b.png", "c.png", "d.png")) {
      write("images/" + name, "");
    }
    var rejected = new ArrayList<Rejected>();
    List<Film> films = films(rejected::add);
    assertThat(films).extracting(Film::image).containsExactly("a.png", "b.png");
    assertThat(films).extracting(Film::age).containsExactly(58, 0);
    assertThatThrownBy(() -> new NihRelease(folder).boxes(rejected::add))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("BBox_List_2017.csv");
    assertThat(rejected)
        .extracting(Rejected::toString)
        .satisfiesExactly(
            line -> assertThat(line).contains("row 4", "gone.png"),
            line -> assertThat(line).contains("row 5", "\"Flu\"", "Pneumothorax"),
            line -> assertThat(line).contains("row 6", "twice"),
            line -> assertThat(line).contains("row 7", "twice"),
            line -> assertThat(line).contains("row 8", "expected 11 cells, found 2"));
  }

  @Test
  void anotherFolderIsRefused() throws IOException {
    assertThatThrownBy(() -> new NihRelease(folder).read(film -> {}, line -> {}))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("Data_Entry_2017");
    write("Data_Entry_2017.csv", "image,label\na,b\n");
    assertThatThrownBy(() -> new NihRelease(folder).read(film -> {}, line -> {}))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("no column \"Image Index\"");
  }

  @Test
  void nih14CanBeRebuiltFromARelease() throws IOException {
    Path nih14 = TestData.assumeRadiographs().resolve("nih14");
    var table = new StringBuilder(HEADER_2020);
    var names = new ArrayList<String>();
    try (var in = Files.newBufferedReader(nih14.resolve("labels.csv"));
        var rows =
            CSVFormat.DEFAULT.builder().setHeader().setSkipHeaderRecord(true).get().parse(in)) {
      for (CSVRecord row : rows) {
        table.append(
            "%s,%s,%s,%s,%s,%s,%s%s\n"
                .formatted(
                    row.get("source_image"),
                    row.get("nih_labels"),
                    row.get("follow_up"),
                    row.get("patient"),
                    row.get("age"),
                    row.get("sex"),
                    row.get("view"),
                    END));
        names.add(row.get("source_image"));
      }
    }
    write("Data_Entry_2017_v2020.csv", table.toString());
    for (String name : names) {
      write("images/" + name, "");
    }
    List<Film> rebuilt =
        films(line -> {
          throw new AssertionError(line.toString());
        });
    NihDataSet expected = NihDataSet.read(nih14);
    assertThat(rebuilt).hasSameSizeAs(expected.films());
    for (int i = 0; i < expected.films().size(); i++) {
      Film film = rebuilt.get(i);
      Film given = expected.films().get(i);
      assertThat(film.image()).isEqualTo(given.image().replace(".jpg", ".png"));
      assertThat(film.truth()).as(film.image()).isEqualTo(given.truth());
      assertThat(List.of(film.patient(), film.age(), film.sex(), film.view()))
          .isEqualTo(List.of(given.patient(), given.age(), given.sex(), given.view()));
    }
  }

  private List<Film> films(Consumer<Rejected> rejected) {
    return NihRelease.films(folder, rejected).stream().map(NihRelease.Released::film).toList();
  }

  private void write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }
}
