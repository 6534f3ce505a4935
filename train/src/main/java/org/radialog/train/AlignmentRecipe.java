package org.radialog.train;

/**
 * How the Q-Former learns to read the frozen encoder's patches, before the language model does. The
 * learning rate rises over {@code warmUp} of the steps and falls by a cosine.
 *
 * @param augmentedCopies randomly changed copies of each film beside itself, encoded once; the
 *     language stage reads them, too
 * @param passes over the training films; 0 leaves the stage out
 * @param batch films per step
 * @param rate highest learning rate
 * @param warmUp share of the steps in which the rate rises
 * @param floor share of the highest rate at the end
 * @param dropout share of the Q-Former's activations that is set to 0
 * @param clip largest norm of the gradients of a step
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
