package org.radialog.torch;

/** The learning rate as a function of the training step. */
@FunctionalInterface
public interface LearningRate {
  /** The learning rate of step {@code step}, from 0. */
  double rate(long step);

  /**
   * The schedule of BLIP-2's first stage. The first pass has a linear warm-up from {@code start} to
   * {@code base}, then stays at {@code base}. Each later pass has a constant rate that follows half
   * a cosine wave from {@code base} to {@code floor} over all passes.
   *
   * @param start learning rate of the first step
   * @param base peak learning rate
   * @param floor lower limit of the cosine, which the last pass approaches
   * @param warmUp number of warm-up steps
   * @param stepsPerPass number of steps per pass over the films
   * @param passes number of passes over which the cosine decays
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
