package org.radialog.eval;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import org.radialog.clinical.Labels;
import org.radialog.metrics.ClinicalMetric;
import org.radialog.metrics.Groups;
import org.radialog.metrics.Interval;
import org.radialog.metrics.PairedTest;
import org.radialog.metrics.ReferenceLabels;
import org.radialog.metrics.Resampled;
import org.radialog.metrics.TextMetric;
import org.radialog.metrics.TextPair;
import org.radialog.metrics.TokenizedPairs;

/**
 * The scores of reports against references: all text metrics and clinical metrics, each with a
 * confidence interval. Per-pair scores are kept for paired comparisons of two systems.
 */
public final class ReportScores {
  /** Prefix of a mark that warns of empty reports. */
  public static final String EMPTY = "empty reports";

  private final String name;
  private final List<String> marks;
  private final List<Resampled> words;
  private final List<ClinicalMetric.Scored> clinical;
  private final SequencedMap<String, String> leftOut;
  private final Groups groups;
  private final Scoring scoring;

  private ReportScores(
      String name,
      List<String> marks,
      List<Resampled> words,
      List<ClinicalMetric.Scored> clinical,
      SequencedMap<String, String> leftOut,
      Groups groups,
      Scoring scoring) {
    this.name = name;
    this.marks = List.copyOf(marks);
    this.words = List.copyOf(words);
    this.clinical = List.copyOf(clinical);
    this.leftOut = leftOut;
    this.groups = groups;
    this.scoring = scoring;
  }

  /**
   * Scores a system.
   *
   * @param name name of the system
   * @param pairs reports of the system with human references
   * @param references labels of each pair, in the same order
   * @param groups groups of pairs that are resampled together
   */
  static ReportScores of(
      String name,
      List<TextPair> pairs,
      List<ReferenceLabels> references,
      Groups groups,
      Scoring scoring) {
    List<Resampled> words = new ArrayList<>();
    List<String> hypotheses = pairs.stream().map(TextPair::hypothesis).toList();
    List<String> marks = empty(hypotheses);
    SequencedMap<String, String> leftOut = new LinkedHashMap<>();
    TokenizedPairs tokenized = TokenizedPairs.of(pairs, scoring.tokenizer());
    for (TextMetric metric : scoring.textMetrics()) {
      Optional<String> missing = metric.missing();
      if (missing.isPresent()) {
        leftOut.put(metric.name(), missing.get());
        continue;
      }
      TextMetric.Scored scored = metric.over(tokenized, scoring.progress());
      words.addAll(scored.scores());
      marks.addAll(scored.marks());
    }
    return new ReportScores(
        name,
        marks,
        words,
        clinical(references, hypotheses, leftOut, scoring),
        leftOut,
        groups,
        scoring);
  }

  /** The clinical metrics only, for data with labels but without reference reports. */
  static ReportScores clinical(
      String name,
      List<String> hypotheses,
      List<ReferenceLabels> references,
      Groups groups,
      Scoring scoring) {
    SequencedMap<String, String> leftOut = new LinkedHashMap<>();
    return new ReportScores(
        name,
        empty(hypotheses),
        List.of(),
        clinical(references, hypotheses, leftOut, scoring),
        leftOut,
        groups,
        scoring);
  }

  private static List<String> empty(List<String> reports) {
    long empty =
        reports.stream().filter(r -> r.chars().noneMatch(Character::isLetterOrDigit)).count();
    List<String> marks = new ArrayList<>();
    if (empty > 0) {
      marks.add(
          EMPTY
              + ": %d of %d have no word; they score nothing and say no finding"
                  .formatted(empty, reports.size()));
    }
    return marks;
  }

  private static List<ClinicalMetric.Scored> clinical(
      List<ReferenceLabels> references,
      List<String> hypotheses,
      SequencedMap<String, String> leftOut,
      Scoring scoring) {
    List<Labels> said = scoring.labeler().apply(hypotheses);
    List<ClinicalMetric.Scored> scored = new ArrayList<>();
    for (ClinicalMetric metric : scoring.clinicalMetrics()) {
      Optional<String> missing = metric.missing();
      if (missing.isPresent()) {
        leftOut.put(metric.name(), missing.get());
      } else {
        scored.add(metric.over(references, said));
      }
    }
    return scored;
  }

  /** The scores with their confidence intervals. */
  SystemScores scores() {
    SequencedMap<String, Interval> metrics = new LinkedHashMap<>();
    words.forEach(metric -> metrics.putAll(scoring.bootstrap().intervals(metric, groups)));
    SystemScores scores = SystemScores.of(name, groups.items());
    for (ClinicalMetric.Scored metric : clinical) {
      SequencedMap<String, Interval> intervals =
          scoring.bootstrap().intervals(metric.scores(), groups);
      var tables = metric.tables(intervals);
      if (tables.isEmpty()) {
        metrics.putAll(intervals);
      }
      for (var table : tables.entrySet()) {
        scores = scores.withLabels(table.getKey(), table.getValue());
      }
    }
    scores = scores.with(metrics);
    for (String mark : marks) {
      scores = scores.marked(mark);
    }
    for (var one : leftOut.entrySet()) {
      scores = scores.without(one.getKey(), one.getValue());
    }
    return scores;
  }

  /** The clinical metrics of a subgroup. */
  SystemScores.Subgroup of(Stratum stratum) {
    SequencedMap<String, Interval> metrics = new LinkedHashMap<>();
    for (ClinicalMetric.Scored metric : clinical) {
      metrics.putAll(stratum.scored(metric.inSubgroups(), scoring.bootstrap(), groups).metrics());
    }
    return new SystemScores.Subgroup(
        stratum.attribute(), stratum.value(), stratum.items().size(), metrics);
  }

  /** Compares with another system on the same pairs: differences, intervals and p-values. */
  Evaluation.Comparison against(ReportScores other) {
    List<PairedTest.Difference> differences = new ArrayList<>();
    for (int i = 0; i < words.size(); i++) {
      differences.addAll(scoring.test().of(words.get(i), other.words.get(i), groups));
    }
    for (int i = 0; i < clinical.size(); i++) {
      differences.addAll(
          scoring.test().of(clinical.get(i).scores(), other.clinical.get(i).scores(), groups));
    }
    return new Evaluation.Comparison(name, other.name, differences);
  }
}
