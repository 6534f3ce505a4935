package org.radialog.codecs;

/**
 * The inverse wavelet transforms of JPEG 2000: ITU-T T.800, annex F. A plane contains the low-pass
 * rows and columns first; one step combines them with the high-pass ones after them.
 */
final class Jpeg2000Wavelet {
  private static final float ALPHA = (float) -1.586134342059924;
  private static final float BETA = (float) -0.052980118572961;
  private static final float GAMMA = (float) 0.882911075530934;
  private static final float DELTA = (float) 0.443506852043971;
  private static final float K = (float) 1.230174104914001;

  /** Number of columns that are transformed together, so that memory is read sequentially. */
  private static final int TOGETHER = 16;

  private Jpeg2000Wavelet() {}

  /**
   * One level of the reversible 5-3 transform, in place.
   *
   * @param stride distance of the rows of {@code plane}
   * @param x0 the left edge of the result, {@code y0} its upper edge: odd rows and columns are
   *     high-pass
   */
  static void reversible(int[] plane, int stride, int x0, int y0, int width, int height) {
    int[] line = new int[Math.max(width, height * TOGETHER)];
    int lowWidth = (width + 1 - (x0 & 1)) / 2;
    int lowHeight = (height + 1 - (y0 & 1)) / 2;
    for (int y = 0; y < height; y++) {
      int row = y * stride;
      for (int i = 0, low = row, high = row + lowWidth; i < width; i++) {
        line[i] = ((i + x0) & 1) == 0 ? plane[low++] : plane[high++];
      }
      reversible(line, width, 1, x0 & 1);
      System.arraycopy(line, 0, plane, row, width);
    }
    for (int x = 0; x < width; x += TOGETHER) {
      int count = Math.min(TOGETHER, width - x);
      for (int i = 0, low = 0, high = lowHeight; i < height; i++) {
        int row = ((i + y0) & 1) == 0 ? low++ : high++;
        System.arraycopy(plane, row * stride + x, line, i * count, count);
      }
      reversible(line, height, count, y0 & 1);
      for (int i = 0; i < height; i++) {
        System.arraycopy(line, i * count, plane, i * stride + x, count);
      }
    }
  }

  /** F.3.8.1 on {@code n} rows of {@code count}; the first is high-pass if {@code odd} is 1. */
  private static void reversible(int[] line, int n, int count, int odd) {
    if (n == 1) {
      for (int j = 0; odd == 1 && j < count; j++) {
        line[j] >>= 1;
      }
      return;
    }
    for (int i = odd; i < n; i += 2) {
      int before = (i == 0 ? 1 : i - 1) * count;
      int after = (i == n - 1 ? n - 2 : i + 1) * count;
      for (int j = 0; j < count; j++) {
        line[i * count + j] -= (line[before + j] + line[after + j] + 2) >> 2;
      }
    }
    for (int i = 1 - odd; i < n; i += 2) {
      int before = (i == 0 ? 1 : i - 1) * count;
      int after = (i == n - 1 ? n - 2 : i + 1) * count;
      for (int j = 0; j < count; j++) {
        line[i * count + j] += (line[before + j] + line[after + j]) >> 1;
      }
    }
  }

  /** One level of the irreversible 9-7 transform, as above. */
  static void irreversible(float[] plane, int stride, int x0, int y0, int width, int height) {
    float[] line = new float[Math.max(width, height * TOGETHER)];
    int lowWidth = (width + 1 - (x0 & 1)) / 2;
    int lowHeight = (height + 1 - (y0 & 1)) / 2;
    for (int y = 0; y < height; y++) {
      int row = y * stride;
      for (int i = 0, low = row, high = row + lowWidth; i < width; i++) {
        line[i] = ((i + x0) & 1) == 0 ? plane[low++] : plane[high++];
      }
      irreversible(line, width, 1, x0 & 1);
      System.arraycopy(line, 0, plane, row, width);
    }
    for (int x = 0; x < width; x += TOGETHER) {
      int count = Math.min(TOGETHER, width - x);
      for (int i = 0, low = 0, high = lowHeight; i < height; i++) {
        int row = ((i + y0) & 1) == 0 ? low++ : high++;
        System.arraycopy(plane, row * stride + x, line, i * count, count);
      }
      irreversible(line, height, count, y0 & 1);
      for (int i = 0; i < height; i++) {
        System.arraycopy(line, i * count, plane, i * stride + x, count);
      }
    }
  }

  /** F.3.8.2. */
  private static void irreversible(float[] line, int n, int count, int odd) {
    if (n == 1) {
      for (int j = 0; odd == 1 && j < count; j++) {
        line[j] /= 2;
      }
      return;
    }
    for (int i = 0; i < n; i++) {
      float scale = (i & 1) == odd ? K : 1 / K;
      for (int j = i * count; j < (i + 1) * count; j++) {
        line[j] *= scale;
      }
    }
    lift(line, n, count, odd, DELTA);
    lift(line, n, count, 1 - odd, GAMMA);
    lift(line, n, count, odd, BETA);
    lift(line, n, count, 1 - odd, ALPHA);
  }

  private static void lift(float[] line, int n, int count, int first, float weight) {
    for (int i = first; i < n; i += 2) {
      int before = (i == 0 ? 1 : i - 1) * count;
      int after = (i == n - 1 ? n - 2 : i + 1) * count;
      for (int j = 0; j < count; j++) {
        line[i * count + j] -= weight * (line[before + j] + line[after + j]);
      }
    }
  }
}
