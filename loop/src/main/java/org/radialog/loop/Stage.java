package org.radialog.loop;

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
 * One stage of a training: its trained tensors, its batches and loss, its validation and its
 * result. {@link TrainingLoop} does everything else: optimiser steps, checkpoints, resuming, table,
 * plot and progress.
 *
 * <p>A killed run resumes to the same bits because every stage guarantees that {@link #tensors} and
 * the optimiser contain all state that changes from step to step, that {@link #loss} depends only
 * on this state and the number of the step, and that {@link #validate} changes nothing.
 */
public interface Stage {
  /** The name in the table, the progress and the checkpoint, for example {@code alignment}. */
  String name();

  /** The number of steps and the learning rates. */
  Plan plan();

  /**
   * All state that changes from step to step except that of the optimiser, by the names in the
   * checkpoint. These are the live tensors: resuming a run overwrites them.
   */
  SequencedMap<String, Tensor> tensors();

  /** The optimiser of the trained tensors. */
  AdamW optimizer();

  /**
   * The factor on the loss of a stage that computes in fp16. Its state is in the checkpoint, and
   * its factor and the number of skipped steps are in the table.
   */
  default Optional<LossScale> lossScale() {
    return Optional.empty();
  }

  /**
   * The loss of the batch of a step, a scalar with its graph. Before each call, libtorch's random
   * number generator is seeded with the step.
   *
   * @param step the number of the step; the first step of the stage is 0
   */
  Tensor loss(long step);

  /**
   * Whether the batch of a step can be divided among this number of processes so that the gradients
   * of the shares add up to those of the whole batch. If not, process 0 trains the stage alone.
   */
  default boolean divisible(int processes) {
    return false;
  }

  /**
   * Adds the gradients of a share of a step's batch to those of the trained tensors. A stage whose
   * batch does not fit into memory adds the gradients of its pieces one after the other. A stage
   * whose loss compares the elements of a batch exchanges them through {@link Share#group}.
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
   * Called after each step, also after one that was skipped because of {@link #lossScale}; for
   * example to update an average of the weights.
   *
   * @param done number of steps so far, 1 after the first
   */
  default void stepped(long done) {}

  /** The measures of {@link #validate}, in the order of their columns in the table. */
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
   * The measure by which the best validation is selected, whose weights are the result of the
   * stage; empty if the result is that of the last step.
   */
  default Optional<Best> best() {
    return Optional.empty();
  }

  /**
   * Writes the result of the stage after its last step. It may be called again for a completed run
   * and then writes the same files.
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
