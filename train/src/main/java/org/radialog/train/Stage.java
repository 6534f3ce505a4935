package org.radialog.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import org.bytedeco.pytorch.Tensor;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.torch.AdamW;
import org.radialog.torch.LearningRate;
import org.radialog.torch.LossScale;
import org.radialog.torch.Torch;

/**
 * One stage of a training: what it learns, from which batches, how well it does and what it leaves
 * behind. The steps of the optimiser, checkpoints, resuming, the table, the plot and progress are
 * {@link TrainingLoop}'s.
 *
 * <p>A killed run goes on to the same bits because of three promises of a stage: {@link #tensors}
 * and the optimiser hold all that changes from step to step, {@link #loss} depends on them and on
 * the number of the step alone, and {@link #validate} changes nothing.
 */
public interface Stage {
  /** Its name in the table, the progress and the checkpoint, for example {@code alignment}. */
  String name();

  /** How many steps it makes, and at which rates. */
  Plan plan();

  /**
   * Everything that changes from step to step, the optimiser's own state apart, by the names that
   * the checkpoint has. Live: they are overwritten when a run goes on.
   */
  SequencedMap<String, Tensor> tensors();

  /** The optimiser over the tensors that learn. */
  AdamW optimizer();

  /**
   * The factor on the loss of a stage that computes in fp16. Its state is in the checkpoint, and
   * its factor and the number of skipped steps are in the table.
   */
  default Optional<LossScale> lossScale() {
    return Optional.empty();
  }

  /**
   * The loss of the batch of a step, a scalar with its graph. libtorch's random numbers are seeded
   * by the step before each call.
   *
   * @param step the number of the step, 0 being the first of the stage
   */
  Tensor loss(long step);

  /**
   * Whether the batch of a step can be divided among so many processes, so that the gradients of
   * the shares add up to those of the whole batch. If not, process 0 trains the stage alone.
   */
  default boolean divisible(int processes) {
    return false;
  }

  /**
   * Adds the gradients of a share of a step's batch to those of the tensors that learn. A stage
   * whose batch is larger than memory allows adds those of its pieces one after the other. A stage
   * whose loss compares the elements of a batch exchanges what it needs through {@link
   * Share#group}.
   *
   * @param share {@link Share#WHOLE} unless the stage is {@link #divisible}
   * @return the contribution of the share to the loss of the batch, which is their sum; without the
   *     factor of {@link #lossScale}, which the gradients have
   */
  default double backward(long step, Share share) {
    Tensor loss = loss(step);
    lossScale().map(scale -> scale.of(loss)).orElse(loss).backward();
    return Torch.item(loss);
  }

  /**
   * Follows a step, also one that {@link #lossScale} made skip, for example with an average of the
   * weights.
   *
   * @param done steps that were made, 1 after the first
   */
  default void stepped(long done) {}

  /** What {@link #validate} measures: the stage's columns of the table, in their order. */
  List<Measure> measures();

  /**
   * The measures by their names; one that is absent or empty leaves its cell of the table empty.
   */
  Map<String, OptionalDouble> validate();

  /**
   * The same, in a training of several processes, which wait for process 0 for an hour at most.
   *
   * @param busy tells them that it goes on; a stage calls it between parts of a long validation
   */
  default Map<String, OptionalDouble> validate(Runnable busy) {
    return validate();
  }

  /**
   * By which measure the best of all validations is what the stage leaves behind; empty for the
   * last step.
   */
  default Optional<Best> best() {
    return Optional.empty();
  }

  /**
   * Writes what the stage leaves behind once its steps are made. It may be called again for a run
   * that has ended, and then writes the same.
   *
   * @param folder the run folder
   */
  default void save(Path folder) {}

  /**
   * The steps of a stage.
   *
   * @param steps in all
   * @param round steps that progress shows as one task, for example one pass over the films; 0 for
   *     one task over all
   * @param validateEvery steps between validations, each of which adds a row to the table and
   *     writes a checkpoint; the last step is always followed by one
   * @param schedule the learning rate of each step
   * @param clip largest 2-norm of all gradients together; larger ones are scaled down to it
   * @param minutes after which the stage ends even if not all steps were made, its schedule running
   *     by the clock where that is ahead of the steps; 0 for no limit. A run with a limit is not
   *     repeatable to the bit.
   * @param seed of libtorch's random numbers, together with the number of the step
   */
  record Plan(
      long steps,
      long round,
      long validateEvery,
      LearningRate schedule,
      double clip,
      double minutes,
      long seed) {
    /**
     * Checks the numbers.
     *
     * @throws RadialogException if one is out of its range
     */
    public Plan {
      if (steps < 0 || round < 0 || validateEvery < 1 || !(clip > 0) || !(minutes >= 0)) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            "a stage has %d steps in rounds of %d, validated every %d, gradients clipped at %s and %s minutes: expected no negative number, and clip and validation above 0"
                .formatted(steps, round, validateEvery, clip, minutes));
      }
    }
  }

  /**
   * A measure of a validation.
   *
   * @param column its name in the table
   * @param axis where the plot shows it
   */
  record Measure(String column, Axis axis) {}

  /**
   * What the best validation is.
   *
   * @param measure its column among {@link #measures}
   * @param highest whether the highest value is the best, else the lowest
   * @param patience validations without a better one after which the stage ends early; 0 for never
   */
  record Best(String measure, boolean highest, int patience) {
    boolean better(double value, double before) {
      return highest ? value > before : value < before;
    }

    double worst() {
      return highest ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
    }
  }

  /** Where the plot shows a measure. */
  enum Axis {
    /** Beside the training loss. */
    LOSS,
    /** Among scores from 0 to 1. */
    SCORE,
    /** In the table alone. */
    NONE
  }
}
