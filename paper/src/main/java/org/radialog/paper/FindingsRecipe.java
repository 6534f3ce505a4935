package org.radialog.paper;

import org.radialog.train.Ranges;

/**
 * How the findings classifier of the published versions learns: encoder and head together, from the
 * labels of the reports, at one learning rate.
 *
 * @param epochs passes over the films
 * @param batch films per step
 * @param rate learning rate
 * @param epsilon of the optimiser, AdamW as older transformers have it
 * @param patience validations without a better macro F1 after which the stage ends; 0 for never
 */
public record FindingsRecipe(int epochs, int batch, double rate, double epsilon, int patience) {
  /**
   * Checks the ranges.
   *
   * @throws org.radialog.base.RadialogException if a number is out of its range
   */
  public FindingsRecipe {
    Ranges.whole("findings.epochs", epochs, 1, 10_000);
    Ranges.whole("findings.batch", batch, 2, 65_536); // statistics of a batch need two films
    Ranges.positive("findings.rate", rate, false);
    Ranges.positive("findings.epsilon", epsilon, false);
    Ranges.whole("findings.patience", patience, 0, 10_000);
  }
}
