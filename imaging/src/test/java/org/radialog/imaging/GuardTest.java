package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.radialog.codecs.ImageRefused;
import org.radialog.codecs.ImageRefused.Reason;
import org.radialog.codecs.Samples;
import org.radialog.testing.Golden;

/** Which films pass, which pass with a warning, which never get a report. */
class GuardTest {
  @ParameterizedTest
  @ValueSource(strings = {"effusion.jpg", "cardiomegaly.jpg", "no-finding.jpg"})
  void aRealFilmPassesWithoutAWord(String sample) {
    assertThat(codes(Guard.STRICT, sample(sample))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"effusion.jpg", "cardiomegaly.jpg", "no-finding.jpg"})
  void anInvertedFilmIsCalledInverted(String sample) {
    Radiograph film = sample(sample);
    byte[] inverted = film.display();
    for (int i = 0; i < inverted.length; i++) {
      inverted[i] = (byte) ~inverted[i];
    }

    assertThat(codes(Guard.STRICT, grey(film.width(), film.height(), inverted)))
        .containsExactly(Guard.Code.PROBABLY_INVERTED);
  }

  @Test
  void aFilmUpsideDownIsToldHowToTurnIt() {
    Radiograph film = sample("effusion.jpg");
    Samples turned = film.samples().oriented(3);

    assertThat(Guard.STRICT.check(Radiograph.of("turned", turned), DicomRecipe.VOI))
        .singleElement()
        .satisfies(w -> assertThat(w.code()).isEqualTo(Guard.Code.PROBABLY_TURNED))
        .satisfies(w -> assertThat(w.message()).contains("turn it by 180°"));
  }

  /** Bones and soft tissue as rays would draw them, made for this test from tapered cylinders. */
  @ParameterizedTest
  @ValueSource(strings = {"hand", "forearm", "knee", "skull", "pelvis", "spine"})
  void aFilmOfAnotherPartOfTheBodyIsNoFrontalFilmAndNoTextIsWrittenOnIt(String part)
      throws Exception {
    Radiograph film =
        Radiograph.read(
            Path.of(GuardTest.class.getResource("/cases/view/" + part + ".jpg").toURI()));
    List<Guard.Warning> warnings = Guard.STRICT.check(film, DicomRecipe.VOI);

    assertThat(warnings).extracting(Guard.Warning::code).contains(Guard.Code.PROBABLY_NOT_FRONTAL);
    assertThatThrownBy(() -> Guard.STRICT.requireFrontal(part, warnings))
        .isInstanceOf(ImageRefused.class)
        .hasMessageContaining("probably not a frontal chest film");
    Guard.ANY_VIEW.requireFrontal(part, warnings);
    Guard.FORCED.requireFrontal(part, warnings);
  }

  @Test
  void noiseIsNoFrontalFilm() {
    byte[] noise = new byte[300 * 300];
    new Random(1).nextBytes(noise);

    assertThat(codes(Guard.STRICT, grey(300, 300, noise)))
        .containsExactly(Guard.Code.PROBABLY_NOT_FRONTAL);
  }

  @ParameterizedTest
  @CsvSource({"127, 300, TOO_SMALL", "300, 127, TOO_SMALL", "150, 601, ASPECT_RATIO"})
  void sizesThatNoFilmHasAreRefused(int width, int height, Reason reason) {
    refused(Guard.STRICT, pattern(width, height), reason);
  }

  @Test
  void twoToOneIsWarnedOfAndForceLetsMoreThanFourToOnePass() {
    assertThat(codes(Guard.STRICT, pattern(150, 300))).doesNotContain(Guard.Code.ASPECT_RATIO);
    assertThat(codes(Guard.STRICT, pattern(150, 301))).contains(Guard.Code.ASPECT_RATIO);
    assertThat(codes(Guard.FORCED, pattern(150, 700))).contains(Guard.Code.ASPECT_RATIO);
    assertThat(codes(Guard.FORCED, pattern(150, 3000))).contains(Guard.Code.ASPECT_RATIO);
    refused(Guard.FORCED, pattern(150, 3001), Reason.TOO_LARGE);
  }

  @Test
  void aColourPhotographIsRefusedUnlessForced() {
    var image = new BufferedImage(200, 200, BufferedImage.TYPE_3BYTE_BGR);
    for (int y = 0; y < 200; y++) {
      for (int x = 0; x < 200; x++) {
        image.setRGB(x, y, 0x10000 * x | 0x100 * y | 90);
      }
    }
    Radiograph film = Radiograph.decode("photo", TestPictures.png(image), Limits.DEFAULT);

    refused(Guard.STRICT, film, Reason.COLOUR);
    assertThat(codes(Guard.FORCED, film)).contains(Guard.Code.COLOUR);
  }

  @Test
  void aFilmInFalseColoursIsRefusedUnlessForced() {
    Radiograph film = Radiograph.read(Golden.root().resolve("golden/preprocess/made-rgb.png"));

    refused(Guard.STRICT, film, Reason.COLOUR);
    assertThat(codes(Guard.FORCED, film)).contains(Guard.Code.COLOUR);
  }

  @Test
  void aFilmWithAWarmTintIsNoPhotograph() {
    byte[] grey = sample("no-finding.jpg").display();
    byte[] tinted = new byte[3 * grey.length];
    for (int i = 0; i < grey.length; i++) {
      int level = grey[i] & 0xFF;
      tinted[3 * i] = (byte) level;
      tinted[3 * i + 1] = (byte) (level * 0.96);
      tinted[3 * i + 2] = (byte) (level * 0.9);
    }

    assertThat(codes(Guard.STRICT, Radiograph.of("sepia", new Samples.Bytes(512, 512, 3, tinted))))
        .isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"STRICT", "FORCED"})
  void thereIsNeverAReportOnABlackPicture(Guard guard) {
    byte[] black = new byte[300 * 300];
    refused(guard, grey(300, 300, black), Reason.CONSTANT);
    // One bright pixel, a burnt-in mark, and noise in the lowest bits are still black pictures.
    byte[] hot = black.clone();
    hot[4000] = -1;
    refused(guard, grey(300, 300, hot), Reason.CONSTANT);
    byte[] marked = black.clone();
    Arrays.fill(marked, 100, 700, (byte) -1);
    refused(guard, grey(300, 300, marked), Reason.CONSTANT);
    byte[] noisy = black.clone();
    var random = new Random(2);
    for (int i = 0; i < noisy.length; i++) {
      noisy[i] = (byte) random.nextInt(4);
    }
    refused(guard, grey(300, 300, noisy), Reason.CONSTANT);
  }

  @Test
  void aPictureWhoseMiddleIsBlackIsRefused() {
    byte[] pixels = new byte[150 * 580];
    Arrays.fill(pixels, 0, 150 * 100, (byte) 200);

    refused(Guard.STRICT, grey(150, 580, pixels), Reason.CONSTANT);
  }

  @Test
  void aConstantColourUnderAVaryingAlphaIsConstant() {
    var image = new BufferedImage(200, 200, BufferedImage.TYPE_4BYTE_ABGR);
    for (int i = 0; i < 200 * 200; i++) {
      image.getRaster().setSample(i % 200, i / 200, 3, i % 256);
    }

    refused(
        Guard.STRICT,
        Radiograph.decode("alpha", TestPictures.png(image), Limits.DEFAULT),
        Reason.CONSTANT);
  }

  @Test
  void aDicomWindowThatShowsNothingIsRefusedWhereTheModelSeesIt() {
    Radiograph film = dicom("DX", "CHEST", "PA", "MONOCHROME2", "60000", "10");

    refusedWith(Guard.STRICT, film, DicomRecipe.VOI, Reason.CONSTANT);
  }

  @ParameterizedTest
  @CsvSource({
    "DX, CHEST, LL, MONOCHROME2, view position LL",
    "CR, KNEE, AP, MONOCHROME2, body part KNEE",
    "MR, CHEST, PA, MONOCHROME2, modality MR",
  })
  void aDicomHeaderThatSaysOtherwiseIsBelieved(
      String modality, String part, String view, String photometric, String message) {
    assertThat(
            Guard.STRICT.check(
                dicom(modality, part, view, photometric, "2048", "4096"), DicomRecipe.VOI))
        .anySatisfy(w -> {
          assertThat(w.code()).isEqualTo(Guard.Code.PROBABLY_NOT_FRONTAL);
          assertThat(w.message()).contains(message);
        });
  }

  @Test
  void aDicomHeaderAtOddsWithItselfIsWarnedOf() {
    Radiograph film =
        Radiograph.decode(
            "odd.dcm",
            header("DX", "CHEST", "PA", "MONOCHROME2", "2048", "4096")
                .element(0x2050_0020, "CS", "INVERSE")
                .pixels(cells())
                .bytes(),
            Limits.DEFAULT);

    assertThat(codes(Guard.STRICT, film)).contains(Guard.Code.POLARITY);
  }

  @Test
  void aMirroredDicomIsWarnedOf() {
    Radiograph film =
        DicomBytes.part10(DicomBytes.EXPLICIT)
            .element(0x0020_0020, "CS", "R\\F")
            .shape(150, 160, 16, 12, false)
            .pixels(cells())
            .read();

    assertThat(codes(Guard.STRICT, film)).contains(Guard.Code.ORIENTATION);
  }

  private static Radiograph dicom(
      String modality, String part, String view, String photometric, String center, String width) {
    return header(modality, part, view, photometric, center, width).pixels(cells()).read();
  }

  private static DicomBytes header(
      String modality, String part, String view, String photometric, String center, String width) {
    return DicomBytes.bare(true, modality)
        .element(0x0018_0015, "CS", part)
        .element(0x0018_5101, "CS", view)
        .shape(photometric, 150, 160, 16, 12, 11, false)
        .window(center, width);
  }

  private static int[] cells() {
    int[] cells = TestPictures.levels(160, 150);
    Arrays.setAll(cells, i -> cells[i] * 16);
    return cells;
  }

  private static Radiograph sample(String name) {
    Path samples = Golden.root().resolve("samples");
    return Radiograph.read(samples.resolve(name));
  }

  private static Radiograph pattern(int width, int height) {
    byte[] pixels = new byte[width * height];
    int[] levels = TestPictures.levels(width, height);
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) levels[i];
    }
    return grey(width, height, pixels);
  }

  private static Radiograph grey(int width, int height, byte[] pixels) {
    return Radiograph.ofGrey("made", width, height, pixels);
  }

  private static List<Guard.Code> codes(Guard guard, Radiograph film) {
    return guard.check(film, DicomRecipe.VOI).stream().map(Guard.Warning::code).toList();
  }

  private static void refused(Guard guard, Radiograph film, Reason reason) {
    refusedWith(guard, film, DicomRecipe.MINMAX, reason);
  }

  private static void refusedWith(Guard guard, Radiograph film, DicomRecipe recipe, Reason reason) {
    assertThatThrownBy(() -> guard.check(film, recipe))
        .isInstanceOfSatisfying(ImageRefused.class, e -> assertThat(e.reason()).isEqualTo(reason));
  }
}
