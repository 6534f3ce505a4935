package org.radialog.train;

import java.util.List;
import org.bytedeco.pytorch.NoGradGuard;
import org.radialog.torch.AdamW;
import org.radialog.torch.ProcessGroup;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.train.Stage.Plan;

/**
 * How the processes of a group make the steps of a training together. Process 0 decides and says
 * what is next, since it alone looks at the clock and validates; the others follow.
 */
final class Team {
  /** What process 0 has the others do. */
  private enum Order {
    /** Take over where the stage stands. */
    BEGIN,
    /** Make a step of the stage. */
    STEP,
    /** Process 0 makes a step of a stage that cannot be shared. */
    WAIT,
    /** The run has ended. */
    END
  }

  private final ProcessGroup group;

  Team(ProcessGroup group) {
    this.group = group;
  }

  /** Whether this process follows another one. */
  boolean follows() {
    return group.rank() > 0;
  }

  /** How progress names a stage that not all processes make together. */
  String remark(Stage stage) {
    return group.size() == 1 || stage.divisible() ? "" : " (process 0 alone)";
  }

  /** Has all processes begin where {@code stage} stands in this one. */
  void begin(int index, Stage stage) {
    if (group.size() > 1 && stage.divisible()) {
      say(Order.BEGIN, index, 0, 0);
      takeOver(stage);
    }
  }

  /**
   * Makes a step of a stage in all processes; in them the stage has the same tensors afterwards.
   *
   * @return the loss of the batch
   * @throws ProcessGroup.Lost if another process has ended; the stage then stands where it stood
   */
  double step(int index, Stage stage, long step, double rate) {
    if (stage.divisible()) {
      say(Order.STEP, index, step, rate);
      return step(stage, step, rate);
    }
    say(Order.WAIT, index, step, rate);
    return step(stage, step, rate);
  }

  /** Lets the others go. */
  void end() {
    say(Order.END, 0, 0, 0);
  }

  private void say(Order order, int index, long step, double rate) {
    group.first(order.ordinal(), index, step, Double.doubleToRawLongBits(rate));
  }

  /** Follows process 0 to the end of the run. */
  void follow(List<? extends Stage> stages) {
    while (true) {
      long[] said = group.first(0, 0, 0, 0);
      switch (Order.values()[(int) said[0]]) {
        case BEGIN -> takeOver(stages.get((int) said[1]));
        case STEP -> step(stages.get((int) said[1]), said[2], Double.longBitsToDouble(said[3]));
        case WAIT -> {}
        case END -> {
          return;
        }
      }
    }
  }

  private void takeOver(Stage stage) {
    try (NoGradGuard _ = new NoGradGuard()) {
      stage.tensors().sequencedValues().forEach(group::broadcast);
    }
    stage.optimizer().takeOver(group);
  }

  private double step(Stage stage, long step, double rate) {
    Plan plan = stage.plan();
    AdamW optimizer = stage.optimizer();
    boolean shared = stage.divisible();
    // Dropout of its own in each process: else the same places of all shares would be dropped.
    Torch.seed(plan.seed() * 1_000_003 + step + 0x9E3779B97F4A7C15L * group.rank());
    try (Scope _ = new Scope()) {
      optimizer.zeroGrad();
      double loss =
          stage.backward(step, shared ? new Share(group.rank(), group.size()) : Share.WHOLE);
      if (shared) {
        loss = group.sum(loss);
        optimizer.sumGradients(group);
      }
      optimizer.clipGradNorm(plan.clip());
      optimizer.step(rate);
      stage.stepped(step + 1);
      return loss;
    }
  }
}
