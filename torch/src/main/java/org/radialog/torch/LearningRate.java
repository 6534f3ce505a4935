package org.radialog.torch;

/** The learning rate of each step of a training. */
@FunctionalInterface
public interface LearningRate {
  /** The rate of step {@code step}, 0 being the first. */
  double rate(long step);

  /**
   * The rates of BLIP-2's first stage: in the first pass a linear warm-up from {@code start} to
   * {@code base} and {@code base} from there on, in each later pass one rate, half a cosine wave
   * from {@code base} to {@code floor} over all passes.
   *
   * @param start rate of the first step
   * @param base the highest rate
   * @param floor the rate that the last pass is near to
   * @param warmUp steps of the warm-up
   * @param stepsPerPass steps of a pass over the films
   * @param passes over which the cosine falls
   */
  record ByPass(
      double start, double base, double floor, long warmUp, long stepsPerPass, long passes)
      implements LearningRate {
    @Override
    public double rate(long step) {
      long pass = step / Math.max(1, stepsPerPass);
      if (pass == 0) {
        return Math.min(base, start + (base - start) * step / Math.max(1, warmUp));
      }
      return (base - floor) * 0.5 * (1 + Math.cos(Math.PI * pass / passes)) + floor;
    }
  }
}
