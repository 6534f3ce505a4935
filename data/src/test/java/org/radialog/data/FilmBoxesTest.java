package org.radialog.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.clinical.Finding;
import org.radialog.data.FilmBoxes.Marked;

class FilmBoxesTest {
  @TempDir private Path folder;

  private final List<Rejected> rejected = new ArrayList<>();

  @Test
  void boxesOfAReleaseAreInPixelsOfItsFilms() throws IOException {
    Files.writeString(
        folder.resolve("Data_Entry_2017.csv"), "Image Index,Finding Labels,Patient ID\n");
    Files.writeString(
        folder.resolve("BBox_List_2017.csv"),
        """
        Image Index,Finding Label,Bbox [x,y,w,h],,,
        a.png,Infiltrate,512,256,256,512,,,
        a.png,Effusion,0,0,1024,1024,,,
        """);
    assertThat(FilmBoxes.in(folder, rejected::add))
        .isEqualTo(
            Map.of(
                "a.png",
                List.of(
                    new Marked(Finding.LUNG_OPACITY, 0.5, 0.25, 0.75, 0.75),
                    new Marked(Finding.PLEURAL_EFFUSION, 0, 0, 1, 1))));
    assertThat(rejected).isEmpty();
  }

  @Test
  void boxesOfAPreparedFolderAreInPixelsOfItsOwnFilms() throws IOException {
    film("a.png", 200, 400);
    Files.writeString(
        folder.resolve("boxes.csv"),
        """
        image,label,x,y,w,h
        a.png,Mass,20,40,50,100
        a.png,Hernia,20,40,50,100
        a.png,Nothing,1,1,1,1
        a.png,Mass,190,40,50,100
        gone.png,Mass,1,1,1,1
        ../a.png,Mass,1,1,1,1
        a.png,Mass,1,one,1,1
        """);
    Files.writeString(
        folder.resolve("rsna2018.csv"),
        """
        image,rsna_class,boxes
        a.png,Lung Opacity,100 200 50 100;0 0 20 40
        b.png,Normal,
        a.png,Lung Opacity,1 2 3
        """);
    assertThat(FilmBoxes.in(folder, rejected::add))
        .isEqualTo(
            Map.of(
                "a.png",
                List.of(
                    new Marked(Finding.LUNG_LESION, 0.1, 0.1, 0.35, 0.35),
                    new Marked(Finding.LUNG_OPACITY, 0.5, 0.5, 0.75, 0.75),
                    new Marked(Finding.LUNG_OPACITY, 0, 0, 0.1, 0.1))));
    assertThat(rejected)
        .extracting(Rejected::toString)
        .satisfiesExactly(
            line -> assertThat(line).contains("boxes.csv, row 4", "unknown label"),
            line -> assertThat(line).contains("row 5", "does not lie on the film of 200 x 400"),
            line -> assertThat(line).contains("row 6", "gone.png"),
            line -> assertThat(line).contains("row 7", "expected a file name"),
            line -> assertThat(line).contains("row 8", "\"one\""),
            line -> assertThat(line).contains("rsna2018.csv, row 4", "found 3 numbers"));
  }

  @Test
  void aFolderWithoutBoxesHasNone() {
    assertThat(FilmBoxes.in(folder, rejected::add)).isEmpty();
    assertThat(rejected).isEmpty();
  }

  private void film(String name, int width, int height) throws IOException {
    Path file = Files.createDirectories(folder.resolve("images")).resolve(name);
    ImageIO.write(
        new BufferedImage(width, height, BufferedImage.TYPE_BYTE_GRAY), "png", file.toFile());
  }

  @Test
  void aBoxLiesInAHalfOfThePictureIfItHardlyReachesOverTheMiddle() {
    assertThat(box(0.1, 0.52).half()).contains(FilmBoxes.Half.LEFT);
    assertThat(box(0.48, 0.9).half()).contains(FilmBoxes.Half.RIGHT);
    assertThat(box(0.1, 0.6).half()).isEmpty();
    assertThat(box(0.49, 0.51).half()).isEmpty();
  }

  private static Marked box(double left, double right) {
    return new Marked(Finding.LUNG_OPACITY, left, 0.4, right, 0.5);
  }

  @Test
  void theZoneOfABoxIsThatOfItsCentre() {
    assertThat(new Marked(Finding.EDEMA, 0, 0, 1, 0.6).zone()).isEqualTo(LungZone.UPPER);
    assertThat(new Marked(Finding.EDEMA, 0, 0, 1, 0.7).zone()).isEqualTo(LungZone.MIDDLE);
    assertThat(new Marked(Finding.EDEMA, 0, 0.5, 1, 0.7).zone()).isEqualTo(LungZone.LOWER);
  }

  @Test
  void aPositionNearABoxIsInItWithinTheDistancesAllowed() {
    Marked box = new Marked(Finding.EDEMA, 0.2, 0.4, 0.4, 0.8);
    assertThat(box.contains(0.3, 0.6, 0, 0)).isTrue();
    assertThat(box.contains(0.45, 0.6, 0, 0)).isFalse();
    assertThat(box.contains(0.45, 0.6, 0.06, 0)).isTrue();
    assertThat(box.contains(0.45, 0.85, 0.06, 0.04)).isFalse();
  }
}
