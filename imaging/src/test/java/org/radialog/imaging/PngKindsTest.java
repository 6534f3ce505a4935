package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Random;
import javax.imageio.ImageIO;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.radialog.codecs.Samples;

/** PNG of every depth and colour type, interlaced or not, with any filter. */
class PngKindsTest {
  private static final int[][] KINDS = {
    {1, 0}, {2, 0}, {4, 0}, {8, 0}, {16, 0}, {8, 2}, {16, 2}, {8, 4}, {16, 4}, {8, 6}, {16, 6}
  };

  /** An independent decoder, the JDK's, reads the same samples of files with random filters. */
  @Property(tries = 300)
  void everyKindIsReadAsAnotherDecoderReadsIt(
      @ForAll @IntRange(max = 10) int kind,
      @ForAll boolean interlaced,
      @ForAll @IntRange(min = 1, max = 20) int width,
      @ForAll @IntRange(min = 1, max = 20) int height,
      @ForAll long seed)
      throws IOException {
    int depth = KINDS[kind][0];
    int colour = KINDS[kind][1];
    byte[] file =
        PngFileTest.png(
            width,
            height,
            depth,
            colour,
            interlaced,
            PngFileTest.lines(
                width, height, depth * channels(colour), interlaced, new Random(seed)));

    Samples samples = Radiograph.decode("made.png", file, Limits.DEFAULT).samples();

    BufferedImage other = ImageIO.read(new ByteArrayInputStream(file));
    assertThat(samples.channels()).isEqualTo(channels(colour));
    int spread = depth < 8 ? 255 / ((1 << depth) - 1) : 1;
    int at = 0;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        for (int c = 0; c < samples.channels(); c++) {
          assertThat(samples.at(at++)).isEqualTo(other.getRaster().getSample(x, y, c) * spread);
        }
      }
    }
  }

  private static int channels(int colour) {
    return switch (colour) {
      case 0 -> 1;
      case 2 -> 3;
      case 4 -> 2;
      case 6 -> 4;
      default -> throw new AssertionError(colour);
    };
  }
}
