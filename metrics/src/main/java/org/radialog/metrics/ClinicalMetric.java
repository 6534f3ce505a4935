package org.radialog.metrics;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import org.radialog.clinical.Labels;

/**
 * A score of what generated reports say about findings. A metric is one file and one line in {@link
 * #standard}.
 */
public interface ClinicalMetric {
  /** What results call it where it is left out. */
  String name();

  /** Why it cannot run and what to do about it; empty where it can. */
  default Optional<String> missing() {
    return Optional.empty();
  }

  /**
   * Scores reports.
   *
   * @param references what is known of each, in the order of the reports
   * @param hypotheses what each generated report says
   */
  Scored over(List<ReferenceLabels> references, List<Labels> hypotheses);

  /** What a metric says of reports. */
  interface Scored {
    /** All scores. */
    Resampled scores();

    /** Those of them that subgroups of patients are scored by. */
    default Resampled inSubgroups() {
      return scores();
    }

    /**
     * The scores that form tables with a row for each label, by the name of the table; the others
     * stand among the metrics of words.
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
