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
 * @param name what wrote the texts or gave the probabilities
 * @param marks what a reader must know of it: {@code oracle} for one that was told the truth
 * @param items how many reports, answers or films were scored
 * @param metrics scores by name: {@code BLEU-1}, {@code view_accuracy}
 * @param clinical labels against labels: under a mapping of uncertain, or of a finding protocol
 * @param findings probabilities against labels
 * @param subgroups the same scores of parts of the data
 * @param leftOut metrics that could not run, with the reason
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
   * Scores of a part of the data.
   *
   * @param attribute {@code sex}, {@code age} or {@code view}
   * @param value {@code F}, {@code 40–59} or {@code PA}
   * @param items how many items are of it
   * @param metrics its scores with their intervals
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

  /** A system without any scores yet. */
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

  /** The same with a mark more. */
  public SystemScores marked(String mark) {
    List<String> more = new ArrayList<>(marks);
    more.add(mark);
    return new SystemScores(name, more, items, metrics, clinical, findings, subgroups, leftOut);
  }

  /** The same with more scores. */
  public SystemScores with(SequencedMap<String, Interval> scores) {
    SequencedMap<String, Interval> more = new LinkedHashMap<>(metrics);
    more.putAll(scores);
    return new SystemScores(name, marks, items, more, clinical, findings, subgroups, leftOut);
  }

  /** The same with clinical efficacy under both mappings. */
  public SystemScores withClinical(SequencedMap<UncertainMapping, MultiLabel.Scores> byMapping) {
    SystemScores with = this;
    for (var entry : byMapping.entrySet()) {
      with = with.withLabels(entry.getKey().label(), entry.getValue());
    }
    return with;
  }

  /** The same with labels scored by another name: {@code binary answers}. */
  public SystemScores withLabels(String what, MultiLabel.Scores scores) {
    SequencedMap<String, MultiLabel.Scores> more = new LinkedHashMap<>(clinical);
    more.put(what, scores);
    return new SystemScores(name, marks, items, metrics, more, findings, subgroups, leftOut);
  }

  /** The same with probabilities scored. */
  public SystemScores withFindings(FindingsScores scores) {
    return new SystemScores(
        name, marks, items, metrics, clinical, Optional.of(scores), subgroups, leftOut);
  }

  /** The same with subgroups. */
  public SystemScores withSubgroups(List<Subgroup> parts) {
    return new SystemScores(name, marks, items, metrics, clinical, findings, parts, leftOut);
  }

  /** The same without a metric, because of {@code reason}. */
  public SystemScores without(String metric, String reason) {
    SequencedMap<String, String> more = new LinkedHashMap<>(leftOut);
    more.put(metric, reason);
    return new SystemScores(name, marks, items, metrics, clinical, findings, subgroups, more);
  }

  private static <V> SequencedMap<String, V> copy(SequencedMap<String, V> map) {
    return Collections.unmodifiableSequencedMap(new LinkedHashMap<>(map));
  }
}
