package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.radialog.codecs.ImageRefused;

/** PNG and JPEG: the samples that stand in the file, whatever the kind. */
class RadiographTest {
  @TempDir Path folder = Path.of("");

  @ParameterizedTest
  @ValueSource(
      ints = {
        BufferedImage.TYPE_BYTE_GRAY,
        BufferedImage.TYPE_3BYTE_BGR,
        BufferedImage.TYPE_4BYTE_ABGR
      })
  void everyKindOfPngGivesTheSameGrey(int type) {
    for (boolean interlaced : new boolean[] {false, true}) {
      byte[] file = TestPictures.write(TestPictures.film(61, 47, type), "png", interlaced);
      Radiograph film = read(file);

      assertThat(film.format()).isEqualTo(Radiograph.Format.PNG);
      assertThat(unsigned(film.display())).containsExactly(TestPictures.levels(61, 47));
    }
  }

  @Test
  void sixteenBitGreyKeepsAllItsBits() {
    var image = new BufferedImage(3, 1, BufferedImage.TYPE_USHORT_GRAY);
    image.getRaster().setSample(0, 0, 0, 1);
    image.getRaster().setSample(1, 0, 0, 258);
    image.getRaster().setSample(2, 0, 0, 65_535);

    assertThat(samples(read(TestPictures.png(image)))).containsExactly(1, 258, 65_535);
  }

  @Test
  void sixteenBitColourAndAlphaAreRead() {
    byte[] rgba = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

    Radiograph film = read(TestPictures.rawPng(2, 1, 16, 6, rgba));

    assertThat(film.samples().channels()).isEqualTo(4);
    assertThat(samples(film))
        .containsExactly(0x0102, 0x0304, 0x0506, 0x0708, 0x090A, 0x0B0C, 0x0D0E, 0x0F10);
  }

  @Test
  void greyWithAlphaIsRead() {
    Radiograph film = read(TestPictures.rawPng(2, 1, 8, 4, new byte[] {0, 10, -1, 20, -1}));

    assertThat(film.display()).containsExactly(10, 20);
  }

  @ParameterizedTest
  @CsvSource({"1, 0 255", "2, 0 85 170 255", "4, 0 17 34 51 68 85 102 119"})
  void greyOfFewBitsIsSpreadOverEight(int depth, String expected) {
    int count = expected.split(" ", -1).length;
    int packed = 0;
    for (int i = 0; i < count; i++) {
      packed |= i << (32 - depth * (i + 1));
    }
    int bytes = (count * depth + 7) / 8;
    byte[] line = new byte[bytes + 1];
    for (int i = 0; i < bytes; i++) {
      line[i + 1] = (byte) (packed >> (24 - 8 * i));
    }

    Radiograph film = read(TestPictures.rawPng(count, 1, depth, 0, line));

    assertThat(unsigned(film.display()))
        .containsExactly(
            Arrays.stream(expected.split(" ", -1)).mapToInt(Integer::parseInt).toArray());
  }

  @Test
  void aGreyPaletteIsGreyAndAColouredOneIsColour() {
    byte[] grey = TestPictures.png(TestPictures.palette(4, 0xFF000000, 0xFF808080, 0xFFFFFFFF));
    byte[] colour = TestPictures.png(TestPictures.palette(8, 0xFF102030, 0xFFFF0000));
    byte[] alpha = TestPictures.png(TestPictures.palette(8, 0xFF102030, 0x7FFF0000));

    assertThat(samples(read(grey))).containsExactly(0, 128, 255);
    assertThat(samples(read(colour))).containsExactly(0x10, 0x20, 0x30, 0xFF, 0, 0);
    assertThat(samples(read(alpha))).containsExactly(0x10, 0x20, 0x30, 0xFF, 0xFF, 0, 0, 0x7F);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void greyAndColourJpegsAreCloseToTheirOriginal(boolean progressive) {
    for (int type : new int[] {BufferedImage.TYPE_BYTE_GRAY, BufferedImage.TYPE_3BYTE_BGR}) {
      Radiograph film =
          read(TestPictures.write(TestPictures.film(160, 130, type), "jpeg", progressive));

      assertThat(film.format()).isEqualTo(Radiograph.Format.JPEG);
      int[] read = unsigned(film.display());
      int[] original = TestPictures.levels(160, 130);
      int worst =
          IntStream.range(0, read.length)
              .map(i -> Math.abs(read[i] - original[i]))
              .max()
              .orElseThrow();
      assertThat(worst).isLessThanOrEqualTo(6);
    }
  }

  /** The four corners of a 2×3 picture, read row by row, for each value of EXIF 2.32 tag 274. */
  @ParameterizedTest
  @CsvSource({
    "1, 2, '1 2 3 4 5 6'",
    "2, 2, '2 1 4 3 6 5'",
    "3, 2, '6 5 4 3 2 1'",
    "4, 2, '5 6 3 4 1 2'",
    "5, 3, '1 3 5 2 4 6'",
    "6, 3, '5 3 1 6 4 2'",
    "7, 3, '6 4 2 5 3 1'",
    "8, 3, '2 4 6 1 3 5'",
  })
  void exifOrientationTurnsThePicture(int orientation, int width, String expected) {
    byte[] lines = {0, 1, 2, 0, 3, 4, 0, 5, 6};
    byte[] words = {0, 0, 1, 0, 2, 0, 0, 3, 0, 4, 0, 0, 5, 0, 6};
    for (boolean little : new boolean[] {true, false}) {
      byte[] exif = TestPictures.exif(orientation, little);
      Radiograph film = read(TestPictures.withExif(TestPictures.rawPng(2, 3, 8, 0, lines), exif));
      Radiograph deep = read(TestPictures.withExif(TestPictures.rawPng(2, 3, 16, 0, words), exif));

      assertThat(film.width()).isEqualTo(width);
      int[] pixels = Arrays.stream(expected.split(" ", -1)).mapToInt(Integer::parseInt).toArray();
      assertThat(unsigned(film.display())).containsExactly(pixels);
      assertThat(samples(deep)).containsExactly(pixels);
    }
  }

  @Test
  void exifOrientationTurnsAJpegToo() {
    byte[] plain = TestPictures.jpeg(TestPictures.film(160, 130, BufferedImage.TYPE_BYTE_GRAY));
    Radiograph upright = read(plain);
    Radiograph turned = read(TestPictures.withExif(plain, TestPictures.exif(6, true)));

    assertThat(turned.width()).isEqualTo(130);
    assertThat(turned.height()).isEqualTo(160);
    // The top left corner of the turned picture was the bottom left one.
    assertThat(turned.display()[0]).isEqualTo(upright.display()[129 * 160]);
  }

  @Test
  void damagedExifLeavesThePictureAsItIs() {
    byte[] png = TestPictures.rawPng(2, 1, 8, 0, new byte[] {0, 1, 2});
    for (int cut = 0; cut < 26; cut++) {
      byte[] exif = Arrays.copyOf(TestPictures.exif(3, true), cut);
      Radiograph film = read(TestPictures.withExif(png, exif));
      assertThat(unsigned(film.display())).hasSize(2);
    }
  }

  @Test
  void theNameOfAFileDoesNotMatter() throws IOException {
    Path file = folder.resolve("film.txt");
    Files.write(file, TestPictures.png(TestPictures.film(20, 20, BufferedImage.TYPE_BYTE_GRAY)));

    assertThat(Radiograph.read(file).format()).isEqualTo(Radiograph.Format.PNG);
  }

  @Test
  void aPipeIsReadAsAFileIs() throws Exception {
    byte[] file = TestPictures.png(TestPictures.film(170, 150, BufferedImage.TYPE_BYTE_GRAY));
    Path pipe = folder.resolve("pipe");
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    Thread writer =
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              try {
                Files.write(pipe, file, StandardOpenOption.WRITE);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });

    Radiograph film = Radiograph.read(pipe);

    writer.join();
    assertThat(film.name()).isEqualTo(pipe.toString());
    assertThat(film.sha256()).isEqualTo(read(file).sha256());
  }

  @Test
  void aDashIsStandardInputOnce() {
    byte[] file = TestPictures.png(TestPictures.film(170, 150, BufferedImage.TYPE_BYTE_GRAY));
    InputStream before = System.in;
    try {
      System.setIn(new ByteArrayInputStream(file));
      Radiograph film = Radiograph.read(Path.of("-"));

      assertThat(film.name()).isEqualTo("-");
      assertThat(film.sha256()).isEqualTo(read(file).sha256());
      assertThatThrownBy(() -> Radiograph.read(Path.of("-")))
          .isInstanceOfSatisfying(
              ImageRefused.class, e -> assertThat(e.reason()).isEqualTo(ImageRefused.Reason.EMPTY))
          .hasMessageContaining("can be read only once");
    } finally {
      System.setIn(before);
    }
  }

  @Test
  void theDigestIsThatOfTheFile() {
    byte[] file = TestPictures.rawPng(1, 1, 8, 0, new byte[] {0, 7});

    assertThat(read(file).sha256()).hasSize(64).isEqualTo(read(file).sha256());
    assertThat(read(TestPictures.rawPng(1, 1, 8, 0, new byte[] {0, 8})).sha256())
        .isNotEqualTo(read(file).sha256());
  }

  private static Radiograph read(byte[] file) {
    return Radiograph.decode("made", file, Limits.DEFAULT);
  }

  private static int[] samples(Radiograph film) {
    return IntStream.range(0, film.width() * film.height() * film.samples().channels())
        .map(film.samples()::at)
        .toArray();
  }

  private static int[] unsigned(byte[] bytes) {
    return IntStream.range(0, bytes.length).map(i -> bytes[i] & 0xFF).toArray();
  }
}
