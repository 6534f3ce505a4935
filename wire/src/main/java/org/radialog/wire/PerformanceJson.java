package org.radialog.wire;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Optional;
import org.radialog.published.Performance;

/**
 * How often the classifier of a model was right about a finding, on films of patients that it was
 * not trained on.
 *
 * @param films number of films for which the truth is known
 * @param positives number of them that show the finding
 * @param auroc area under the ROC curve
 * @param sensitivity share of the films with the finding that are called present
 * @param sensitivityWithUncertain share of them that are called present or uncertain
 * @param specificity share of the films without the finding that are not called present
 * @param ppv share of the films called present that show it; absent if none is called
 * @param npv share of the films called absent that do not show it; absent if none is called
 * @param uncertain share of the films called uncertain
 */
public record PerformanceJson(
    int films,
    int positives,
    Figure auroc,
    Figure sensitivity,
    @JsonProperty("sensitivity_with_uncertain") Figure sensitivityWithUncertain,
    Figure specificity,
    Optional<Figure> ppv,
    Optional<Figure> npv,
    double uncertain) {

  /**
   * A share with its 95 % interval.
   *
   * @param value from 0 to 1
   * @param low lower end of the interval
   * @param high upper end of the interval
   */
  public record Figure(double value, double low, double high) {
    static Figure of(Performance.Figure figure) {
      return new Figure(
          Result.rounded(figure.value()),
          Result.rounded(figure.low()),
          Result.rounded(figure.high()));
    }
  }

  static PerformanceJson of(Performance p) {
    return new PerformanceJson(
        p.films(),
        p.positives(),
        Figure.of(p.auroc()),
        Figure.of(p.sensitivity()),
        Figure.of(p.sensitivityWithUncertain()),
        Figure.of(p.specificity()),
        p.ppv().map(Figure::of),
        p.npv().map(Figure::of),
        Result.rounded(p.uncertain()));
  }
}
