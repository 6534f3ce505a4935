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
 * The scoring of reports and answers.
 *
 * @param tokenizer tokeniser of the text metrics
 * @param textMetrics in the order of tables, for example {@link TextMetric#standard}
 * @param clinicalMetrics in the order of tables, for example {@link ClinicalMetric#standard}
 * @param labeler labels a list of reports, in order
 * @param test paired test of two systems, with the bootstrap for all confidence intervals
 * @param described settings that the scores depend on, for the result
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
