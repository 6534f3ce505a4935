package org.radialog.imaging;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import org.radialog.base.RadialogException;

/**
 * Measures how far an image is from frontal chest films: the Mahalanobis distance of its edge
 * statistics. A chest is distinguished from a hand or a skull not by the distribution of dark and
 * bright areas, which depends on collimation and exposure, but by the directions of the edges of
 * lungs, ribs and heart in each part of the image.
 *
 * <p>The image is described by histograms of oriented gradients (Dalal and Triggs, CVPR 2005): 6×6
 * cells of 16×16 pixels with eight signed directions each, scaled to a sum of 1, with square roots
 * taken, so that exposure and size do not matter. {@code frontal-view.raw} contains, as big-endian
 * floats, their mean [288], the first 32 principal components [32, 288], the variance along each
 * [32] and the variance along any other direction, over films of NIH ChestX-ray14 from patients
 * outside fold 0. The test {@code FrontalViewTest} rebuilds it; its class comment explains how.
 */
final class FrontalView {
  /** Side of the image that is described: RaDialog's crop of 448 out of 512, at low resolution. */
  static final int SIDE = 96;

  private static final int RESIZE = 109;
  private static final int CELLS = 6;
  private static final int CELL = SIDE / CELLS;
  private static final int DIRECTIONS = 8;

  /** Length of the feature vector. */
  static final int FEATURES = CELLS * CELLS * DIRECTIONS;

  /** Number of principal components. */
  static final int COMPONENTS = 32;

  /** An image with a larger distance is probably not a frontal chest film. */
  static final double LARGEST_DISTANCE = 1;

  private static final FrontalView NIH = load();

  private final float[] mean;
  private final float[][] components;
  private final float[] variances;
  private final float rest;

  /**
   * A distribution of films.
   *
   * @param mean [{@value #FEATURES}]
   * @param components [{@value #COMPONENTS}, {@value #FEATURES}], orthonormal
   * @param variances along each component, in units of the largest distance
   * @param rest variance along any other direction
   */
  FrontalView(float[] mean, float[][] components, float[] variances, float rest) {
    this.mean = mean;
    this.components = components;
    this.variances = variances;
    this.rest = rest;
  }

  /** The part of a film that is described: [{@value #SIDE}, {@value #SIDE}] grey levels. */
  static byte[] picture(Radiograph film, DicomRecipe recipe) {
    return new Preprocessing(RESIZE, SIDE, recipe).bytes(film);
  }

  /** The distance of an image from the NIH films; 1 is the limit for an image that is accepted. */
  static double distance(byte[] picture) {
    return NIH.distance(features(picture));
  }

  /** The distribution of the NIH films. */
  static FrontalView nih() {
    return NIH;
  }

  /** The distance of {@link #features} from this distribution. */
  double distance(float[] features) {
    double left = 0;
    for (int i = 0; i < FEATURES; i++) {
      double d = features[i] - mean[i];
      left += d * d;
    }
    double distance = 0;
    for (int k = 0; k < COMPONENTS; k++) {
      double along = 0;
      for (int i = 0; i < FEATURES; i++) {
        along += (features[i] - mean[i]) * components[k][i];
      }
      distance += along * along / variances[k];
      left -= along * along;
    }
    return distance + Math.max(0, left) / rest;
  }

  /** Histograms of oriented gradients: [rows of cells, columns of cells, directions]. */
  static float[] features(byte[] picture) {
    double[] sums = new double[FEATURES];
    double all = 0;
    for (int y = 0; y < SIDE; y++) {
      for (int x = 0; x < SIDE; x++) {
        // At the border the gradient across it is zero.
        double down =
            y == 0 || y == SIDE - 1
                ? 0
                : (picture[(y + 1) * SIDE + x] & 0xFF) - (picture[(y - 1) * SIDE + x] & 0xFF);
        double across =
            x == 0 || x == SIDE - 1
                ? 0
                : (picture[y * SIDE + x + 1] & 0xFF) - (picture[y * SIDE + x - 1] & 0xFF);
        double strength = Math.sqrt(down * down + across * across);
        if (strength > 0) {
          double turn = Math.atan2(down, across) / (2 * Math.PI);
          double at = (turn < 0 ? turn + 1 : turn) * DIRECTIONS;
          int lower = (int) at % DIRECTIONS;
          double share = at - Math.floor(at);
          int cell = (y / CELL * CELLS + x / CELL) * DIRECTIONS;
          sums[cell + lower] += strength * (1 - share);
          sums[cell + (lower + 1) % DIRECTIONS] += strength * share;
          all += strength;
        }
      }
    }
    float[] features = new float[FEATURES];
    for (int i = 0; i < FEATURES; i++) {
      features[i] = all == 0 ? 0 : (float) Math.sqrt(sums[i] / all);
    }
    return features;
  }

  private static FrontalView load() {
    try (InputStream in = FrontalView.class.getResourceAsStream("frontal-view.raw")) {
      if (in == null) {
        throw new RadialogException("frontal-view.raw is missing from the program: rebuild it");
      }
      DataInputStream floats = new DataInputStream(in);
      float[] mean = read(floats, FEATURES);
      float[][] components = new float[COMPONENTS][];
      for (int k = 0; k < COMPONENTS; k++) {
        components[k] = read(floats, FEATURES);
      }
      return new FrontalView(mean, components, read(floats, COMPONENTS), floats.readFloat());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static float[] read(DataInputStream floats, int count) throws IOException {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = floats.readFloat();
    }
    return values;
  }
}
