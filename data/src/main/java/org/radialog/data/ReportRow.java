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
 * One image with the findings of its report: the row that RaDialog trains and evaluates on. A study
 * of two images is two rows with one text, every view counts.
 *
 * @param study the study of the image
 * @param image the image
 * @param findings the findings on one line, see {@link
 *     org.radialog.clinical.ReportSections#findingsOnOneLine}
 */
public record ReportRow(ReportedStudy study, StudyImage image, String findings) {

  /** The rows of a study: one for each image; none where the report has no findings. */
  public static List<ReportRow> of(ReportedStudy study) {
    return of(study, ImageChoice.EVERY);
  }

  /** The rows of the chosen images of a study; none where the report has no findings. */
  public static List<ReportRow> of(ReportedStudy study, ImageChoice choice) {
    String findings = study.report().findingsOnOneLine();
    return findings.isEmpty()
        ? List.of()
        : choice.of(study).stream().map(image -> new ReportRow(study, image, findings)).toList();
  }

  /**
   * RaDialog's stratified sample of an evaluation ({@code --strat_eval}): all rows with a positive
   * finding, then the first of the others until these are a fourteenth of the whole. A row is among
   * the others where No Finding or no label at all is positive.
   *
   * @param labels what a row's labels are
   */
  public static <T> List<T> stratifiedForEvaluation(
      List<T> rows, Function<? super T, Map<Finding, FindingState>> labels) {
    return stratified(rows, labels, 1, List::copyOf);
  }

  /**
   * RaDialog's stratified sample of a training run: the rows with a positive finding {@code epochs}
   * times (2 in the original), then rows without, drawn at random, until these are a fourteenth of
   * the whole.
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
    // In the original's order of operations, int(n*14/13/14), with its rounding.
    int wanted = (int) (sample.size() * 14 / 13.0 / 14);
    sample.addAll(order.apply(others).subList(0, Math.min(wanted, others.size())));
    return List.copyOf(sample);
  }

  private static boolean hasFinding(Map<Finding, FindingState> labels) {
    return labels.get(Finding.NO_FINDING) != FindingState.PRESENT
        && labels.containsValue(FindingState.PRESENT);
  }
}
