package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.codecs.ImageRefused;

/** Films drawn for people: true greys, and heat where the network looked. */
class FilmImageTest {
  private static final Preprocessing SEEN = new Preprocessing(100, 50, DicomRecipe.MINMAX);

  @TempDir Path folder = Path.of("");

  @Test
  void aFilmIsDrawnInItsOwnGreys() {
    Radiograph film = grey(200, 100);

    Radiograph drawn = read(FilmImage.of(film, 1000));

    assertThat(drawn.display()).isEqualTo(film.display());
  }

  @Test
  void aLargeFilmIsReducedToTheSideAskedFor() {
    FilmImage drawn = FilmImage.of(grey(300, 200), 100);

    assertThat(drawn.width()).isEqualTo(150);
    assertThat(drawn.height()).isEqualTo(100);
  }

  @Test
  void coldHeatLeavesEveryPixelAsItWas() {
    Radiograph film = grey(200, 100);

    Radiograph drawn = read(FilmImage.of(film, 100).withHeat(new float[4], 2, 2, SEEN));

    assertThat(drawn.display()).isEqualTo(film.display());
  }

  @Test
  void heatLiesOverTheSquareThatTheNetworkSaw() {
    // 200×100 resized to 200×100, of which the middle 50×50 begins at (75, 25).
    float[] hot = {1, 0, 0, 0};
    Radiograph drawn = read(FilmImage.of(grey(200, 100), 100).withHeat(hot, 2, 2, SEEN));

    assertThat(redness(drawn, 78, 28)).isGreaterThan(80);
    assertThat(redness(drawn, 120, 70)).isZero();
    assertThat(redness(drawn, 74, 28)).isZero();
    assertThat(redness(drawn, 78, 24)).isZero();
  }

  @Test
  void heatFollowsAReducedFilm() {
    float[] hot = {1};
    Radiograph drawn = read(FilmImage.of(grey(400, 200), 50).withHeat(hot, 1, 1, SEEN));

    // The square is the middle 25 of 100×50.
    assertThat(redness(drawn, 50, 25)).isGreaterThan(80);
    assertThat(redness(drawn, 36, 25)).isZero();
    assertThat(redness(drawn, 38, 25)).isGreaterThan(80);
  }

  @Test
  void heatOutsideItsRangeOrShapeIsRefused() {
    FilmImage film = FilmImage.of(grey(200, 100), 100);

    assertThatThrownBy(() -> film.withHeat(new float[3], 2, 2, SEEN))
        .hasMessageContaining("2×2 values, got 3");
    assertThatThrownBy(() -> film.withHeat(new float[] {Float.NaN}, 1, 1, SEEN))
        .hasMessageContaining("got NaN");
  }

  @Test
  void aFileIsAPng() throws IOException {
    Path file = folder.resolve("new/evidence.png");
    FilmImage.of(grey(20, 10), 10).write(file);

    assertThat(Files.exists(file)).isTrue();
    assertThat(Radiograph.read(file).format()).isEqualTo(Radiograph.Format.PNG);
  }

  @Test
  void aStripIsRefusedBeforeItIsDrawn() {
    Radiograph strip = Radiograph.ofGrey("strip", 1, 8_000_000, new byte[8_000_000]);
    var message = "1×8000000 pixels, sides of 8000000.0 to 1, the limit is 20 to 1";

    assertThatThrownBy(() -> FilmImage.of(strip, 512))
        .isInstanceOf(ImageRefused.class)
        .hasMessageContaining(message);
    assertThatThrownBy(() -> SEEN.bytes(strip))
        .isInstanceOf(ImageRefused.class)
        .hasMessageContaining(message);
    assertThat(FilmImage.of(grey(2000, 100), 100).width()).isEqualTo(2000);
  }

  private static int redness(Radiograph drawn, int x, int y) {
    int at = (y * drawn.width() + x) * 3;
    return drawn.samples().at(at) - drawn.samples().at(at + 2);
  }

  private static Radiograph read(FilmImage image) {
    return Radiograph.decode("drawn", image.png(), Limits.DEFAULT);
  }

  private static Radiograph grey(int width, int height) {
    byte[] pixels = new byte[width * height];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (i % width * 120 / width);
    }
    return Radiograph.ofGrey("made", width, height, pixels);
  }
}
