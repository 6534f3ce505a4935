package org.radialog.train;

import org.radialog.instruct.InstructMix;

/**
 * How Q-Former, projector and LoRA learn from dialogs. The learning rate rises over {@code warmUp}
 * of the steps and falls by a cosine.
 *
 * @param dialogs in all; they are made anew, so none is seen twice
 * @param batch dialogs per step
 * @param rate highest learning rate, of the adapter
 * @param queryRate a factor on it for Q-Former and projector
 * @param warmUp share of the steps in which the rate rises
 * @param floor share of the highest rate at the end
 * @param dropout share of the Q-Former's activations that is set to 0
 * @param clip largest norm of the gradients of a step
 * @param validateEvery steps between validations
 * @param validationDialogs dialogs of a validation, about patients that nothing is learned from
 * @param minutes after which the stage ends even if not all dialogs were seen, its schedule running
 *     by the clock where that is ahead of the steps; 0 for no limit. A run with a limit is not
 *     repeatable to the bit.
 * @param mix what the dialogs are about
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

  /** Whole batches only. */
  int steps() {
    return dialogs / batch;
  }
}
