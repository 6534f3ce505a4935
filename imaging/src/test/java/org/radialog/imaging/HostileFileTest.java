package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.radialog.codecs.ImageRefused;

/** Whatever happens to a file: it is read whole or refused, nothing else. */
class HostileFileTest {
  private static final BufferedImage FILM =
      TestPictures.film(150, 140, BufferedImage.TYPE_BYTE_GRAY);
  private static final byte[][] FILES = {
    TestPictures.png(FILM),
    TestPictures.write(FILM, "png", true),
    TestPictures.png(TestPictures.film(150, 140, BufferedImage.TYPE_4BYTE_ABGR)),
    TestPictures.png(TestPictures.palette(4, 0xFF102030, 0xFFFF0000)),
    TestPictures.withExif(TestPictures.jpeg(FILM), TestPictures.exif(6, true)),
    TestPictures.write(FILM, "jpeg", true),
    TestPictures.jpeg(TestPictures.film(150, 140, BufferedImage.TYPE_3BYTE_BGR)),
    dicom(DicomBytes.EXPLICIT),
    dicom(DicomBytes.IMPLICIT),
    dicom(DicomBytes.BIG_ENDIAN),
  };

  private static byte[] dicom(String syntax) {
    DicomBytes file = DicomBytes.part10(syntax).shape(8, 8, 16, 12, true);
    return file.window("100", "400")
        .words(0x0028_0120, "US", 3)
        .sequence(0x0028_3000, true, lut(file))
        .sequence(0x0028_3010, false, lut(file))
        .pixels(new Random(1).ints(64, -2048, 2047).toArray())
        .bytes();
  }

  private static DicomBytes lut(DicomBytes file) {
    return file.item().words(0x0028_3002, "US", 4, 0, 12).words(0x0028_3006, "OW", 1, 9, 80, 4000);
  }

  @Property(tries = 1500)
  void changedBytesAreReadOrRefused(
      @ForAll @IntRange(max = 9) int kind,
      @ForAll long seed,
      @ForAll @IntRange(max = 8) int edits) {
    byte[] file = FILES[kind].clone();
    var random = new Random(seed);
    for (int i = 0; i < edits; i++) {
      // Half of the edits in the headers, where they hurt.
      int at = random.nextInt(random.nextBoolean() ? Math.min(400, file.length) : file.length);
      file[at] = random.nextInt(3) == 0 ? (byte) 0xFF : (byte) random.nextInt(256);
    }
    readOrRefuse(file);
  }

  @Property(tries = 500)
  void changedChunksWithRightCheckSumsAreReadOrRefused(
      @ForAll @IntRange(max = 3) int kind, @ForAll long seed) {
    byte[] file = FILES[kind].clone();
    var random = new Random(seed);
    for (int i = 0; i < 3; i++) {
      int at = 8 + random.nextInt(file.length - 8);
      file[at] = (byte) random.nextInt(256);
    }
    readOrRefuse(withRightCheckSums(file));
  }

  @Property(tries = 500)
  void piecesCutOutOrDoubledAreReadOrRefused(
      @ForAll @IntRange(max = 9) int kind, @ForAll long seed) {
    byte[] file = FILES[kind];
    var random = new Random(seed);
    int from = random.nextInt(file.length);
    int to = from + random.nextInt(file.length - from);
    byte[] start = Arrays.copyOf(file, random.nextBoolean() ? from : to);
    byte[] end = Arrays.copyOfRange(file, random.nextBoolean() ? from : to, file.length);
    readOrRefuse(TestPictures.join(start, end));
  }

  @Property(tries = 500)
  void noBeginningOfAFileIsTakenForTheWhole(
      @ForAll @IntRange(max = 9) int kind, @ForAll long seed) {
    byte[] file = FILES[kind];
    int length = new Random(seed).nextInt(file.length);
    assertThat(readOrRefuse(Arrays.copyOf(file, length)))
        .as("file %d cut to %d of %d bytes", kind, length, file.length)
        .isFalse();
  }

  @Property(tries = 500)
  void noiseBehindAnyMagicIsRefused(@ForAll @IntRange(max = 9) int kind, @ForAll long seed) {
    byte[] file = FILES[kind].clone();
    byte[] noise = new byte[file.length - Math.min(file.length / 2, 140)];
    new Random(seed).nextBytes(noise);
    System.arraycopy(noise, 0, file, file.length - noise.length, noise.length);
    readOrRefuse(file);
  }

  /** True if it was read; anything but a picture or a refusal fails. */
  private static boolean readOrRefuse(byte[] file) {
    Radiograph film;
    try {
      film = Radiograph.decode("hostile", file, new Limits(4_000_000, 16 << 20));
    } catch (ImageRefused refusal) {
      assertThat(refusal.getMessage()).isNotBlank().doesNotContain("\n");
      return false;
    }
    for (DicomRecipe recipe : DicomRecipe.values()) {
      assertThat(film.levels(recipe)).hasSize(film.width() * film.height());
    }
    assertThat(film.display()).hasSize(film.width() * film.height());
    try {
      assertThat(Guard.FORCED.check(film, DicomRecipe.VOI)).isNotNull();
    } catch (ImageRefused refusal) {
      assertThat(refusal.getMessage()).isNotBlank();
    }
    return true;
  }

  private static byte[] withRightCheckSums(byte[] file) {
    int at = 8;
    while (at + 12 <= file.length) {
      int length = ByteBuffer.wrap(file).getInt(at);
      if (length < 0 || length > file.length - at - 12) {
        break;
      }
      var crc = new CRC32();
      crc.update(file, at + 4, length + 4);
      ByteBuffer.wrap(file).putInt(at + 8 + length, (int) crc.getValue());
      at += 12 + length;
    }
    return file;
  }
}
