package org.radialog.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;

/**
 * One image with the findings of its report: the unit of training and evaluation in RaDialog. A
 * study with two images yields two rows with the same text, for all views.
 *
 * @param study the study of the image
 * @param image the image
 * @param findings the findings on one line, see {@link
 *     org.radialog.clinical.ReportSections#findingsOnOneLine}
 */
public record ReportRow(ReportedStudy study, StudyImage image, String findings) {

  /** The rows of a study, one per image; empty if the report has no findings. */
  public static List<ReportRow> of(ReportedStudy study) {
    return of(study, ImageChoice.EVERY);
  }

  /** The rows for the chosen images of a study; empty if the report has no findings. */
  public static List<ReportRow> of(ReportedStudy study, ImageChoice choice) {
    String findings = study.report().findingsOnOneLine();
    return findings.isEmpty()
        ? List.of()
        : choice.of(study).stream().map(image -> new ReportRow(study, image, findings)).toList();
  }

  /**
   * RaDialog's stratified sample for evaluation ({@code --strat_eval}): all rows with a positive
   * finding, followed by the first of the other rows until these are a fourteenth of the whole. The
   * other rows are those in which No Finding is positive or no label is.
   *
   * @param labels returns the labels of a row
   */
  public static <T> List<T> stratifiedForEvaluation(
      List<T> rows, Function<? super T, Map<Finding, FindingState>> labels) {
    return stratified(rows, labels, 1, List::copyOf);
  }

  /**
   * RaDialog's stratified sample for training: the rows with a positive finding, repeated {@code
   * epochs} times (2 in the original), followed by randomly drawn rows without one until these are
   * a fourteenth of the whole.
   *
   * @param labels returns the labels of a row
   * @param epochs number of repetitions of the rows with a positive finding
   * @param seed the same seed draws the same rows
   */
  public static <T> List<T> stratifiedForTraining(
      List<T> rows, Function<? super T, Map<Finding, FindingState>> labels, int epochs, long seed) {
    return stratified(
        rows,
        labels,
        epochs,
        others -> {
          var shuffled = new ArrayList<T>(others);
          Collections.shuffle(shuffled, new Random(seed));
          return shuffled;
        });
  }

  private static <T> List<T> stratified(
      List<T> rows,
      Function<? super T, Map<Finding, FindingState>> labels,
      int epochs,
      Function<List<T>, List<T>> order) {
    var positive = new ArrayList<T>();
    var others = new ArrayList<T>();
    for (T row : rows) {
      (hasFinding(labels.apply(row)) ? positive : others).add(row);
    }
    var sample = new ArrayList<T>();
    for (int epoch = 0; epoch < epochs; epoch++) {
      sample.addAll(positive);
    }
    // The original computes int(n*14/13/14); the same order of operations gives the same rounding.
    int wanted = (int) (sample.size() * 14 / 13.0 / 14);
    sample.addAll(order.apply(others).subList(0, Math.min(wanted, others.size())));
    return List.copyOf(sample);
  }

  private static boolean hasFinding(Map<Finding, FindingState> labels) {
    return labels.get(Finding.NO_FINDING) != FindingState.PRESENT
        && labels.containsValue(FindingState.PRESENT);
  }
}
