package org.radialog.loop;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.bytedeco.pytorch.NoGradGuard;
import org.radialog.loop.Stage.Plan;
import org.radialog.torch.AdamW;
import org.radialog.torch.LossScale;
import org.radialog.torch.ProcessGroup;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;

/**
 * The steps of a training by the processes of a group. Process 0 announces each step, since only it
 * reads the clock and validates; the others follow.
 */
final class Team {
  /** What process 0 announces. */
  private enum Order {
    /** Process 0 sends the tensors and the optimiser state of the stage. */
    BEGIN(0),
    /** All processes make a step of the stage. */
    STEP(1),
    /** Process 0 works alone: on a step of a stage that cannot be divided, or on a validation. */
    WAIT(2),
    /** The run has ended. */
    END(3);

    private final long word; // as it is sent

    Order(long word) {
      this.word = word;
    }

    static Order of(long word) {
      return Arrays.stream(values())
          .filter(order -> order.word == word)
          .findFirst()
          .orElseThrow(() -> new IllegalStateException("process 0 announced " + word));
    }
  }

  private final ProcessGroup group;

  Team(ProcessGroup group) {
    this.group = group;
  }

  /** Whether this process follows process 0. */
  boolean follows() {
    return group.rank() > 0;
  }

  /** What the progress display adds to the name of a stage. */
  String remark(Stage stage) {
    return group.size() == 1 || divides(stage) ? "" : " (process 0 alone)";
  }

  private boolean divides(Stage stage) {
    return stage.divisible(group.size());
  }

  /** Sends the state of {@code stage} in process 0 to the others. */
  void begin(int index, Stage stage) {
    if (group.size() > 1 && divides(stage)) {
      say(Order.BEGIN, index, 0, 0);
      takeOver(stage);
    }
  }

  /**
   * Makes a step of a stage in all processes.
   *
   * @return the loss of the batch; empty if the step was skipped because of gradients in fp16 that
   *     are not finite
   * @throws ProcessGroup.Lost if another process has ended; the stage is then unchanged
   */
  OptionalDouble step(int index, Stage stage, long step, double rate) {
    if (divides(stage)) {
      say(Order.STEP, index, step, rate);
      return step(stage, step, rate);
    }
    say(Order.WAIT, index, step, rate);
    return step(stage, step, rate);
  }

  /** Tells the other processes that process 0 works alone and will go on. */
  void busy() {
    say(Order.WAIT, 0, 0, 0);
  }

  /** Ends the run in the other processes. */
  void end() {
    say(Order.END, 0, 0, 0);
  }

  private void say(Order order, int index, long step, double rate) {
    group.first(order.word, index, step, Double.doubleToRawLongBits(rate));
  }

  /** Follows process 0 until the end of the run. */
  void follow(List<? extends Stage> stages) {
    while (true) {
      long[] said = group.first(0, 0, 0, 0);
      switch (Order.of(said[0])) {
        case BEGIN -> takeOver(stages.get((int) said[1]));
        case STEP -> step(stages.get((int) said[1]), said[2], Double.longBitsToDouble(said[3]));
        case WAIT -> {}
        case END -> {
          return;
        }
      }
    }
  }

  // The library wraps what stops a backward pass in an exception of its own.
  private double backward(Stage stage, long step, Share share) {
    try {
      return stage.backward(step, share);
    } catch (RuntimeException e) {
      throw group.lost().map(RuntimeException.class::cast).orElse(e);
    }
  }

  private void takeOver(Stage stage) {
    try (NoGradGuard _ = new NoGradGuard()) {
      stage.tensors().sequencedValues().forEach(group::broadcast);
    }
    stage.optimizer().takeOver(group);
    stage.lossScale().ifPresent(scale -> scale.takeOver(group));
  }

  private OptionalDouble step(Stage stage, long step, double rate) {
    Plan plan = stage.plan();
    AdamW optimizer = stage.optimizer();
    boolean shared = divides(stage);
    // Each process has its own dropout masks: otherwise all shares would have the same one.
    Torch.seed(plan.seed() * 1_000_003 + step + 0x9E3779B97F4A7C15L * group.rank());
    try (Scope _ = new Scope()) {
      optimizer.zeroGrad();
      double loss = backward(stage, step, shared ? new Share(group) : Share.WHOLE);
      if (shared) {
        loss = group.sum(loss);
        optimizer.sumGradients(group);
      }
      // All processes have the same gradients here, so they skip the same steps.
      Optional<LossScale> scale = stage.lossScale();
      boolean finite = scale.isEmpty() || scale.get().unscale(optimizer);
      if (finite) {
        optimizer.clipGradNorm(plan.clip());
        optimizer.step(rate);
      }
      stage.stepped(step + 1);
      return finite ? OptionalDouble.of(loss) : OptionalDouble.empty();
    }
  }
}
