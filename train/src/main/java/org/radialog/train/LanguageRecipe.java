package org.radialog.train;

import org.radialog.loop.Ranges;
import org.radialog.tasks.InstructMix;

/**
 * The training recipe of Q-Former, projector and LoRA on dialogs. The learning rate has a warm-up
 * over the fraction {@code warmUp} of the steps, followed by cosine decay.
 *
 * @param dialogs total number of dialogs; they are generated during training, so none is repeated
 * @param batch number of dialogs per step
 * @param rate peak learning rate of the adapter
 * @param queryRate factor on the learning rate for Q-Former and projector
 * @param warmUp fraction of the steps used for warm-up, from 0 to 1
 * @param floor final learning rate as a fraction of the peak
 * @param dropout fraction of the Q-Former's activations that is set to 0
 * @param clip maximum norm of the gradients of a step
 * @param validateEvery number of steps between validations
 * @param validationDialogs number of dialogs per validation, about patients that are not used for
 *     training
 * @param minutes time limit in minutes, after which the stage ends even if dialogs remain. The
 *     schedule follows the clock if it is ahead of the steps. 0 for no limit. A run with a limit is
 *     not reproducible bit for bit.
 * @param image whether the language model sees the film; otherwise its image tokens are zero, as
 *     with the control {@code zero_image} of an evaluation
 * @param mix proportions of the dialog tasks
 */
public record LanguageRecipe(
    int dialogs,
    int batch,
    double rate,
    double queryRate,
    double warmUp,
    double floor,
    double dropout,
    double clip,
    int validateEvery,
    int validationDialogs,
    double minutes,
    boolean image,
    InstructMix mix) {
  /**
   * Checks the ranges.
   *
   * @throws org.radialog.base.RadialogException if a number is out of its range
   */
  public LanguageRecipe {
    Ranges.whole("language.batch", batch, 1, 65_536);
    Ranges.whole("language.dialogs", dialogs, batch, Integer.MAX_VALUE);
    Ranges.positive("language.rate", rate, false);
    Ranges.positive("language.query_rate", queryRate, true);
    Ranges.share("language.warm_up", warmUp);
    Ranges.share("language.floor", floor);
    Ranges.share("language.dropout", dropout);
    Ranges.positive("language.clip", clip, false);
    Ranges.whole("language.validate_every", validateEvery, 1, Integer.MAX_VALUE);
    Ranges.whole("language.validation_dialogs", validationDialogs, 0, 1_000_000);
    Ranges.positive("language.minutes", minutes, true);
  }

  /** The number of complete batches. */
  int steps() {
    return dialogs / batch;
  }
}
