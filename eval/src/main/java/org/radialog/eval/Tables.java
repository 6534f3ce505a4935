package org.radialog.eval;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.Stream;
import org.radialog.clinical.Finding;
import org.radialog.metrics.FindingsScores;
import org.radialog.metrics.Interval;
import org.radialog.metrics.MultiLabel;
import org.radialog.metrics.PairedTest;

/** The tables of an evaluation, shared by the HTML page and the Markdown file. */
final class Tables {
  /** The label averages that papers usually report; the others are only in the JSON. */
  private static final List<String> PRINTED =
      List.of(
          "macro_f1_14",
          "micro_f1_14",
          "samples_f1_14",
          "macro_f1_5",
          "micro_f1_5",
          "macro_precision_14",
          "macro_recall_14");

  private Tables() {}

  /** The short form of a mark: the part before its colon. */
  static String badge(String mark) {
    int colon = mark.indexOf(':');
    return colon < 0 ? mark : mark.substring(0, colon);
  }

  /** A row of scores, one per system; empty for a system without this score. */
  record Line(String name, List<Optional<Interval>> scores) {}

  /** Lines under a heading. */
  record Part(String heading, List<Line> lines) {}

  /** The names of the label scores: mappings of uncertain labels, or question protocols. */
  static Set<String> clinical(Evaluation evaluation) {
    Set<String> all = new LinkedHashSet<>();
    evaluation.systems().forEach(system -> all.addAll(system.clinical().sequencedKeySet()));
    return all;
  }

  /** All scores that papers usually report, one column per system. */
  static List<Part> scores(Evaluation evaluation) {
    List<Part> parts = new ArrayList<>();
    Set<String> metrics = new LinkedHashSet<>();
    evaluation
        .systems()
        .forEach(system -> {
          metrics.addAll(system.metrics().sequencedKeySet());
          metrics.addAll(system.leftOut().sequencedKeySet());
        });
    if (!metrics.isEmpty()) {
      parts.add(
          new Part(
              "",
              metrics.stream()
                  .map(m -> line(evaluation, m, s -> Optional.ofNullable(s.metrics().get(m))))
                  .toList()));
    }
    for (String what : clinical(evaluation)) {
      parts.add(
          new Part(
              "Labels, " + what,
              PRINTED.stream()
                  .map(name ->
                      line(
                          evaluation,
                          printed(name),
                          s ->
                              Optional.ofNullable(s.clinical().get(what))
                                  .map(scores -> scores.averages().get(name))))
                  .toList()));
    }
    if (evaluation.systems().stream().anyMatch(s -> s.findings().isPresent())) {
      parts.add(
          new Part(
              "Findings",
              List.of(
                  line(
                      evaluation,
                      "mean AUROC of ten pathologies",
                      s -> s.findings().map(FindingsScores::meanOfMapped)))));
    }
    return parts;
  }

  private interface Score {
    Optional<Interval> of(SystemScores system);
  }

  private static Line line(Evaluation evaluation, String name, Score score) {
    return new Line(name, evaluation.systems().stream().map(score::of).toList());
  }

  /** {@code macro F1, 14 labels} for {@code macro_f1_14}. */
  static String printed(String name) {
    String words = name.replace('_', ' ').replace(" f1", " F1");
    int last = words.lastIndexOf(' ');
    String count = words.substring(last + 1);
    return count.equals("14") || count.equals("5")
        ? words.substring(0, last) + ", " + count + " labels"
        : words;
  }

  /** Differences under a heading. */
  record DifferencePart(String heading, List<DifferenceLine> lines) {}

  /** A difference with its display name. */
  record DifferenceLine(String name, PairedTest.Difference difference) {}

  /** The differences of metrics and reported averages, without those of single labels. */
  static List<DifferencePart> differences(Evaluation.Comparison comparison) {
    SequencedMap<String, PairedTest.Difference> byName = new LinkedHashMap<>();
    comparison.differences().forEach(d -> byName.put(d.metric(), d));
    List<DifferencePart> parts = new ArrayList<>();
    List<DifferenceLine> plain =
        byName.entrySet().stream()
            .filter(e -> e.getKey().indexOf('/') < 0)
            .map(e -> new DifferenceLine(printed(e.getKey()), e.getValue()))
            .toList();
    if (!plain.isEmpty()) {
      parts.add(new DifferencePart("", plain));
    }
    Set<String> mappings = new LinkedHashSet<>();
    byName.keySet().stream()
        .filter(name -> name.endsWith("/" + PRINTED.getFirst()))
        .forEach(name -> mappings.add(name.substring(0, name.lastIndexOf('/'))));
    for (String mapping : mappings) {
      parts.add(
          new DifferencePart(
              "Labels, " + mapping,
              PRINTED.stream()
                  .flatMap(name ->
                      Stream.ofNullable(byName.get(mapping + "/" + name))
                          .map(d -> new DifferenceLine(printed(name), d)))
                  .toList()));
    }
    return parts;
  }

  /** The text for a label that is unknown in the data. */
  static final String UNKNOWN = "not known";

  /** A label under a mapping: its frequency, and one row per system. */
  record LabelLine(Finding finding, String support, List<Optional<MultiLabel.Row>> systems) {}

  static List<LabelLine> labels(Evaluation evaluation, String what) {
    List<LabelLine> lines = new ArrayList<>();
    for (Finding finding : Finding.ALL) {
      List<Optional<MultiLabel.Row>> rows =
          evaluation.systems().stream()
              .map(s ->
                  Optional.ofNullable(s.clinical().get(what))
                      .map(scores -> scores.labels().get(finding.column())))
              .toList();
      lines.add(new LabelLine(finding, support(evaluation, rows), rows));
    }
    return lines;
  }

  /** The number of positives of a label, with the number of known rows if some are unknown. */
  static String support(Evaluation evaluation, List<Optional<MultiLabel.Row>> rows) {
    int support = 0;
    int known = 0;
    int items = 0;
    for (int s = 0; s < rows.size(); s++) {
      if (rows.get(s).isPresent()) {
        MultiLabel.Row row = rows.get(s).get();
        support = Math.max(support, row.support());
        known = Math.max(known, row.known());
        items = Math.max(items, evaluation.systems().get(s).items());
      }
    }
    if (known == 0 && items > 0) {
      return UNKNOWN;
    }
    return known < items ? support + " of " + known + " known" : Integer.toString(support);
  }

  /**
   * The names of the subgroup scores of a system that papers usually report, in order; the others
   * are only in the JSON.
   */
  static List<String> subgroupMetrics(SystemScores system) {
    Set<String> names = new LinkedHashSet<>();
    system
        .subgroups()
        .forEach(part ->
            part.metrics().sequencedKeySet().stream()
                .filter(name ->
                    name.indexOf('/') < 0
                        && (!MultiLabel.isAverage(name) || PRINTED.contains(name)))
                .forEach(names::add));
    return List.copyOf(names);
  }

  /**
   * Metrics that a system lacks, with the reason; a reason common to all systems is listed once.
   */
  static SequencedMap<String, String> leftOut(Evaluation evaluation) {
    SequencedMap<String, String> all = new LinkedHashMap<>();
    for (SystemScores system : evaluation.systems()) {
      system
          .leftOut()
          .forEach((metric, reason) -> {
            String known = all.putIfAbsent(metric, reason);
            if (known != null && !known.equals(reason)) {
              all.put(metric + " (" + system.name() + ")", reason);
            }
          });
    }
    return all;
  }
}
