package org.radialog.imaging;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Locale;
import org.radialog.base.RadialogException;

/**
 * Compares a film with the average of many films: the Pearson correlation of two thumbnails, for
 * the film itself, inverted, and rotated by quarter turns. The median correlation with the average
 * is 0.77 for frontal films and -0.77 for inverted ones.
 *
 * <p>{@code average-film.raw} is [28, 28] bytes: the mean thumbnail of the ChestX-ray14 films of
 * folds 1 to 4 (NIH Clinical Center) that correlate with their own mean by more than 0.3. The test
 * {@code AverageFilmTest} rebuilds it; its class comment explains how.
 */
final class AverageFilm {
  /** Side of a thumbnail: RaDialog's crop of 448 out of 512, reduced by sixteen. */
  static final int SIDE = 28;

  private static final int RESIZE = 32;

  /** Minimum correlation of a film that resembles the average. */
  static final double LEAST_CORRELATION = 0.3;

  /** Minimum correlation of a rotated film to be reported as rotated. */
  private static final double CLEAR_CORRELATION = 0.5;

  /** Minimum correlation of the negative of any other image to be reported as inverted. */
  private static final double LEAST_INVERTED = 0.25;

  /**
   * Minimum correlation, part by part, for a chest that is small, off centre or tightly cropped.
   */
  private static final double LEAST_CORRELATION_OF_PART = 0.35;

  /** Sides of the parts. */
  private static final int[] PARTS = {24, 20};

  private static final byte[] AVERAGE = load();

  private AverageFilm() {}

  /** What the networks see of a film at low resolution: [28, 28]. */
  static byte[] thumbnail(Radiograph film, DicomRecipe recipe) {
    return new Preprocessing(RESIZE, SIDE, recipe).bytes(film);
  }

  /** What a picture looks like beside the average film. */
  enum Likeness {
    /** An upright frontal film. */
    FRONTAL,
    /** A frontal film that was turned. */
    TURNED,
    /** The negative of a frontal film. */
    INVERTED,
    /** No frontal film. */
    UNLIKE
  }

  /**
   * The comparison of an image with the average film.
   *
   * @param message the line for people; empty where it is {@link Likeness#FRONTAL}
   * @param quarters quarter turns clockwise that make it look like a frontal film; 0 unless it is
   *     {@link Likeness#TURNED}
   */
  record Look(Likeness likeness, String message, int quarters) {
    private static final Look FRONTAL = new Look(Likeness.FRONTAL, "", 0);
  }

  /** Compares {@code thumbnail}. */
  static Look look(byte[] thumbnail) {
    double upright = correlation(thumbnail, AVERAGE);
    if (upright >= LEAST_CORRELATION) {
      return Look.FRONTAL;
    }
    double turned = -1;
    int quarters = 0;
    byte[] turn = thumbnail;
    for (int i = 1; i <= 3; i++) {
      turn = quarterTurn(turn, SIDE);
      double correlation = correlation(turn, AVERAGE);
      if (correlation > turned) {
        turned = correlation;
        quarters = i;
      }
    }
    double inverted = -upright;
    String numbers =
        String.format(
            Locale.ROOT,
            " (correlation with the average film %.2f, inverted %.2f, turned by %d° %.2f)",
            upright,
            inverted,
            90 * quarters,
            turned);
    if (turned >= CLEAR_CORRELATION && turned > inverted) {
      return new Look(
          Likeness.TURNED,
          "probably not upright: turn it by " + 90 * quarters + "° clockwise" + numbers,
          quarters);
    }
    if (inverted >= LEAST_INVERTED) {
      return new Look(Likeness.INVERTED, "probably inverted: air appears white" + numbers, 0);
    }
    if (ofPart(thumbnail) >= LEAST_CORRELATION_OF_PART) {
      return Look.FRONTAL;
    }
    return new Look(Likeness.UNLIKE, "probably not a frontal chest film" + numbers, 0);
  }

  /**
   * The best correlation of a part of the image with the average film, for a chest that is small or
   * off centre, and of the image with a part of the average film, for a tightly cropped chest.
   */
  private static double ofPart(byte[] thumbnail) {
    double best = -1;
    for (int side : PARTS) {
      byte[] small = resized(AVERAGE, SIDE, side);
      for (int top = 0; top <= SIDE - side; top += 2) {
        for (int left = 0; left <= SIDE - side; left += 2) {
          best = Math.max(best, correlation(part(thumbnail, side, top, left), small));
          byte[] near = resized(part(AVERAGE, side, top, left), side, SIDE);
          best = Math.max(best, correlation(thumbnail, near));
        }
      }
    }
    return best;
  }

  private static byte[] part(byte[] square, int side, int top, int left) {
    byte[] part = new byte[side * side];
    for (int y = 0; y < side; y++) {
      System.arraycopy(square, (top + y) * SIDE + left, part, y * side, side);
    }
    return part;
  }

  private static byte[] resized(byte[] square, int from, int to) {
    return Resampling.resizeAndCrop(square, from, from, to, to, new Resampling.Crop(0, 0, to, to));
  }

  /** Correlation with the average film, in [-1, 1]. */
  static double correlation(byte[] thumbnail) {
    return correlation(thumbnail, AVERAGE);
  }

  /** Pearson's; 0 if one of them is constant. */
  static double correlation(byte[] a, byte[] b) {
    double meanA = mean(a);
    double meanB = mean(b);
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      double da = (a[i] & 0xFF) - meanA;
      double db = (b[i] & 0xFF) - meanB;
      ab += da * db;
      aa += da * da;
      bb += db * db;
    }
    return aa == 0 || bb == 0 ? 0 : ab / Math.sqrt(aa * bb);
  }

  private static double mean(byte[] bytes) {
    long sum = 0;
    for (byte value : bytes) {
      sum += value & 0xFF;
    }
    return (double) sum / bytes.length;
  }

  /** Rotates by 90° clockwise. */
  static byte[] quarterTurn(byte[] square, int side) {
    byte[] turned = new byte[square.length];
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        turned[y * side + x] = square[(side - 1 - x) * side + y];
      }
    }
    return turned;
  }

  private static byte[] load() {
    try (InputStream in = AverageFilm.class.getResourceAsStream("average-film.raw")) {
      byte[] bytes = in == null ? new byte[0] : in.readAllBytes();
      if (bytes.length != SIDE * SIDE) {
        throw new RadialogException(
            "average-film.raw in the program has %d bytes, expected %d: rebuild it"
                .formatted(bytes.length, SIDE * SIDE));
      }
      return bytes;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
