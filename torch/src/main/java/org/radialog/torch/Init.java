package org.radialog.torch;

import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * The initial values of a parameter that is not in a checkpoint. The rows of a weight are its
 * outputs.
 */
public sealed interface Init {
  /**
   * All values equal: 0 for biases, 1 for norms.
   *
   * @param value of all elements
   */
  record Constant(double value) implements Init {}

  /**
   * Normal around 0.
   *
   * @param std standard deviation
   */
  record Normal(double std) implements Init {}

  /**
   * Uniform in ±1/sqrt(fan_in), fan_in being the product of all dimensions but the first: what
   * PyTorch's {@code Linear} and {@code Conv2d} use for their weights.
   */
  record KaimingUniform() implements Init {}

  /**
   * Uniform in ±bound.
   *
   * @param bound largest magnitude
   */
  record Uniform(double bound) implements Init {}

  /** All 0. */
  static Init zeros() {
    return new Constant(0);
  }

  /** All 1. */
  static Init ones() {
    return new Constant(1);
  }

  /** All {@code value}. */
  static Init constant(double value) {
    return new Constant(value);
  }

  /** Normal around 0 with the standard deviation {@code std}. */
  static Init normal(double std) {
    return new Normal(std);
  }

  /** PyTorch's default for weights. */
  static Init kaimingUniform() {
    return new KaimingUniform();
  }

  /** PyTorch's default for the bias of a layer with {@code fanIn} inputs. */
  static Init bias(long fanIn) {
    return new Uniform(1 / Math.sqrt((double) fanIn));
  }

  /** Row-major values for {@code shape}. */
  default float[] values(RandomGenerator random, long... shape) {
    float[] values =
        new float[Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact))];
    switch (this) {
      case Constant(double value) -> Arrays.fill(values, (float) value);
      case Normal(double std) -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) random.nextGaussian(0, std);
        }
      }
      case KaimingUniform() -> {
        long fanIn = Math.max(1, values.length / Math.max(1, shape.length == 0 ? 1 : shape[0]));
        uniform(values, 1 / Math.sqrt((double) fanIn), random);
      }
      case Uniform(double bound) -> uniform(values, bound, random);
    }
    return values;
  }

  private static void uniform(float[] values, double bound, RandomGenerator random) {
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (bound * (2 * random.nextDouble() - 1));
    }
  }
}
