package org.radialog.train;

import java.util.random.RandomGenerator;

/**
 * Random augmentations of a radiograph that preserve its findings: crop and scale, rotation, and
 * exposure. Films are not mirrored, because the position of the heart matters.
 *
 * @param scale visible fraction of a side, drawn from {@code 1 - scale} to {@code 1 + scale / 4}
 * @param degrees maximum rotation in degrees
 * @param aspect maximum relative change of width to height
 * @param gamma maximum absolute logarithm of the gamma exponent for grey levels
 * @param contrast maximum relative change of contrast
 * @param brightness maximum shift of grey levels, as a fraction of the full range
 */
record Augmentation(
    double scale, double degrees, double aspect, double gamma, double contrast, double brightness) {
  static final Augmentation DEFAULT = new Augmentation(0.2, 10, 0.06, 0.3, 0.2, 0.1);

  /**
   * Augments a film.
   *
   * @param film {@code [from, from]} unsigned bytes
   * @param target receives the result {@code [to, to]} in [0, 1], starting at index {@code at}
   */
  void apply(byte[] film, int from, float[] target, int at, int to, RandomGenerator random) {
    double shown = random.nextDouble(1 - scale, 1 + scale / 4);
    double stretch = Math.exp(random.nextDouble(-1, 1) * aspect / 2);
    double angle = Math.toRadians(random.nextDouble(-1, 1) * degrees);
    double room = Math.abs(1 - shown) / 2 + 0.02;
    double centreX = (0.5 + random.nextDouble(-1, 1) * room) * from - 0.5;
    double centreY = (0.5 + random.nextDouble(-1, 1) * room) * from - 0.5;
    double step = shown * from / to; // pixels of the film per pixel of the result
    double alongX = step * stretch * Math.cos(angle);
    double alongY = step * stretch * Math.sin(angle);
    double downX = -step / stretch * Math.sin(angle);
    double downY = step / stretch * Math.cos(angle);
    float[] levels = levels(random);
    double half = (to - 1) / 2.0;
    for (int y = 0; y < to; y++) {
      for (int x = 0; x < to; x++) {
        float sx = (float) (centreX + (x - half) * alongX + (y - half) * downX);
        float sy = (float) (centreY + (x - half) * alongY + (y - half) * downY);
        target[at + y * to + x] = bilinear(film, from, sx, sy, levels);
      }
    }
  }

  // Grey levels after the change of exposure, as a lookup table for the 256 byte values.
  private float[] levels(RandomGenerator random) {
    double exponent = Math.exp(random.nextDouble(-1, 1) * gamma);
    double gain = 1 + random.nextDouble(-1, 1) * contrast;
    double shift = random.nextDouble(-1, 1) * brightness;
    float[] levels = new float[256];
    for (int i = 0; i < 256; i++) {
      double level = (Math.pow(i / 255.0, exponent) - 0.5) * gain + 0.5 + shift;
      levels[i] = (float) Math.clamp(level, 0, 1);
    }
    return levels;
  }

  private static float bilinear(byte[] film, int side, float x, float y, float[] levels) {
    if (x < 0 || y < 0 || x > side - 1 || y > side - 1) {
      return 0; // black, like the area outside the collimation
    }
    int left = Math.min((int) x, side - 2);
    int top = Math.min((int) y, side - 2);
    float dx = x - left;
    float dy = y - top;
    int i = top * side + left;
    float upper = levels[film[i] & 0xFF] * (1 - dx) + levels[film[i + 1] & 0xFF] * dx;
    float lower = levels[film[i + side] & 0xFF] * (1 - dx) + levels[film[i + side + 1] & 0xFF] * dx;
    return upper * (1 - dy) + lower * dy;
  }
}
