package org.radialog.torch;

/**
 * The learning rate of each step: a linear warm-up from 0 to {@code base}, then a decay to {@code
 * floor} at step {@code total}.
 *
 * @param decay what follows the warm-up
 * @param base the highest rate
 * @param warmUp steps of warm-up; the first of them has rate 0
 * @param total steps in all
 * @param floor the lowest rate after the warm-up
 */
public record Schedule(Decay decay, double base, long warmUp, long total, double floor)
    implements LearningRate {
  /** The form of the decay; {@code COSINE} is half a cosine wave. */
  public enum Decay {
    COSINE,
    LINEAR,
    CONSTANT
  }

  /** As {@code get_cosine_schedule_with_warmup} of transformers. */
  public static Schedule cosine(double base, long warmUp, long total) {
    return new Schedule(Decay.COSINE, base, warmUp, total, 0);
  }

  /** As {@code get_linear_schedule_with_warmup} of transformers. */
  public static Schedule linear(double base, long warmUp, long total) {
    return new Schedule(Decay.LINEAR, base, warmUp, total, 0);
  }

  /** {@code base} after the warm-up. */
  public static Schedule constant(double base, long warmUp) {
    return new Schedule(Decay.CONSTANT, base, warmUp, Long.MAX_VALUE, base);
  }

  @Override
  public double rate(long step) {
    if (step < warmUp) {
      return base * ((double) step / Math.max(1, warmUp));
    }
    double progress = (double) (step - warmUp) / Math.max(1, total - warmUp);
    double share =
        switch (decay) {
          case COSINE -> Math.max(0, 0.5 * (1 + Math.cos(Math.PI * Math.min(1, progress))));
          case LINEAR -> Math.max(0, (double) (total - step) / Math.max(1, total - warmUp));
          case CONSTANT -> 1;
        };
    return floor + (base - floor) * share;
  }
}
