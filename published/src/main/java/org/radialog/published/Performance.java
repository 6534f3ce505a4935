package org.radialog.published;

import java.util.Optional;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * How often a classifier was right about a finding, on films of patients that it was not trained
 * on. A call is a finding that is present by the model's threshold.
 *
 * @param label CheXpert name of the finding
 * @param films number of films for which the truth is known
 * @param positives number of them that show the finding
 * @param auroc area under the ROC curve of the probabilities
 * @param sensitivity share of the films with the finding that are called present
 * @param sensitivityWithUncertain share of the films with the finding that are called present or
 *     uncertain
 * @param specificity share of the films without the finding that are not called present
 * @param ppv positive predictive value: share of the films called present that show the finding;
 *     empty if none is called
 * @param npv negative predictive value: share of the films called absent that do not show the
 *     finding; empty if none is called
 * @param uncertain share of the films called uncertain
 */
public record Performance(
    String label,
    int films,
    int positives,
    Figure auroc,
    Figure sensitivity,
    Figure sensitivityWithUncertain,
    Figure specificity,
    Optional<Figure> ppv,
    Optional<Figure> npv,
    double uncertain) {

  /**
   * A share and its 95 % interval.
   *
   * @param value from 0 to 1
   * @param low lower end of the interval, at most {@code value}
   * @param high upper end of the interval, at least {@code value}
   */
  public record Figure(double value, double low, double high) {
    /**
     * Checks the order.
     *
     * @throws RadialogException if it is not 0 ≤ low ≤ value ≤ high ≤ 1
     */
    public Figure {
      need(
          0 <= low && low <= value && value <= high && high <= 1,
          ("a figure of classifier.performance is %s with low %s and high %s, expected 0 to 1, and"
                  + " value from low to high")
              .formatted(value, low, high));
    }
  }

  /**
   * Checks the counts.
   *
   * @throws RadialogException if there are no films with the finding or none without it
   */
  public Performance {
    need(
        positives >= 1 && positives < films,
        "classifier.performance of %s has %d positives of %d films, expected 1 to films - 1"
            .formatted(Printable.of(label), positives, films));
    need(
        uncertain >= 0 && uncertain <= 1,
        "classifier.performance of %s has uncertain %s, expected 0 to 1"
            .formatted(Printable.of(label), uncertain));
    need(
        sensitivity.value() <= sensitivityWithUncertain.value(),
        "classifier.performance of %s has sensitivity %s above sensitivity_with_uncertain %s"
            .formatted(Printable.of(label), sensitivity.value(), sensitivityWithUncertain.value()));
  }

  private static void need(boolean holds, String otherwise) {
    if (!holds) {
      throw new RadialogException(Kind.REFUSED_WEIGHTS, otherwise);
    }
  }
}
