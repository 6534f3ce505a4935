package org.radialog.paper;

import org.radialog.loop.Ranges;

/**
 * The training recipe of the findings classifier in the published versions: encoder and head are
 * trained together on the labels of the reports, with a constant learning rate.
 *
 * @param epochs number of passes over the films
 * @param batch number of films per step
 * @param rate learning rate
 * @param epsilon epsilon of the optimiser, AdamW as in older versions of the transformers library
 * @param patience number of validations without improvement of the macro F1 after which the stage
 *     ends; 0 for never
 */
public record FindingsRecipe(int epochs, int batch, double rate, double epsilon, int patience) {
  /**
   * Checks the ranges.
   *
   * @throws org.radialog.base.RadialogException if a number is out of its range
   */
  public FindingsRecipe {
    Ranges.whole("findings.epochs", epochs, 1, 10_000);
    Ranges.whole("findings.batch", batch, 2, 65_536); // batch statistics need at least two films
    Ranges.positive("findings.rate", rate, false);
    Ranges.positive("findings.epsilon", epsilon, false);
    Ranges.whole("findings.patience", patience, 0, 10_000);
  }
}
