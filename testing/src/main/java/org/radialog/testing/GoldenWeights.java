package org.radialog.testing;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The formula of the golden cases (golden/README.md, section 1): every weight is a function of its
 * state-dict key, its flat row-major index and a salt.
 */
public final class GoldenWeights {
  private static final long GOLDEN_RATIO = 0x9E3779B97F4A7C15L;

  private record Rule(double offset, double scale) {}

  private GoldenWeights() {}

  /** The weight {@code key} with {@code shape} (empty for a scalar), row-major. */
  public static float[] fill(String salt, String key, long... shape) {
    float[] values = new float[Math.toIntExact(elements(shape))];
    fill(salt, key, shape, 0, values, values.length);
    return values;
  }

  /**
   * Writes {@code count} elements of the weight {@code key}, starting at the flat row-major index
   * {@code from}, to the beginning of {@code values}. A weight may have more elements than an array
   * can hold.
   */
  public static void fill(
      String salt, String key, long[] shape, long from, float[] values, int count) {
    if (key.endsWith("num_batches_tracked")) {
      Arrays.fill(values, 0, count, 0);
      return;
    }
    Rule rule = rule(key, shape);
    double offset = rule.offset;
    double scale = rule.scale;
    long h = hash(salt + key);
    for (int i = 0; i < count; i++) {
      values[i] = (float) (offset + scale * uniform(h, from + i));
    }
  }

  /** A float input in [low, high). */
  public static float[] floats(String salt, String key, double low, double high, long... shape) {
    float[] values = new float[Math.toIntExact(elements(shape))];
    long h = hash(salt + key);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (low + (high - low) * (uniform(h, i) + 1) / 2);
    }
    return values;
  }

  /** Ids from {@code first} to {@code vocab} - 1. */
  public static long[] ids(String salt, String key, long first, long vocab, long... shape) {
    long[] values = new long[Math.toIntExact(elements(shape))];
    long h = hash(salt + key);
    for (int i = 0; i < values.length; i++) {
      values[i] = first + (long) Math.floor((uniform(h, i) + 1) / 2 * (vocab - first));
    }
    return values;
  }

  /** The 64-bit FNV-1a hash of the UTF-8 bytes. */
  static long hash(String text) {
    long h = 0xcbf29ce484222325L;
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      h = (h ^ (b & 0xff)) * 0x100000001b3L;
    }
    return h;
  }

  /** The number in [-1, 1) at index {@code i} of the stream {@code h}, computed with SplitMix64. */
  static double uniform(long h, long i) {
    long z = h + (i + 1) * GOLDEN_RATIO;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    z ^= z >>> 31;
    return (z >>> 11) * 0x1p-53 * 2 - 1;
  }

  private static Rule rule(String key, long[] shape) {
    if (key.endsWith("running_var")) {
      return new Rule(1, 0.5);
    }
    if (key.endsWith("running_mean")) {
      return new Rule(0, 0.1);
    }
    return switch (shape.length) {
      case 0 -> new Rule(0.07, 0);
      case 1 -> new Rule(key.endsWith("weight") ? 1 : 0, 0.1);
      default -> new Rule(0, Math.sqrt(3.0 / fanIn(shape)));
    };
  }

  private static double fanIn(long[] shape) {
    return elements(Arrays.copyOfRange(shape, 1, shape.length));
  }

  static long elements(long[] shape) {
    long elements = 1;
    for (long dimension : shape) {
      elements = Math.multiplyExact(elements, dimension);
    }
    return elements;
  }
}
