package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.radialog.codecs.ImageRefused;
import org.radialog.codecs.Samples;

/**
 * JPEG files as programs write them: what pixels do not depend on never changes or refuses them.
 */
class JpegFileTest {
  private static final BufferedImage GREY =
      TestPictures.film(150, 140, BufferedImage.TYPE_BYTE_GRAY);
  private static final BufferedImage COLOUR =
      TestPictures.film(150, 140, BufferedImage.TYPE_3BYTE_BGR);

  static List<byte[]> plain() {
    return List.of(
        TestPictures.jpeg(GREY),
        TestPictures.write(GREY, "jpeg", true),
        TestPictures.jpeg(COLOUR),
        TestPictures.write(COLOUR, "jpeg", true),
        Cases.bytes("jpeg-no-jfif/j13_restart.jpg"));
  }

  /** CRC-32 of the samples that Pillow 13 reads. */
  @ParameterizedTest
  @CsvSource({
    "colour-420.jpg, 3, 55e61e5b",
    "colour-422.jpg, 3, 505db92a",
    "colour-444.jpg, 3, b099f27f",
    "colour-444-progressive.jpg, 3, b099f27f",
    "colour-444-ids-rgb.jpg, 3, 4ef0762d",
    "colour-444-ids-012.jpg, 3, b099f27f",
    "colour-444-ids-111.jpg, 3, b099f27f",
    "colour-444-adobe-0.jpg, 3, 4ef0762d",
    "colour-444-adobe-0-after-jfif.jpg, 3, b099f27f",
    "colour-444-adobe-2.jpg, 3, b099f27f",
    "grey.jpg, 1, ae025316",
    "grey-restart.jpg, 1, ae025316",
  })
  void samplesAreThoseOfPillow(String file, int channels, String expected) {
    Samples samples = Radiograph.read(Cases.file("jpeg-own/" + file)).samples();

    assertThat(samples.channels()).isEqualTo(channels);
    assertThat(crc(samples)).isEqualTo(expected);
  }

  @ParameterizedTest
  @MethodSource("plain")
  void zerosBeforeTheEndAreHarmless(byte[] file) {
    for (int zeros : new int[] {1, 2, 3, 100, 4000}) {
      assertThat(crc(samples(beforeEnd(file, new byte[zeros])))).isEqualTo(crc(samples(file)));
    }
  }

  @ParameterizedTest
  @MethodSource("plain")
  void otherBytesBeforeTheEndAreHarmless(byte[] file) {
    byte[] noise = new byte[40];
    new Random(3).nextBytes(noise);
    for (int i = 0; i < noise.length; i++) {
      noise[i] = noise[i] == -1 ? 0 : noise[i];
    }
    byte[] stuffed = {-1, 0, -1, 0, -1, -1, -1};

    assertThat(crc(samples(beforeEnd(file, noise)))).isEqualTo(crc(samples(file)));
    assertThat(crc(samples(beforeEnd(file, stuffed)))).isEqualTo(crc(samples(file)));
  }

  @ParameterizedTest
  @MethodSource("plain")
  void bytesBetweenSegmentsAreHarmless(byte[] file) {
    for (byte[] filling : new byte[][] {{0, 0, 0}, {0x12, -1, 0, 0}, {-1, -1}}) {
      assertThat(crc(samples(between(file, filling)))).isEqualTo(crc(samples(file)));
    }
  }

  @ParameterizedTest
  @MethodSource("plain")
  void profilesCommentsAndThumbnailsAreHarmless(byte[] file) {
    byte[] broken = "ICC_PROFILE\0\1\2no profile at all".getBytes(StandardCharsets.ISO_8859_1);
    byte[] jfxx = TestPictures.join("JFXX\0\20".getBytes(StandardCharsets.ISO_8859_1), file);
    for (byte[] extra :
        new byte[][] {
          segment(0xE2, broken),
          TestPictures.join(segment(0xE2, broken), segment(0xE2, broken)),
          segment(0xE0, Arrays.copyOf(jfxx, 2000)),
          segment(0xE0, new byte[0]),
          segment(0xEE, "Adobe".getBytes(StandardCharsets.ISO_8859_1)),
          segment(0xFE, new byte[65_000]),
        }) {
      assertThat(crc(samples(behindStart(file, extra)))).isEqualTo(crc(samples(file)));
    }
  }

  @Test
  void aFloodOfMarkersCostsNoMoreThanItsBytes() {
    byte[] file = TestPictures.jpeg(GREY);
    byte[] unit = segment(0xE2, new byte[0]);
    byte[] flood = new byte[unit.length * 2_000_000];
    for (int i = 0; i < flood.length; i++) {
      flood[i] = unit[i % unit.length];
    }
    byte[] flooded = behindStart(file, flood);
    samples(file); // loads the classes
    long plain = Allocation.of(() -> samples(file));

    assertThat(Allocation.of(() -> samples(flooded))).isLessThan(plain + (1 << 20));
    assertThat(crc(samples(flooded))).isEqualTo(crc(samples(file)));
  }

  @Test
  void moreScansThanAnyFilmHasAreRefusedBeforeTheyAreDecoded() {
    byte[] file = TestPictures.write(GREY, "jpeg", true);
    byte[] scan = lastScan(file);
    byte[][] scans = new byte[1000][];
    Arrays.fill(scans, scan);
    byte[] flooded = beforeEnd(file, TestPictures.join(scans));

    assertThatThrownBy(() -> samples(flooded))
        .isInstanceOfSatisfying(
            ImageRefused.class,
            e -> assertThat(e.reason()).isEqualTo(ImageRefused.Reason.TOO_LARGE))
        .hasMessageContaining("a JPEG of more than 20 scans, the limit");
  }

  @ParameterizedTest
  @MethodSource("plain")
  void aFileCutAnywhereIsRefusedThoughItsEndWasPutBack(byte[] file) {
    int start = dataStart(file);
    for (int length = start + 1; length < file.length - 3; length += 97) {
      byte[] cut = beforeEnd(TestPictures.join(Arrays.copyOf(file, length), end()), new byte[0]);
      assertThatThrownBy(() -> samples(cut))
          .as("%d of %d bytes", length, file.length)
          .isInstanceOf(ImageRefused.class);
    }
  }

  @ParameterizedTest
  @MethodSource("plain")
  void aFileWhoseRestIsZerosIsRefused(byte[] file) {
    int start = dataStart(file);
    for (int from = start + 20; from < file.length - 200; from += 211) {
      byte[] zeroed = file.clone();
      Arrays.fill(zeroed, from, file.length - 2, (byte) 0);
      assertThatThrownBy(() -> samples(zeroed))
          .as("zeros from %d of %d", from, file.length)
          .isInstanceOf(ImageRefused.class);
    }
  }

  @Test
  void blocksThatWentAstrayAreNoFilling() {
    // Of a file with each MCU twice in half the height, the second half is left over.
    byte[] file = TestPictures.jpeg(GREY);
    int frame = find(file, 0xC0);
    file[frame + 6] = 64;

    assertThatThrownBy(() -> samples(file)).hasMessageContaining("damaged");
  }

  private static Samples samples(byte[] file) {
    return Radiograph.decode("made.jpg", file, Limits.DEFAULT).samples();
  }

  private static String crc(Samples samples) {
    var crc = new CRC32();
    for (int i = 0; i < samples.width() * samples.height() * samples.channels(); i++) {
      crc.update(samples.at(i));
    }
    return HexFormat.of().toHexDigits((int) crc.getValue());
  }

  private static byte[] end() {
    return new byte[] {-1, (byte) 0xD9};
  }

  private static byte[] beforeEnd(byte[] file, byte[] bytes) {
    return TestPictures.join(Arrays.copyOf(file, file.length - 2), bytes, end());
  }

  private static byte[] behindStart(byte[] file, byte[] bytes) {
    return TestPictures.join(
        Arrays.copyOf(file, 2), bytes, Arrays.copyOfRange(file, 2, file.length));
  }

  private static byte[] segment(int marker, byte[] content) {
    int length = content.length + 2;
    return TestPictures.join(
        new byte[] {-1, (byte) marker, (byte) (length >> 8), (byte) length}, content);
  }

  /** {@code filling} between the segments before the first scan. */
  private static byte[] between(byte[] file, byte[] filling) {
    var out = new ByteArrayOutputStream();
    out.writeBytes(Arrays.copyOf(file, 2));
    int at = 2;
    while (true) {
      int length = 2 + ((file[at + 2] & 0xFF) << 8 | (file[at + 3] & 0xFF));
      boolean scan = (file[at + 1] & 0xFF) == 0xDA;
      out.write(file, at, scan ? file.length - at : length);
      if (scan) {
        return out.toByteArray();
      }
      out.writeBytes(filling);
      at += length;
    }
  }

  private static int find(byte[] file, int marker) {
    for (int at = 0; ; at++) {
      if (file[at] == -1 && (file[at + 1] & 0xFF) == marker) {
        return at;
      }
    }
  }

  private static int dataStart(byte[] file) {
    int scan = find(file, 0xDA);
    return scan + 2 + ((file[scan + 2] & 0xFF) << 8 | (file[scan + 3] & 0xFF));
  }

  private static byte[] lastScan(byte[] file) {
    int at = file.length - 2;
    while (file[at] != -1 || (file[at + 1] & 0xFF) != 0xDA) {
      at--;
    }
    return Arrays.copyOfRange(file, at, file.length - 2);
  }
}
