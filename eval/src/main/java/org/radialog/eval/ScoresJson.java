package org.radialog.eval;

import java.util.List;
import java.util.Map;
import org.radialog.base.ResearchUse;
import org.radialog.metrics.BinaryPredictions;
import org.radialog.metrics.FindingsScores;
import org.radialog.metrics.FindingsScores.LabelScore;
import org.radialog.metrics.Interval;
import org.radialog.metrics.MultiLabel;
import org.radialog.metrics.PairedTest;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes {@code scores.json}; its fields are described in {@code docs/evaluation.md}. */
final class ScoresJson {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private ScoresJson() {}

  static ObjectNode of(Evaluation evaluation) {
    ObjectNode root = MAPPER.createObjectNode();
    root.put("title", evaluation.title());
    root.set("marks", MAPPER.valueToTree(evaluation.marks()));
    ObjectNode settings = root.objectNode();
    evaluation.settings().forEach((name, value) -> settings.set(name, MAPPER.valueToTree(value)));
    if (evaluation.systems().size() == 1) {
      SystemScores system = evaluation.systems().getFirst();
      put(root, system);
      if (!system.leftOut().isEmpty()) {
        settings.set("left_out", MAPPER.valueToTree(system.leftOut()));
      }
    } else {
      ArrayNode systems = root.putArray("systems");
      for (SystemScores system : evaluation.systems()) {
        ObjectNode node = systems.addObject();
        put(node, system);
        node.set("left_out", MAPPER.valueToTree(system.leftOut()));
      }
    }
    if (!evaluation.comparisons().isEmpty()) {
      ArrayNode comparisons = root.putArray("comparisons");
      evaluation.comparisons().forEach(comparison -> put(comparisons.addObject(), comparison));
    }
    root.set("settings", settings);
    root.put("notice", ResearchUse.NOTICE);
    return root;
  }

  private static void put(ObjectNode node, SystemScores system) {
    node.put("name", system.name());
    ArrayNode marks = node.withArray("marks");
    system.marks().stream()
        .filter(
            mark -> marks.values().stream().noneMatch(known -> known.stringValue().equals(mark)))
        .forEach(marks::add);
    node.put("items", system.items());
    ObjectNode scores = node.putObject("scores");
    ObjectNode intervals = node.putObject("intervals");
    put(scores, intervals, system.metrics());
    if (!system.clinical().isEmpty()) {
      ObjectNode clinical = scores.putObject("clinical");
      ObjectNode clinicalIntervals = intervals.putObject("clinical");
      system
          .clinical()
          .forEach((what, labels) ->
              put(
                  clinical.putObject(what),
                  clinicalIntervals.putObject(what),
                  system.items(),
                  labels));
    }
    system
        .findings()
        .ifPresent(findings ->
            put(scores.putObject("findings"), intervals.putObject("findings"), findings));
    if (!system.subgroups().isEmpty()) {
      ArrayNode subgroups = node.putArray("subgroups");
      for (SystemScores.Subgroup part : system.subgroups()) {
        ObjectNode group = subgroups.addObject();
        group.put("attribute", part.attribute());
        group.put("value", part.value());
        group.put("items", part.items());
        put(group.putObject("scores"), group.putObject("intervals"), part.metrics());
      }
    }
  }

  private static void put(ObjectNode scores, ObjectNode intervals, Map<String, Interval> metrics) {
    metrics.forEach((name, interval) -> put(scores, intervals, name, interval));
  }

  private static void put(ObjectNode scores, ObjectNode intervals, String name, Interval interval) {
    number(scores, name, interval.value());
    if (interval.bounded()) {
      intervals.putArray(name).add(interval.low()).add(interval.high());
    }
  }

  // JSON cannot represent an undefined score as a number.
  private static void number(ObjectNode node, String name, double value) {
    if (Double.isFinite(value)) {
      node.put(name, value);
    } else {
      node.putNull(name);
    }
  }

  private static void put(
      ObjectNode scores, ObjectNode intervals, int items, MultiLabel.Scores labels) {
    put(scores, intervals, labels.averages());
    ObjectNode perLabel = scores.putObject("per_label");
    ObjectNode perLabelIntervals = intervals.putObject("per_label");
    for (MultiLabel.Row row : labels.labels()) {
      ObjectNode label = perLabel.putObject(row.finding().label());
      ObjectNode ends = perLabelIntervals.putObject(row.finding().label());
      put(label, ends, "precision", row.precision());
      put(label, ends, "recall", row.recall());
      put(label, ends, "f1", row.f1());
      if (row.known() < items) {
        label.put("known", row.known());
      }
      label.put("support", row.support());
      label.put("said", row.said());
    }
  }

  private static void put(ObjectNode scores, ObjectNode intervals, FindingsScores findings) {
    put(scores, intervals, "mean_auroc_of_ten", findings.meanOfMapped());
    ObjectNode byFold = scores.putObject("mean_auroc_by_fold");
    findings.meanByFold().forEach((fold, mean) -> number(byFold, Integer.toString(fold), mean));
    scores.put("films", findings.films());
    scores.put("patients", findings.patients());
    if (!findings.unknown().isEmpty()) {
      ArrayNode unknown = scores.putArray("not_known");
      findings.unknown().forEach(finding -> unknown.add(finding.label()));
    }
    ObjectNode perLabel = scores.putObject("per_label");
    ObjectNode perLabelIntervals = intervals.putObject("per_label");
    for (LabelScore score : findings.labels()) {
      ObjectNode label = perLabel.putObject(score.finding().label());
      ObjectNode ends = perLabelIntervals.putObject(score.finding().label());
      label.put("films", score.films());
      label.put("positives", score.positives());
      put(label, ends, "auroc", score.auroc());
      put(label, ends, "average_precision", score.averagePrecision());
      put(label, ends, "brier", score.brier());
      put(label, ends, "ece", score.calibrationError());
      put(label, ends, "at_best_f1", score.bestF1());
      put(label, ends, "at_youden", score.youden());
      ArrayNode roc = label.putArray("roc");
      score
          .roc()
          .forEach(
              point -> roc.addArray().add(point.falsePositiveRate()).add(point.truePositiveRate()));
      ArrayNode reliability = label.putArray("reliability");
      for (BinaryPredictions.Bin bin : score.reliability()) {
        reliability
            .addObject()
            .put("low", bin.low())
            .put("high", bin.high())
            .put("films", bin.items())
            .put("mean_probability", bin.meanProbability())
            .put("positives", bin.positives());
      }
    }
  }

  private static void put(
      ObjectNode scores, ObjectNode intervals, String name, FindingsScores.Decided decided) {
    ObjectNode of = scores.putObject(name);
    ObjectNode ends = intervals.putObject(name);
    put(of, ends, "precision", decided.precision());
    put(of, ends, "sensitivity", decided.sensitivity());
    put(of, ends, "specificity", decided.specificity());
    put(of, ends, "f1", decided.f1());
  }

  private static void put(ObjectNode node, Evaluation.Comparison comparison) {
    node.put("first", comparison.first());
    node.put("second", comparison.second());
    ObjectNode differences = node.putObject("differences");
    for (PairedTest.Difference difference : comparison.differences()) {
      ObjectNode of = differences.putObject(difference.metric());
      number(of, "first", difference.first());
      number(of, "second", difference.second());
      number(of, "difference", difference.difference().value());
      if (difference.difference().bounded()) {
        of.putArray("interval")
            .add(difference.difference().low())
            .add(difference.difference().high());
      }
      number(of, "p", difference.p());
    }
  }

  /** A setting in readable form. */
  static String shown(Object value) {
    return switch (value) {
      case String text -> text;
      case Number number -> number.toString();
      case List<?> list when list.stream().allMatch(v -> v instanceof String) ->
          String.join(", ", list.stream().map(String.class::cast).toList());
      default -> MAPPER.valueToTree(value).toString(); // booleans, lists, maps
    };
  }

  static String pretty(Map<String, Object> settings) {
    return MAPPER.valueToTree(settings).toPrettyString();
  }
}
