package org.radialog.torch;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.radialog.base.RadialogException;

/**
 * The factor on the loss of a training in fp16, whose smallest gradients would otherwise be rounded
 * to 0 (arXiv 1710.03740, §3.2). A step with gradients that are not finite is skipped and halves
 * the factor; {@value #GROWTH_STEPS} steps without one double it.
 */
public final class LossScale {
  private static final double INITIAL = 65_536;
  private static final long GROWTH_STEPS = 2_000;
  private static final double SMALLEST = 1 / INITIAL;

  /**
   * What the next steps depend on.
   *
   * @param factor the factor on the loss, a power of two
   * @param steps number of steps made since the factor last changed
   * @param skipped number of steps that were skipped since the beginning
   */
  public record State(double factor, long steps, long skipped) {}

  private State state = new State(INITIAL, 0, 0);

  /** The current state. */
  public State state() {
    return state;
  }

  /** Continues from a {@link #state} of an earlier run. */
  public void restore(State saved) {
    state = saved;
  }

  /** Continues from the state of process 0. */
  public void takeOver(ProcessGroup group) {
    long[] first =
        group.first(Double.doubleToRawLongBits(state.factor), state.steps, state.skipped);
    state = new State(Double.longBitsToDouble(first[0]), first[1], first[2]);
  }

  /** The loss, multiplied by the factor: what the backward pass starts from. */
  public Tensor of(Tensor loss) {
    return loss.mul(new Scalar(state.factor));
  }

  /**
   * Divides the gradients of {@code optimizer} by the factor and adapts the factor for the next
   * step.
   *
   * @return whether all gradients are finite, so that the step can be made
   * @throws RadialogException if gradients are not finite although the factor is tiny
   */
  public boolean unscale(AdamW optimizer) {
    if (optimizer.scaleGradients(1 / state.factor)) {
      state =
          state.steps + 1 < GROWTH_STEPS
              ? new State(state.factor, state.steps + 1, state.skipped)
              : new State(2 * state.factor, 0, state.skipped);
      return true;
    }
    if (state.factor <= SMALLEST) {
      throw new RadialogException(
          "the gradients are not finite even with a loss scale of %s, after %d skipped steps: the training in fp16 has diverged; use bf16 or a lower learning rate in another run folder"
              .formatted(state.factor, state.skipped));
    }
    state = new State(state.factor / 2, 0, state.skipped + 1);
    return false;
  }
}
