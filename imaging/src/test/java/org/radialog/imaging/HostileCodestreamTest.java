package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.radialog.codecs.ImageRefused;

/** Whatever happens to a compressed frame: it is read or refused, and soon. */
class HostileCodestreamTest {
  private static final List<byte[]> FILES =
      CompressedFiles.all().stream().map(CompressedFiles.Case::bytes).toList();

  @Property(tries = 4000)
  void changedBytesAreReadOrRefused(
      @ForAll @IntRange(max = 100) int kind,
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 6) int edits) {
    byte[] file = FILES.get(kind % FILES.size()).clone();
    var random = new Random(seed);
    int frame = frameStart(file);
    for (int i = 0; i < edits; i++) {
      // Half of the edits in the codestream's headers, where they hurt.
      int span = random.nextBoolean() ? Math.min(160, file.length - frame) : file.length - frame;
      int at = frame + random.nextInt(span);
      switch (random.nextInt(4)) {
        case 0 -> file[at] = -1;
        case 1 -> file[at] = 0;
        case 2 -> file[at] ^= (byte) (1 << random.nextInt(8));
        default -> file[at] = (byte) random.nextInt(256);
      }
    }
    readOrRefuse(file);
  }

  @Property(tries = 1000)
  void piecesCutOutOrDoubledAreReadOrRefused(
      @ForAll @IntRange(max = 100) int kind, @ForAll long seed) {
    byte[] file = FILES.get(kind % FILES.size());
    var random = new Random(seed);
    int frame = frameStart(file);
    int from = frame + random.nextInt(file.length - frame);
    int to = from + random.nextInt(file.length - from);
    byte[] start = Arrays.copyOf(file, random.nextBoolean() ? from : to);
    byte[] end = Arrays.copyOfRange(file, random.nextBoolean() ? from : to, file.length);
    readOrRefuse(TestPictures.join(start, end));
  }

  @Property(tries = 1000)
  void noBeginningOfAFileIsTakenForTheWhole(
      @ForAll @IntRange(max = 100) int kind, @ForAll long seed) {
    byte[] file = FILES.get(kind % FILES.size());
    int length = new Random(seed).nextInt(file.length);
    if (CompressedFiles.all().get(kind % FILES.size()).file().startsWith("deflated")) {
      length = Math.min(length, file.length - 2); // its last byte may pad
    }
    assertThat(readOrRefuse(Arrays.copyOf(file, length)))
        .as("%s cut to %d of %d bytes", kind % FILES.size(), length, file.length)
        .isFalse();
  }

  @Property(tries = 500)
  void noiseBehindTheHeadersIsReadOrRefused(
      @ForAll @IntRange(max = 100) int kind, @ForAll long seed) {
    byte[] file = FILES.get(kind % FILES.size()).clone();
    var random = new Random(seed);
    int from = frameStart(file) + random.nextInt(150);
    if (from < file.length - 8) {
      byte[] noise = new byte[file.length - 8 - from];
      random.nextBytes(noise);
      System.arraycopy(noise, 0, file, from, noise.length);
    }
    readOrRefuse(file);
  }

  /** Some bytes before the frame: its item's header and the end of the data set. */
  private static int frameStart(byte[] file) {
    for (int at = 132; at + 4 < file.length; at++) {
      if (file[at] == (byte) 0xE0 && file[at + 1] == 0x7F && file[at + 2] == 0x10) {
        return at;
      }
    }
    return 330; // deflated
  }

  /** True if it was read; anything but a picture or a refusal fails, and so does a long wait. */
  private static boolean readOrRefuse(byte[] file) {
    long start = System.nanoTime();
    try {
      Radiograph film = Radiograph.decode("hostile", file, new Limits(4_000_000, 16 << 20));
      assertThat(film.display()).hasSize(film.width() * film.height());
      return true;
    } catch (ImageRefused refusal) {
      assertThat(refusal.getMessage()).isNotBlank().doesNotContain("\n");
      return false;
    } finally {
      assertThat(System.nanoTime() - start).isLessThan(10_000_000_000L);
    }
  }
}
