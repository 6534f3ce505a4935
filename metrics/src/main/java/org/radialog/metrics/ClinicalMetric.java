package org.radialog.metrics;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import org.radialog.clinical.Labels;

/**
 * A score of the findings in generated reports. A new metric takes one file and one line in {@link
 * #standard}.
 */
public interface ClinicalMetric {
  /** Its name in results if it is left out. */
  String name();

  /** The reason why it cannot run and what to do about it; empty if it can. */
  default Optional<String> missing() {
    return Optional.empty();
  }

  /**
   * Scores reports.
   *
   * @param references the known labels, in the order of the reports
   * @param hypotheses the labels of the generated reports
   */
  Scored over(List<ReferenceLabels> references, List<Labels> hypotheses);

  /** The scores of a set of reports. */
  interface Scored {
    /** All scores. */
    Resampled scores();

    /** The scores that are also computed for subgroups of patients. */
    default Resampled inSubgroups() {
      return scores();
    }

    /**
     * The scores that form tables with one row per label, by the name of the table; the other
     * scores are listed with the text metrics.
     *
     * @param intervals of {@link #scores}
     */
    default SequencedMap<String, MultiLabel.Scores> tables(
        SequencedMap<String, Interval> intervals) {
      return Collections.unmodifiableSequencedMap(new LinkedHashMap<>());
    }
  }

  /** All clinical metrics, in the order of tables. */
  static List<ClinicalMetric> standard() {
    return List.of(ClinicalEfficacy.metric());
  }
}
