package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.Test;
import org.radialog.codecs.ImageRefused;

/** PNG of every kind: samples as they stand, at the price of a plain file. */
class PngFileTest {
  private static final byte[] MAGIC = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  private static final int[][] ADAM7 = {
    {0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}
  };

  @Test
  void indicesWithoutAColourAreBlack() {
    byte[] file =
        join(
            MAGIC,
            TestPictures.chunk("IHDR", head(2, 1, 8, 3, false)),
            TestPictures.chunk("PLTE", new byte[] {7, 7, 7}),
            TestPictures.chunk("IDAT", packed(new byte[] {0, 0, 9})),
            TestPictures.chunk("IEND", new byte[0]));

    assertThat(read(file).display()).containsExactly(7, 0);
  }

  @Test
  void aTransparentGreyIsNoSecondChannel() {
    byte[] plain = TestPictures.rawPng(2, 1, 8, 0, new byte[] {0, 40, 90});
    byte[] file = behindHead(plain, TestPictures.chunk("tRNS", new byte[] {0, 40}));

    assertThat(read(file).samples().channels()).isEqualTo(1);
    assertThat(read(file).display()).containsExactly(40, 90);
  }

  @Test
  void damagedDataAreRefused() {
    assertRefused(new byte[] {1, 2, 3, 4}, "cannot be decoded"); // no zlib data at all
    assertRefused(new byte[0], "pixels end in line 0 of 1");
    assertRefused(packed(new byte[] {9, 1, 2, 3}), "line 0 has filter 9");
    assertRefused(packed(new byte[] {0, 1}), "pixels end in line 0 of 1");
  }

  @Test
  void aPngInAMillionPiecesCostsNoMoreThanOne() {
    byte[] lines = lines(1000, 1200, 8, false, new Random(1));
    byte[] data = packed(lines);
    byte[][] pieces = new byte[data.length + 2][];
    pieces[0] = join(MAGIC, TestPictures.chunk("IHDR", head(1000, 1200, 8, 0, false)));
    for (int i = 0; i < data.length; i++) {
      pieces[i + 1] = TestPictures.chunk("IDAT", new byte[] {data[i]});
    }
    pieces[data.length + 1] = TestPictures.chunk("IEND", new byte[0]);
    byte[] file = join(pieces);
    byte[] plain = png(1000, 1200, 8, 0, false, lines);
    assertThat(data.length).isGreaterThan(1_000_000);
    read(plain); // loads the classes

    assertThat(Allocation.of(() -> read(file)))
        .isLessThan(Allocation.of(() -> read(plain)) + (1 << 20));
    assertThat(read(file).display()).isEqualTo(read(plain).display());
  }

  @Test
  void textsAndProfilesAreNeverUnpackedAndMorePixelsThanNeededNeither() {
    byte[] lines = lines(100, 100, 8, false, new Random(1));
    byte[] bomb = join("x\0\0".getBytes(StandardCharsets.US_ASCII), packed(new byte[60_000_000]));
    byte[] plain = png(100, 100, 8, 0, false, lines);
    byte[] withBombs =
        behindHead(
            plain,
            join(
                TestPictures.chunk("iCCP", bomb),
                TestPictures.chunk("zTXt", bomb),
                TestPictures.chunk("iTXt", bomb),
                TestPictures.chunk("tEXt", new byte[100_000])));
    byte[] tooMany = png(100, 100, 8, 0, false, Arrays.copyOf(lines, 60_000_000));
    read(plain); // loads the classes
    long cost = Allocation.of(() -> read(plain)) + (1 << 20);

    assertThat(Allocation.of(() -> read(withBombs))).isLessThan(cost);
    assertThat(Allocation.of(() -> read(tooMany))).isLessThan(cost);
    assertThat(read(tooMany).display()).isEqualTo(read(plain).display());
  }

  /** What a picture with alpha takes is its samples and a little. */
  @Test
  void aPictureWithAlphaIsHeldOnce() {
    int side = 1000;
    byte[] grey = png(side, side, 8, 0, false, lines(side, side, 8, false, new Random(1)));
    byte[] alpha = png(side, side, 8, 6, false, lines(side, side, 32, false, new Random(1)));
    read(grey).display(); // loads the classes

    long ofGrey = Allocation.of(() -> read(grey).display());
    long ofAlpha = Allocation.of(() -> read(alpha).display());

    assertThat(ofGrey).isLessThan(2L * side * side + (1 << 19));
    assertThat(ofAlpha).isLessThan(5L * side * side + (1 << 19));
  }

  private static void assertRefused(byte[] data, String message) {
    byte[] file =
        join(
            MAGIC,
            TestPictures.chunk("IHDR", head(3, 1, 8, 0, false)),
            TestPictures.chunk("IDAT", data),
            TestPictures.chunk("IEND", new byte[0]));
    assertThatThrownBy(() -> read(file))
        .isInstanceOf(ImageRefused.class)
        .hasMessageContaining(message);
  }

  /** Random bytes with random filters. */
  static byte[] lines(int width, int height, int bits, boolean interlaced, Random random) {
    var out = new ByteArrayOutputStream();
    for (int[] pass : interlaced ? ADAM7 : new int[][] {{0, 0, 1, 1}}) {
      int pixels = Math.ceilDiv(width - pass[0], pass[2]);
      int count = Math.ceilDiv(height - pass[1], pass[3]);
      for (int y = 0; pixels > 0 && y < count; y++) {
        byte[] line = new byte[1 + Math.ceilDiv(pixels * bits, 8)];
        random.nextBytes(line);
        line[0] = (byte) random.nextInt(5);
        out.writeBytes(line);
      }
    }
    return out.toByteArray();
  }

  private static byte[] head(int width, int height, int depth, int colour, boolean interlaced) {
    ByteBuffer head = ByteBuffer.allocate(13).putInt(width).putInt(height);
    head.put((byte) depth).put((byte) colour).put((byte) 0).put((byte) 0);
    return head.put((byte) (interlaced ? 1 : 0)).array();
  }

  static byte[] png(
      int width, int height, int depth, int colour, boolean interlaced, byte[] lines) {
    return join(
        MAGIC,
        TestPictures.chunk("IHDR", head(width, height, depth, colour, interlaced)),
        TestPictures.chunk("IDAT", packed(lines)),
        TestPictures.chunk("IEND", new byte[0]));
  }

  private static byte[] packed(byte[] bytes) {
    var out = new ByteArrayOutputStream();
    try (var deflater = new DeflaterOutputStream(out, new Deflater(Deflater.BEST_SPEED))) {
      deflater.write(bytes);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return out.toByteArray();
  }

  private static byte[] behindHead(byte[] file, byte[] chunks) {
    int behind = 8 + 25;
    return join(Arrays.copyOf(file, behind), chunks, Arrays.copyOfRange(file, behind, file.length));
  }

  private static byte[] join(byte[]... parts) {
    return TestPictures.join(parts);
  }

  private static Radiograph read(byte[] file) {
    return Radiograph.decode("made.png", file, Limits.DEFAULT);
  }
}
