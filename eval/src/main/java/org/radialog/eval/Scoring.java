package org.radialog.eval;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.Function;
import org.radialog.base.Progress;
import org.radialog.clinical.Labels;
import org.radialog.metrics.Bootstrap;
import org.radialog.metrics.ClinicalMetric;
import org.radialog.metrics.PairedTest;
import org.radialog.metrics.TextMetric;
import org.radialog.metrics.WordTokenizer;

/**
 * How reports and answers are scored.
 *
 * @param tokenizer of the metrics of words
 * @param textMetrics in the order of tables, for example {@link TextMetric#standard}
 * @param clinicalMetrics likewise, for example {@link ClinicalMetric#standard}
 * @param labeler reads labels out of reports, in their order
 * @param test of two systems, with the bootstrap that all intervals come from
 * @param described what the scores depend on, for the settings of a result
 * @param progress receives the progress
 */
public record Scoring(
    WordTokenizer tokenizer,
    List<TextMetric> textMetrics,
    List<ClinicalMetric> clinicalMetrics,
    Function<List<String>, List<Labels>> labeler,
    PairedTest test,
    SequencedMap<String, Object> described,
    Progress progress) {
  /** Copies the collections. */
  public Scoring {
    textMetrics = List.copyOf(textMetrics);
    clinicalMetrics = List.copyOf(clinicalMetrics);
    described = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(described));
  }

  Bootstrap bootstrap() {
    return test.bootstrap();
  }
}
