package org.radialog.eval;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import org.radialog.metrics.FindingsScores;
import org.radialog.metrics.Interval;
import org.radialog.metrics.MultiLabel;
import org.radialog.metrics.UncertainMapping;

/**
 * The scores of one system.
 *
 * @param name name of the system
 * @param marks notes for the reader, for example {@code oracle} for a system that knows the truth
 * @param items number of reports, answers or films that were scored
 * @param metrics scores by name, for example {@code BLEU-1}, {@code view_accuracy}
 * @param clinical label scores, by mapping of uncertain labels or by question protocol
 * @param findings scores of probabilities against labels
 * @param subgroups scores of subgroups of the data
 * @param leftOut metrics that could not be computed, with the reason
 */
public record SystemScores(
    String name,
    List<String> marks,
    int items,
    SequencedMap<String, Interval> metrics,
    SequencedMap<String, MultiLabel.Scores> clinical,
    Optional<FindingsScores> findings,
    List<Subgroup> subgroups,
    SequencedMap<String, String> leftOut) {

  /**
   * Scores of a subgroup of the data.
   *
   * @param attribute {@code sex}, {@code age} or {@code view}
   * @param value for example {@code F}, {@code 40–59} or {@code PA}
   * @param items number of items in the subgroup
   * @param metrics scores with their confidence intervals
   */
  public record Subgroup(
      String attribute, String value, int items, SequencedMap<String, Interval> metrics) {
    public Subgroup {
      metrics = copy(metrics);
    }
  }

  public SystemScores {
    marks = List.copyOf(marks);
    metrics = copy(metrics);
    clinical = copy(clinical);
    subgroups = List.copyOf(subgroups);
    leftOut = copy(leftOut);
  }

  /** A system without scores. */
  public static SystemScores of(String name, int items) {
    return new SystemScores(
        name,
        List.of(),
        items,
        new LinkedHashMap<>(),
        new LinkedHashMap<>(),
        Optional.empty(),
        List.of(),
        new LinkedHashMap<>());
  }

  /** This with an additional mark. */
  public SystemScores marked(String mark) {
    List<String> more = new ArrayList<>(marks);
    more.add(mark);
    return new SystemScores(name, more, items, metrics, clinical, findings, subgroups, leftOut);
  }

  /** This with additional scores. */
  public SystemScores with(SequencedMap<String, Interval> scores) {
    SequencedMap<String, Interval> more = new LinkedHashMap<>(metrics);
    more.putAll(scores);
    return new SystemScores(name, marks, items, more, clinical, findings, subgroups, leftOut);
  }

  /** This with clinical efficacy under both mappings of uncertain labels. */
  public SystemScores withClinical(SequencedMap<UncertainMapping, MultiLabel.Scores> byMapping) {
    SystemScores with = this;
    for (var entry : byMapping.entrySet()) {
      with = with.withLabels(entry.getKey().label(), entry.getValue());
    }
    return with;
  }

  /** This with label scores under another name, for example {@code binary answers}. */
  public SystemScores withLabels(String what, MultiLabel.Scores scores) {
    SequencedMap<String, MultiLabel.Scores> more = new LinkedHashMap<>(clinical);
    more.put(what, scores);
    return new SystemScores(name, marks, items, metrics, more, findings, subgroups, leftOut);
  }

  /** This with scores of probabilities. */
  public SystemScores withFindings(FindingsScores scores) {
    return new SystemScores(
        name, marks, items, metrics, clinical, Optional.of(scores), subgroups, leftOut);
  }

  /** This with subgroups. */
  public SystemScores withSubgroups(List<Subgroup> parts) {
    return new SystemScores(name, marks, items, metrics, clinical, findings, parts, leftOut);
  }

  /** This without a metric, for the given {@code reason}. */
  public SystemScores without(String metric, String reason) {
    SequencedMap<String, String> more = new LinkedHashMap<>(leftOut);
    more.put(metric, reason);
    return new SystemScores(name, marks, items, metrics, clinical, findings, subgroups, more);
  }

  private static <V> SequencedMap<String, V> copy(SequencedMap<String, V> map) {
    return Collections.unmodifiableSequencedMap(new LinkedHashMap<>(map));
  }
}
