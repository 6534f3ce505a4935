package org.radialog.train;

import org.radialog.loop.Ranges;

/**
 * The training recipe of the alignment stage, in which the Q-Former learns to read the patches of
 * the frozen encoder before the language stage. The learning rate has a warm-up over the fraction
 * {@code warmUp} of the steps, followed by cosine decay.
 *
 * @param augmentedCopies number of augmented copies per film in addition to the original, encoded
 *     once; the language stage uses them too
 * @param passes number of passes over the training films; 0 skips the stage
 * @param batch number of films per step
 * @param rate peak learning rate
 * @param warmUp fraction of the steps used for warm-up, from 0 to 1
 * @param floor final learning rate as a fraction of the peak
 * @param dropout fraction of the Q-Former's activations that is set to 0
 * @param clip maximum norm of the gradients of a step
 */
public record AlignmentRecipe(
    int augmentedCopies,
    int passes,
    int batch,
    double rate,
    double warmUp,
    double floor,
    double dropout,
    double clip) {
  /**
   * Checks the ranges.
   *
   * @throws org.radialog.base.RadialogException if a number is out of its range
   */
  public AlignmentRecipe {
    Ranges.whole("alignment.augmented_copies", augmentedCopies, 0, 1000);
    Ranges.whole("alignment.passes", passes, 0, 10_000);
    Ranges.whole("alignment.batch", batch, 1, 65_536);
    Ranges.positive("alignment.rate", rate, false);
    Ranges.share("alignment.warm_up", warmUp);
    Ranges.share("alignment.floor", floor);
    Ranges.share("alignment.dropout", dropout);
    Ranges.positive("alignment.clip", clip, false);
  }
}
