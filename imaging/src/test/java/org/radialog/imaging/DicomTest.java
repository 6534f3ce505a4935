package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.radialog.codecs.ImageRefused;
import org.radialog.testing.TestData;

/** DICOM: every encoding gives the same pixels, every contradiction is refused. */
class DicomTest {
  private static final int[] RAMP = {0, 1, 2, 3, 500, 1023};

  @ParameterizedTest
  @ValueSource(strings = {DicomBytes.IMPLICIT, DicomBytes.EXPLICIT, DicomBytes.BIG_ENDIAN})
  void everyUncompressedSyntaxGivesTheSamePixels(String syntax) {
    Radiograph film = DicomBytes.part10(syntax).shape(2, 3, 16, 10, false).pixels(RAMP).read();

    assertThat(film.format()).isEqualTo(Radiograph.Format.DICOM);
    assertThat(film.width()).isEqualTo(3);
    assertThat(film.height()).isEqualTo(2);
    assertThat(stored(film)).containsExactly(RAMP);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aFileWithoutPreambleIsRead(boolean explicit) {
    Radiograph film = DicomBytes.bare(explicit).shape(2, 3, 16, 10, false).pixels(RAMP).read();

    assertThat(stored(film)).containsExactly(RAMP);
    assertThat(film.dicom().orElseThrow().modality()).isEqualTo("CR");
  }

  @Test
  void eightBitsOfAnOddCountArePadded() {
    Radiograph film =
        DicomBytes.part10(DicomBytes.EXPLICIT)
            .shape(1, 3, 8, 8, false)
            .element(0x7FE0_0010, "OB", new byte[] {1, (byte) 200, 3, 0})
            .read();

    assertThat(stored(film)).containsExactly(1, 200, 3);
  }

  @Test
  void bigEndianWordsHoldEightBitPixelsSwapped() {
    Radiograph film =
        DicomBytes.part10(DicomBytes.BIG_ENDIAN)
            .shape(2, 2, 8, 8, false)
            .element(0x7FE0_0010, "OW", new byte[] {2, 1, 4, 3})
            .read();

    assertThat(stored(film)).containsExactly(1, 2, 3, 4);
  }

  @Test
  void signedPixelsKeepTheirOrder() {
    Radiograph film =
        DicomBytes.part10(DicomBytes.EXPLICIT)
            .shape(1, 3, 16, 12, true)
            .pixels(-2048, 0, 2047)
            .read();

    assertThat(film.levels(DicomRecipe.MINMAX)).containsExactly(0, 127, 255);
  }

  @Test
  void bitsBesideTheStoredOnesAreNoise() {
    Radiograph film =
        DicomBytes.part10(DicomBytes.EXPLICIT)
            .shape("MONOCHROME2", 1, 3, 16, 8, 11, false)
            .pixels(0xF010 | 0xF, 0x0FF0, 0xF800)
            .read();

    assertThat(stored(film)).containsExactly(0x01, 0xFF, 0x80);
  }

  /** Sampled pixels of Orthanc's renderer for a 12-bit ramp of 64 steps with window 2048/4096. */
  @ParameterizedTest
  @ValueSource(strings = {"MONOCHROME1", "MONOCHROME2"})
  void aLinearWindowGivesTheGreysOfAnIndependentRenderer(String photometric) {
    boolean inverted = photometric.equals("MONOCHROME1");
    int[] ramp =
        IntStream.of(0, 1, 2, 16, 32, 48, 62, 63)
            .map(x -> inverted ? 4095 - 65 * x : 65 * x)
            .toArray();
    Radiograph film =
        DicomBytes.part10(DicomBytes.EXPLICIT)
            .shape(photometric, 1, 8, 16, 12, 11, false)
            .window("2048\\100", "4096\\50")
            .pixels(ramp)
            .read();

    assertThat(unsigned(film.display())).containsExactly(0, 4, 8, 65, 130, 194, 251, 255);
  }

  @ParameterizedTest
  @CsvSource({
    "LINEAR, 10, 1, '0 0 255 255'", // the middle branch would divide by zero
    "LINEAR, 10, 11, '0 115 140 255'",
    "LINEAR_EXACT, 10, 10, '0 102 128 255'",
    "SIGMOID, 10, 10, '5 102 128 250'",
  })
  void everyWindowFunctionFollowsTheStandard(
      String function, String center, String width, String expected) {
    Radiograph film =
        DicomBytes.part10(DicomBytes.EXPLICIT)
            .shape(1, 4, 16, 12, false)
            .window(center, width)
            .element(0x0028_1056, "CS", function)
            .pixels(0, 9, 10, 20)
            .read();

    assertThat(unsigned(film.display()))
        .containsExactly(
            Arrays.stream(expected.split(" ", -1)).mapToInt(Integer::parseInt).toArray());
  }

  @Test
  void rescaleComesBeforeTheWindow() {
    Radiograph film =
        DicomBytes.part10(DicomBytes.EXPLICIT)
            .shape(1, 3, 16, 12, false)
            .window("0", "401")
            .element(0x0028_1052, "DS", "-1000")
            .element(0x0028_1053, "DS", "2.0")
            .pixels(400, 500, 600)
            .read();

    assertThat(unsigned(film.display())).containsExactly(0, 128, 255);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void lutsOfBothKindsAreLookedUp(boolean undefinedLength) {
    DicomBytes file = DicomBytes.part10(DicomBytes.EXPLICIT).shape(1, 4, 16, 12, false);
    file.sequence(
            0x0028_3000,
            undefinedLength,
            file.item().words(0x0028_3002, "US", 3, 10, 16).words(0x0028_3006, "OW", 0, 1, 2))
        .sequence(
            0x0028_3010,
            undefinedLength,
            file.item().words(0x0028_3002, "US", 3, 0, 8).words(0x0028_3006, "OW", 7, 70, 255))
        .pixels(0, 10, 11, 99);

    // Below the first input the first entry counts, above the last the last.
    assertThat(unsigned(file.read().display())).containsExactly(7, 7, 70, 255);
  }

  /** Entries of fewer bits than the descriptor says, of more, and at the edges. */
  @ParameterizedTest
  @CsvSource({
    "16, 4095, '0 127 255'",
    "12, 4095, '0 127 255'",
    "10, 4095, '0 127 255'",
    "8, 4095, '0 127 255'",
    "0, 255, '0 127 255'",
    "16, 255, '0 127 255'",
    "8, 255, '0 127 255'",
    "16, 65535, '0 127 255'",
    "12, 65535, '0 127 255'",
    "16, 100, '0 50 100'", // less than 8 bits is a dark table, not a shallow one
  })
  void theDepthOfALutIsThatOfItsEntries(int says, int greatest, String expected) {
    DicomBytes file = DicomBytes.part10(DicomBytes.EXPLICIT).shape(1, 3, 16, 12, false);
    file.sequence(
            0x0028_3010,
            false,
            file.item()
                .words(0x0028_3002, "US", 3, 0, says)
                .words(0x0028_3006, "OW", 0, greatest / 2, greatest))
        .pixels(0, 1, 2);

    assertThat(unsigned(file.read().display()))
        .containsExactly(
            Arrays.stream(expected.split(" ", -1)).mapToInt(Integer::parseInt).toArray());
  }

  @ParameterizedTest
  @ValueSource(strings = {DicomBytes.EXPLICIT, DicomBytes.IMPLICIT, DicomBytes.BIG_ENDIAN})
  void theFirstInputOfALutIsReadWhereTheValuesAre(String syntax) {
    // Signed pixels and a table that begins at 0xFF00: -256, not 65,280.
    assertThat(unsigned(withLut(syntax, true, 0xFF00, "0", -256, 0, 255).display()))
        .containsExactly(0, 128, 255);
    // Unsigned pixels whose rescaled values are negative.
    assertThat(unsigned(withLut(syntax, false, 0xFF00, "-256", 0, 256, 511).display()))
        .containsExactly(0, 128, 255);
    // Signed pixels whose rescaled values lie above 32,767.
    assertThat(unsigned(withLut(syntax, true, 0xFF00, "65280", 0, 128, 255).display()))
        .containsExactly(0, 64, 127);
  }

  private static Radiograph withLut(
      String syntax, boolean signed, int first, String intercept, int... pixels) {
    DicomBytes file =
        DicomBytes.part10(syntax)
            .shape(1, 3, 16, 12, signed)
            .element(0x0028_1052, "DS", intercept)
            .element(0x0028_1053, "DS", "1");
    int[] ramp = IntStream.range(0, 512).toArray();
    return file.sequence(
            0x0028_3010,
            false,
            file.item().words(0x0028_3002, "US", 512, first, 9).words(0x0028_3006, "OW", ramp))
        .pixels(pixels)
        .read();
  }

  @Test
  void theWindowNeverReachesAModelThatTakesMinMax() {
    DicomBytes file =
        DicomBytes.part10(DicomBytes.EXPLICIT)
            .shape(1, 4, 16, 12, false)
            .window("1", "2")
            .pixels(0, 1000, 2000, 4000);

    assertThat(unsigned(file.read().levels(DicomRecipe.MINMAX))).containsExactly(0, 63, 127, 255);
    assertThat(unsigned(file.read().levels(DicomRecipe.VOI))).containsExactly(0, 255, 255, 255);
  }

  @ParameterizedTest
  @CsvSource({"MONOCHROME2, '0 127 255 0'", "MONOCHROME1, '255 127 0 0'"})
  void paddingStaysOutOfTheRangeAndIsBlack(String photometric, String expected) {
    Radiograph film =
        DicomBytes.part10(DicomBytes.EXPLICIT)
            .shape(photometric, 1, 4, 16, 16, 15, false)
            .words(0x0028_0120, "US", 65_535)
            .pixels(100, 150, 200, 65_535)
            .read();

    assertThat(unsigned(film.levels(DicomRecipe.MINMAX)))
        .containsExactly(
            Arrays.stream(expected.split(" ", -1)).mapToInt(Integer::parseInt).toArray());
  }

  @Test
  void aPaddingValueOfSignedPixelsMayBeWrittenUnsigned() {
    Radiograph film =
        DicomBytes.part10(DicomBytes.EXPLICIT)
            .shape(1, 4, 16, 16, true)
            .words(0x0028_0120, "US", 63_536)
            .pixels(-2000, 0, 50, 100)
            .read();

    assertThat(unsigned(film.levels(DicomRecipe.MINMAX))).containsExactly(0, 0, 127, 255);
  }

  @Test
  void mimicEqualisesTheHistogramAsOpenCvDoes() {
    Radiograph film =
        DicomBytes.part10(DicomBytes.EXPLICIT)
            .shape(2, 4, 16, 12, false)
            .pixels(0, 0, 0, 0, 10, 10, 20, 1000)
            .read();

    // Levels 0 (4 times), 2 (twice), 5, 255: 255 / (8 - 4) × (2, 3, 4), rounded to even.
    assertThat(unsigned(film.levels(DicomRecipe.MIMIC_CXR_JPG)))
        .containsExactly(0, 0, 0, 0, 128, 128, 191, 255);
  }

  @Test
  void complementsWithBothPolaritiesGiveTheModelTheSameFilm() {
    int[] values = new Random(5).ints(64, 0, 4096).toArray();
    int[] complement = IntStream.of(values).map(v -> 4095 - v).toArray();
    for (DicomRecipe recipe : new DicomRecipe[] {DicomRecipe.VOI, DicomRecipe.MINMAX}) {
      byte[] two =
          DicomBytes.part10(DicomBytes.EXPLICIT)
              .shape("MONOCHROME2", 8, 8, 16, 12, 11, false)
              .pixels(values)
              .read()
              .levels(recipe);
      byte[] one =
          DicomBytes.part10(DicomBytes.EXPLICIT)
              .shape("MONOCHROME1", 8, 8, 16, 12, 11, false)
              .pixels(complement)
              .read()
              .levels(recipe);
      assertThat(one).isEqualTo(two);
    }
  }

  @Test
  void nestedAndUnknownSequencesAreSteppedOver() {
    DicomBytes file = DicomBytes.part10(DicomBytes.EXPLICIT);
    DicomBytes inner = file.item().words(0x0028_0010, "US", 999);
    DicomBytes outer = file.item().sequence(0x0040_A730, true, inner);
    DicomBytes implicitItem =
        DicomBytes.bare(false).sequence(0x0040_A730, true, DicomBytes.bare(false));
    file.sequence(0x0008_1140, true, outer)
        .sequence(0x0008_2112, false, outer)
        .header(0x0009_1001, "UN", -1)
        .header(0xFFFE_E000, "", -1)
        .raw(implicitItem.bytes())
        .header(0xFFFE_E00D, "", 0)
        .header(0xFFFE_E0DD, "", 0)
        .shape(2, 3, 16, 10, false)
        .pixels(RAMP);

    assertThat(stored(file.read())).containsExactly(RAMP);
  }

  @Test
  void endlessNestingIsRefused() {
    DicomBytes file = DicomBytes.part10(DicomBytes.EXPLICIT);
    for (int i = 0; i < 100_000; i++) {
      file.header(0x0008_1140, "SQ", -1).header(0xFFFE_E000, "", -1);
    }

    assertThatThrownBy(file::read).hasMessageContaining("nested deeper than 32");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1.2.840.10008.1.2.4.55|JPEG Progressive",
        "1.2.840.10008.1.2.4.102|MPEG video",
        "1.2.840.10008.1.2.4.110|JPEG XL",
        "1.2.840.10008.1.2.4.202|High-Throughput JPEG 2000",
        "1.2.3.4|unknown transfer syntax",
      })
  void otherSyntaxesAreRefusedByName(String uid, String name) {
    assertThatThrownBy(() -> DicomBytes.part10(uid).shape(2, 3, 16, 10, false).pixels(RAMP).read())
        .isInstanceOfSatisfying(
            ImageRefused.class,
            e -> assertThat(e.reason()).isEqualTo(ImageRefused.Reason.UNSUPPORTED))
        .hasMessageContaining(name)
        .hasMessageContaining("(" + uid + ")");
  }

  @ParameterizedTest
  @ValueSource(strings = {DicomBytes.IMPLICIT, DicomBytes.EXPLICIT, DicomBytes.BIG_ENDIAN})
  void noBeginningOfAFileIsTakenForTheWhole(String syntax) {
    byte[] whole = DicomBytes.part10(syntax).shape(2, 3, 16, 10, false).pixels(RAMP).bytes();
    for (int length = 0; length < whole.length; length++) {
      byte[] part = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> Radiograph.decode("cut.dcm", part, Limits.DEFAULT))
          .as("first %d of %d bytes", length, whole.length)
          .isInstanceOf(ImageRefused.class);
    }
  }

  @Test
  void contradictionsAreRefusedWithTheirNumbers() {
    assertRefused(
        file().shape(2, 3, 16, 10, false).pixels(1, 2, 3),
        "3×2 pixels of 16 bits need 12 bytes, the pixel data have 6");
    assertRefused(
        file().shape(1, 1, 16, 10, false).pixels(1, 2), "are 2 bytes, the pixel data have 4");
    assertRefused(file().shape(1, 1, 16, 17, false).pixels(1), "bits allocated 16, stored 17");
    assertRefused(
        file().shape("RGB", 1, 1, 16, 16, 15, false).pixels(1), "photometric interpretation RGB");
    assertRefused(
        file().shape(1, 1, 16, 16, false).element(0x0028_0008, "IS", "2").pixels(1), "2 frames");
    assertRefused(file().shape(1, 1, 32, 16, false).pixels(1), "32 bits allocated");
    assertRefused(file().shape(65_535, 65_535, 16, 16, false).pixels(1), "the limit is 64.0 Mpx");
    assertRefused(file().shape(0, 5, 16, 16, false).pixels(1), "5×0 pixels");
    assertRefused(
        file().shape(1, 1, 16, 16, false).element(0x0028_1053, "DS", "0").pixels(1),
        "rescale slope");
    assertRefused(file().shape(1, 1, 16, 16, false).header(0x7FE0_0010, "OW", -1), "encapsulated");
    assertRefused(file().element(0x0010_0010, "PN", "Nobody"), "without pixel data");
    DicomBytes lut = file().shape(1, 1, 16, 16, false);
    assertRefused(
        lut.sequence(
                0x0028_3010,
                false,
                lut.item().words(0x0028_3002, "US", 0, 0, 16).words(0x0028_3006, "OW", 1, 2))
            .pixels(1),
        "a LUT of 65536 entries of 16 bits has 4 bytes");
  }

  @Test
  void aRealChestFilmWithoutPreambleIsDarkWhereAirIs() {
    Path file = TestData.assumeFolder().resolve("data/dicom/CR-MONO1-10-chest.dcm");
    Radiograph film = Radiograph.read(file);

    assertThat(film.width()).isEqualTo(440);
    assertThat(film.dicom().orElseThrow().photometricInterpretation()).isEqualTo("MONOCHROME1");
    assertThat(Arrays.stream(stored(film)).max().orElseThrow()).isEqualTo(979);
    assertThat(Guard.STRICT.check(film, DicomRecipe.VOI)).isEmpty();
    System.out.println("testdata: " + file.getFileName());
  }

  @Test
  void aRealHipIsCalledNoChest() {
    Path file = TestData.assumeFolder().resolve("data/dicom/wg04-RG2_UNC.dcm");
    Radiograph film = Radiograph.read(file);

    assertThat(film.width() * film.height()).isEqualTo(3_766_400);
    assertThat(Guard.STRICT.check(film, DicomRecipe.VOI))
        .anySatisfy(w -> assertThat(w.message()).contains("body part HIP"));
    System.out.println("testdata: " + file.getFileName());
  }

  private static DicomBytes file() {
    return DicomBytes.part10(DicomBytes.EXPLICIT);
  }

  private static void assertRefused(DicomBytes file, String message) {
    assertThatThrownBy(file::read).isInstanceOf(ImageRefused.class).hasMessageContaining(message);
  }

  private static int[] stored(Radiograph film) {
    return IntStream.range(0, film.width() * film.height()).map(film.samples()::at).toArray();
  }

  private static int[] unsigned(byte[] bytes) {
    return IntStream.range(0, bytes.length).map(i -> bytes[i] & 0xFF).toArray();
  }
}
