package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.codecs.ImageRefused;
import org.radialog.codecs.ImageRefused.Reason;

/** What is no radiograph is refused with one line that names the file and says why. */
class BadInputTest {
  @TempDir Path folder = Path.of("");

  @Test
  void aMissingFile() {
    refused(folder.resolve("nowhere.png"), Reason.MISSING, "no such file");
  }

  @Test
  void aFolder() {
    refused(folder, Reason.NOT_READABLE, "is a folder");
  }

  @Test
  void anEmptyFile() throws IOException {
    refused(file("empty.png", new byte[0]), Reason.EMPTY, "empty");
  }

  @Test
  void textNamedPng() throws IOException {
    refused(
        file("text.png", "no picture\nat all".getBytes(StandardCharsets.UTF_8)),
        Reason.UNKNOWN_FORMAT,
        "neither PNG nor JPEG nor DICOM");
  }

  @Test
  void aTruncatedPng() throws IOException {
    byte[] whole = TestPictures.png(film());
    for (int length = 8; length < whole.length; length += 7) {
      refused(
          file("cut.png", Arrays.copyOf(whole, length)), Reason.TRUNCATED, "the PNG ends after");
    }
  }

  @Test
  void aPngWhosePixelsEndEarlyThoughItsChunksAreWhole() throws IOException {
    byte[] lines = new byte[150 * 151];
    new Random(1).nextBytes(lines);
    for (int i = 0; i < 150; i++) {
      lines[i * 151] = 0;
    }
    byte[] short100 = TestPictures.rawPng(150, 150, 8, 0, Arrays.copyOf(lines, 100 * 151));
    refused(file("short.png", short100), Reason.CORRUPT, "cannot be decoded");
  }

  @Test
  void aPngWithADamagedByte() throws IOException {
    byte[] file = TestPictures.png(film());
    file[file.length / 2] ^= 1;
    refused(file("damaged.png", file), Reason.CORRUPT, "checksum of PNG chunk IDAT");
  }

  @Test
  void aTruncatedJpeg() throws IOException {
    for (boolean progressive : new boolean[] {false, true}) {
      byte[] whole = TestPictures.write(film(), "jpeg", progressive);
      for (int length = 4; length < whole.length; length += 11) {
        refused(
            file("cut.jpg", Arrays.copyOf(whole, length)), Reason.TRUNCATED, "the JPEG ends after");
      }
    }
  }

  @Test
  void aTruncatedJpegThatPretendsToEnd() throws IOException {
    byte[] whole = TestPictures.jpeg(film());
    byte[] half = Arrays.copyOf(whole, whole.length * 2 / 3);
    half[half.length - 2] = (byte) 0xFF;
    half[half.length - 1] = (byte) 0xD9;
    refused(file("half.jpg", half), Reason.CORRUPT, "damaged");
  }

  @Test
  void randomBytesBehindAJpegHeader() throws IOException {
    byte[] whole = TestPictures.jpeg(film());
    var random = new Random(3);
    byte[] noise = new byte[4000];
    random.nextBytes(noise);
    var start = refusal(file("noise.jpg", TestPictures.join(Arrays.copyOf(whole, 4), noise)));
    assertThat(start.reason()).isIn(Reason.CORRUPT, Reason.TRUNCATED);
    // Behind all headers: entropy-coded noise.
    int scan = whole.length / 4;
    random.nextBytes(noise);
    for (int i = 0; i < noise.length; i++) {
      noise[i] = noise[i] == (byte) 0xFF ? 0 : noise[i];
    }
    var behind =
        refusal(
            file(
                "noise2.jpg",
                TestPictures.join(
                    Arrays.copyOf(whole, scan), noise, new byte[] {(byte) 0xFF, (byte) 0xD9})));
    assertThat(behind.reason()).isIn(Reason.CORRUPT, Reason.TRUNCATED);
  }

  @Test
  void aHeaderOfThirtyThousandSquared() throws IOException {
    byte[] png = TestPictures.rawPng(30_000, 30_000, 8, 0, new byte[100]);
    refused(file("huge.png", png), Reason.TOO_LARGE, "30000×30000 = 900.0 Mpx, the limit is 64.0");

    byte[] jpeg = TestPictures.jpeg(film());
    int frame = 0;
    while ((jpeg[frame] & 0xFF) != 0xFF || (jpeg[frame + 1] & 0xFF) != 0xC0) {
      frame++;
    }
    jpeg[frame + 5] = jpeg[frame + 7] = (byte) (30_000 >> 8);
    jpeg[frame + 6] = jpeg[frame + 8] = (byte) 30_000;
    refused(file("huge.jpg", jpeg), Reason.TOO_LARGE, "30000×30000");
  }

  @Test
  void aSideLongerThanAnyFormatOfFilmsHas() throws IOException {
    byte[] png = TestPictures.rawPng(1, 65_536, 8, 0, new byte[100]);
    refused(
        file("strip.png", png), Reason.TOO_LARGE, "1×65536 pixels, the limit of a side is 65535");
  }

  @Test
  void aPipeThatGivesNothingOrMoreThanTheLimit() {
    var nothing = refusal(Path.of("/dev/null"));
    assertThat(nothing.reason()).isEqualTo(Reason.EMPTY);
    var zeros =
        catchThrowableOfType(
            ImageRefused.class,
            () -> Radiograph.read(Path.of("/dev/zero"), new Limits(1 << 20, 1 << 20)));
    assertThat(zeros.reason()).isEqualTo(Reason.TOO_LARGE);
    assertThat(zeros).hasMessageContaining("read more than 1 MiB");
  }

  @Test
  void aHeaderBeyondAnyNumber() throws IOException {
    byte[] png = TestPictures.rawPng(Integer.MAX_VALUE, Integer.MAX_VALUE, 16, 6, new byte[9]);
    refused(file("huge.png", png), Reason.TOO_LARGE, "2147483647×2147483647");
    byte[] negative = TestPictures.rawPng(-1, 5, 8, 0, new byte[9]);
    refused(file("negative.png", negative), Reason.CORRUPT, "-1×5");
  }

  @Test
  void moreThanTheCallerAllows() throws IOException {
    Path file = file("film.png", TestPictures.png(film()));
    var refusal =
        catchThrowableOfType(
            ImageRefused.class, () -> Radiograph.read(file, new Limits(20_000, 1 << 20)));
    assertThat(refusal.reason()).isEqualTo(Reason.TOO_LARGE);
    refusal =
        catchThrowableOfType(
            ImageRefused.class, () -> Radiograph.read(file, new Limits(1 << 20, 20)));
    assertThat(refusal.reason()).isEqualTo(Reason.TOO_LARGE);
  }

  @Test
  void aTruncatedDicom() throws IOException {
    byte[] whole =
        DicomBytes.part10(DicomBytes.EXPLICIT)
            .shape(150, 150, 16, 12, false)
            .pixels(new int[150 * 150])
            .bytes();
    refused(file("cut.dcm", Arrays.copyOf(whole, 900)), Reason.TRUNCATED, "the DICOM file ends");
  }

  @Test
  void oneByOnePixel() throws IOException {
    refused(
        file("tiny.png", TestPictures.rawPng(1, 1, 8, 0, new byte[] {0, 9})),
        Reason.TOO_SMALL,
        "1×1 pixels");
  }

  @Test
  void aConstantPicture() throws IOException {
    refused(
        file("black.png", TestPictures.png(new BufferedImage(200, 200, 10))),
        Reason.CONSTANT,
        "all pixels are equal");
  }

  private static BufferedImage film() {
    return TestPictures.film(170, 150, BufferedImage.TYPE_BYTE_GRAY);
  }

  private Path file(String name, byte[] content) throws IOException {
    return Files.write(folder.resolve(name), content);
  }

  private static void refused(Path file, Reason reason, String message) {
    ImageRefused refusal = refusal(file);
    assertThat(refusal.reason()).as(refusal.getMessage()).isEqualTo(reason);
    assertThat(refusal).hasMessageStartingWith(file + ": ").hasMessageContaining(message);
  }

  /** Reading and checking, as every verb does; both must be over without a stack trace's cause. */
  private static ImageRefused refusal(Path file) {
    ImageRefused refusal =
        catchThrowableOfType(
            ImageRefused.class, () -> Guard.STRICT.check(Radiograph.read(file), DicomRecipe.VOI));
    assertThat(refusal).as("a refusal of " + file).isNotNull();
    assertThat(refusal.getMessage()).doesNotContain("\n").hasSizeLessThan(400);
    return refusal;
  }
}
