package org.radialog.eval;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.radialog.base.PageTemplate;
import org.radialog.base.ResearchUse;
import org.radialog.charts.Drawing;
import org.radialog.clinical.Finding;
import org.radialog.metrics.FindingsScores;
import org.radialog.metrics.FindingsScores.LabelScore;
import org.radialog.metrics.Interval;
import org.radialog.metrics.MultiLabel;
import org.radialog.metrics.Numbers;
import org.radialog.metrics.PairedTest;

/** Writes {@code report.html}, a self-contained page in which external names are escaped. */
final class ResultPage {
  private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{40,}");
  private static final List<String> FINDING_PLOTS = List.of("auroc", "roc", "reliability");

  private ResultPage() {}

  static String html(Evaluation evaluation) {
    SequencedMap<String, Drawing> plots = Plots.of(evaluation);
    List<Map<String, Object>> marks = marks(evaluation);
    List<Map<String, Object>> parts = parts(evaluation);
    List<Map<String, Object>> findings = findings(evaluation);
    Map<String, Object> page = new LinkedHashMap<>();
    page.put("title", evaluation.title());
    page.put("notice", ResearchUse.NOTICE);
    page.put("plotStyle", Drawing.darkStyle());
    page.put(
        "resamples",
        Stream.ofNullable(evaluation.settings().get("intervals")).map(ScoresJson::shown).toList());
    page.put("marks", marks);
    page.put("anyMarks", !marks.isEmpty());
    page.put("systems", systems(evaluation));
    page.put("columns", evaluation.systems().size() + 1);
    page.put("stacked", evaluation.systems().size() > 3);
    page.put("parts", parts);
    page.put("hasScores", !parts.isEmpty());
    page.put(
        "leftOut",
        Tables.leftOut(evaluation).entrySet().stream()
            .map(e -> Map.of("metric", e.getKey(), "reason", e.getValue()))
            .toList());
    page.put("comparisons", comparisons(evaluation, plots));
    page.put("clinical", clinical(evaluation, plots));
    page.put("hasFindings", !findings.isEmpty());
    page.put("findings", findings);
    page.put(
        "findingPlots",
        FINDING_PLOTS.stream()
            .flatMap(name -> Stream.ofNullable(plots.get(name)))
            .map(Drawing::inline)
            .toList());
    page.put("subgroups", subgroups(evaluation));
    page.put("settings", settings(evaluation.settings()));
    return PageTemplate.filled(ResultPage.class, "evaluation.html", page);
  }

  private static List<Map<String, Object>> marks(Evaluation evaluation) {
    List<Map<String, Object>> marks = new ArrayList<>();
    evaluation.marks().forEach(mark -> marks.add(mark("", mark)));
    evaluation
        .systems()
        .forEach(system -> system.marks().forEach(mark -> marks.add(mark(system.name(), mark))));
    return marks;
  }

  private static Map<String, Object> mark(String who, String mark) {
    return Map.of(
        "who",
        who,
        "badge",
        Tables.badge(mark),
        "why",
        mark.substring(Tables.badge(mark).length()).replaceFirst("^:\\s*", ""));
  }

  private static List<Map<String, Object>> systems(Evaluation evaluation) {
    List<Map<String, Object>> systems = new ArrayList<>();
    for (SystemScores system : evaluation.systems()) {
      systems.add(
          Map.of(
              "name",
              system.name(),
              "items",
              String.format(Locale.ROOT, "%,d", system.items()),
              "badges",
              system.marks().stream().map(Tables::badge).toList()));
    }
    return systems;
  }

  private static List<Map<String, Object>> parts(Evaluation evaluation) {
    List<Map<String, Object>> parts = new ArrayList<>();
    for (Tables.Part part : Tables.scores(evaluation)) {
      List<Map<String, Object>> lines = new ArrayList<>();
      for (Tables.Line line : part.lines()) {
        lines.add(
            Map.of(
                "name",
                line.name(),
                "cells",
                line.scores().stream().map(ResultPage::cell).toList()));
      }
      parts.add(Map.of("heading", part.heading(), "lines", lines));
    }
    return parts;
  }

  private static Map<String, Object> cell(Optional<Interval> score) {
    return Map.of(
        "value",
        score.map(s -> Numbers.three(s.value())).orElse("–"),
        "range",
        score.map(Numbers::range).orElse(""));
  }

  private static List<Map<String, Object>> comparisons(
      Evaluation evaluation, SequencedMap<String, Drawing> plots) {
    List<Map<String, Object>> comparisons = new ArrayList<>();
    for (int i = 0; i < evaluation.comparisons().size(); i++) {
      Evaluation.Comparison comparison = evaluation.comparisons().get(i);
      List<Map<String, Object>> parts = new ArrayList<>();
      for (Tables.DifferencePart part : Tables.differences(comparison)) {
        parts.add(
            Map.of(
                "heading",
                part.heading(),
                "rows",
                part.lines().stream().map(ResultPage::difference).toList()));
      }
      comparisons.add(
          Map.of(
              "first", comparison.first(),
              "second", comparison.second(),
              "plot",
                  Stream.ofNullable(plots.get("change-" + (i + 1))).map(Drawing::inline).toList(),
              "hasParts", !parts.isEmpty(),
              "differences", parts));
    }
    return comparisons;
  }

  private static Map<String, Object> difference(Tables.DifferenceLine line) {
    PairedTest.Difference d = line.difference();
    return Map.of(
        "name", line.name(),
        "a", Numbers.three(d.first()),
        "b", Numbers.three(d.second()),
        "difference", Numbers.signed(d.difference().value()),
        "range", Numbers.signedRange(d.difference()),
        "p", Numbers.p(d.p()));
  }

  private static List<Map<String, Object>> clinical(
      Evaluation evaluation, SequencedMap<String, Drawing> plots) {
    List<Map<String, Object>> sections = new ArrayList<>();
    for (String what : Tables.clinical(evaluation)) {
      List<Map<String, Object>> labels = new ArrayList<>();
      for (Tables.LabelLine line : Tables.labels(evaluation, what)) {
        labels.add(
            Map.of(
                "name", line.finding().label(),
                "five", MultiLabel.FIVE.contains(line.finding()),
                "support", line.support(),
                "cells", line.systems().stream().map(ResultPage::labelCell).toList()));
      }
      Drawing plot = plots.get(Plots.name(what));
      sections.add(
          Map.of(
              "what",
              what,
              "plot",
              plot == null ? "" : plot.inline(),
              "open",
              evaluation.systems().size() <= 2 && sections.isEmpty(),
              "labels",
              labels));
    }
    return sections;
  }

  private static Map<String, Object> labelCell(Optional<MultiLabel.Row> row) {
    return Map.of(
        "said", row.map(r -> Integer.toString(r.said())).orElse("–"),
        "precision", row.map(r -> Numbers.three(r.precision().value())).orElse("–"),
        "recall", row.map(r -> Numbers.three(r.recall().value())).orElse("–"),
        "f1", row.map(r -> Numbers.three(r.f1().value())).orElse("–"));
  }

  private static List<Map<String, Object>> findings(Evaluation evaluation) {
    List<Map<String, Object>> tables = new ArrayList<>();
    for (SystemScores system : evaluation.systems()) {
      if (system.findings().isEmpty()) {
        continue;
      }
      FindingsScores scores = system.findings().get();
      tables.add(
          Map.of(
              "system", system.name(),
              "films", scores.films(),
              "patients", scores.patients(),
              "labels",
                  Stream.concat(
                          scores.labels().stream().map(ResultPage::findingCells),
                          scores.unknown().stream().map(ResultPage::unknownCells))
                      .toList()));
    }
    return tables;
  }

  private static Map<String, Object> unknownCells(Finding finding) {
    return Map.of(
        "name", finding.label(),
        "positives", Tables.UNKNOWN,
        "auroc", "–",
        "precision", "–",
        "brier", "–",
        "f1", "–",
        "ece", "–");
  }

  private static Map<String, Object> findingCells(LabelScore label) {
    return Map.of(
        "name", label.finding().label() + (label.few() ? " *" : ""),
        "positives", label.positives() + " of " + label.films(),
        "auroc", Numbers.two(label.auroc()),
        "precision", Numbers.two(label.averagePrecision()),
        "brier", Numbers.two(label.brier()),
        "f1", Numbers.two(label.bestF1().f1()),
        "ece", Numbers.two(label.calibrationError()));
  }

  private static List<Map<String, Object>> subgroups(Evaluation evaluation) {
    List<Map<String, Object>> tables = new ArrayList<>();
    for (SystemScores system : evaluation.systems()) {
      if (system.subgroups().isEmpty()) {
        continue;
      }
      List<String> metrics = Tables.subgroupMetrics(system);
      List<Map<String, Object>> rows = new ArrayList<>();
      for (SystemScores.Subgroup part : system.subgroups()) {
        rows.add(
            Map.of(
                "name", part.attribute() + " " + part.value(),
                "items", part.items(),
                "cells",
                    metrics.stream()
                        .map(m -> cell(Optional.ofNullable(part.metrics().get(m))))
                        .toList()));
      }
      tables.add(
          Map.of(
              "system",
              system.name(),
              "metrics",
              metrics.stream().map(ResultPage::metric).toList(),
              "rows",
              rows));
    }
    return tables;
  }

  private static Map<String, Object> metric(String name) {
    int slash = name.lastIndexOf('/');
    return Map.of(
        "name",
        Tables.printed(name.substring(slash + 1)),
        "what",
        name.substring(0, Math.max(slash, 0)));
  }

  /**
   * One row per setting; each entry of a map has a separate row, prefixed with the name of the map.
   */
  private static List<Map<String, Object>> settings(Map<String, Object> settings) {
    List<Map<String, Object>> rows = new ArrayList<>();
    settings.forEach((name, value) -> {
      if (value instanceof Map<?, ?> map && !map.isEmpty()) {
        map.forEach((inner, of) -> rows.add(setting(name + " · " + inner, ScoresJson.shown(of))));
      } else {
        rows.add(setting(name, ScoresJson.shown(value)));
      }
    });
    return rows;
  }

  private static Map<String, Object> setting(String name, String value) {
    return Map.of("name", name, "value", value, "code", DIGEST.matcher(value).matches());
  }
}
