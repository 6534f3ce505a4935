package org.radialog.metrics;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.IntFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.radialog.clinical.Finding;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.Parity;
import tools.jackson.databind.JsonNode;

/** Labels and probabilities against scikit-learn: the section {@code labels} of the metrics. */
class LabelMetricsParityTest {
  private static final double TOLERANCE = 1e-12;
  private static final String ABOVE = "probability > ";

  /** The section's rows. */
  private record Rows(List<double[]> probability, List<boolean[]> truth, double threshold) {
    boolean said(int row, int label) {
      return probability.get(row)[label] > threshold;
    }

    BinaryPredictions label(int label) {
      return predictions(row -> IntStream.of(label), false);
    }

    BinaryPredictions cells() {
      return predictions(row -> IntStream.range(0, Finding.COUNT), false);
    }

    BinaryPredictions answers(int label) {
      return predictions(row -> IntStream.of(label), true);
    }

    private BinaryPredictions predictions(IntFunction<IntStream> labels, boolean hard) {
      List<Double> p = new ArrayList<>();
      List<Boolean> y = new ArrayList<>();
      for (int row = 0; row < truth.size(); row++) {
        for (int label : labels.apply(row).toArray()) {
          p.add(hard ? (said(row, label) ? 1.0 : 0.0) : probability.get(row)[label]);
          y.add(truth.get(row)[label]);
        }
      }
      boolean[] positive = new boolean[y.size()];
      for (int i = 0; i < positive.length; i++) {
        positive[i] = y.get(i);
      }
      return new BinaryPredictions(p.stream().mapToDouble(Double::doubleValue).toArray(), positive);
    }
  }

  @TestFactory
  Stream<DynamicTest> labelsAndProbabilitiesScoreAsScikitLearnScoresThem() {
    return Golden.tests("metrics", LabelMetricsParityTest::tests);
  }

  private static Stream<DynamicTest> tests(GoldenCase golden) {
    JsonNode labels = golden.values().path("labels");
    Map<String, double[]> actual = actual(rows(labels));
    List<DynamicTest> tests = new ArrayList<>();
    for (String section :
        List.of(
            "macro",
            "micro",
            "samples",
            "weighted",
            "per_label",
            "accuracy",
            "roc_auc",
            "average_precision",
            "ece")) {
      labels
          .required(section)
          .properties()
          .forEach(field -> {
            if (!field.getKey().equals("definition")) {
              tests.add(test(golden, section + "." + field.getKey(), actual, field.getValue()));
            }
          });
    }
    tests.add(test(golden, "brier", actual, labels.required("brier")));
    return tests.stream();
  }

  // An undefined score is null in the file and not a number here; -1 stands for both.
  private static DynamicTest test(
      GoldenCase golden, String output, Map<String, double[]> actual, JsonNode expected) {
    String label = golden + "/labels." + output;
    return dynamicTest(
        label,
        () -> {
          double[] of = actual.get(output);
          if (of == null) {
            throw new AssertionError("nothing computes " + label);
          }
          Parity.check(
              label,
              Arrays.stream(of).map(v -> Double.isNaN(v) ? -1 : v).toArray(),
              expected.isArray()
                  ? IntStream.range(0, expected.size())
                      .mapToDouble(i -> expected.get(i).isNull() ? -1 : expected.get(i).asDouble())
                      .toArray()
                  : new double[] {expected.asDouble()},
              TOLERANCE);
        });
  }

  private static Rows rows(JsonNode labels) {
    List<double[]> probability = new ArrayList<>();
    labels.required("probability").forEach(row -> probability.add(GoldenCase.doubles(row)));
    List<boolean[]> truth = new ArrayList<>();
    for (JsonNode row : labels.required("truth")) {
      boolean[] of = new boolean[row.size()];
      for (int k = 0; k < of.length; k++) {
        of[k] = row.get(k).asInt() == 1;
      }
      truth.add(of);
    }
    String rule = labels.required("predicted_is").stringValue();
    if (!rule.startsWith(ABOVE)) {
      throw new AssertionError("the golden case has an unknown rule " + rule);
    }
    return new Rows(probability, truth, Double.parseDouble(rule.substring(ABOVE.length())));
  }

  private static Map<String, double[]> actual(Rows rows) {
    var builder = new MultiLabel.Builder();
    for (int row = 0; row < rows.truth.size(); row++) {
      int truth = 0;
      int said = 0;
      for (Finding finding : Finding.ALL) {
        int label = finding.column();
        truth |= rows.truth.get(row)[label] ? 1 << label : 0;
        said |= rows.said(row, label) ? 1 << label : 0;
      }
      builder.add((1 << Finding.COUNT) - 1, truth, said);
    }
    MultiLabel.Scores scores = builder.build().scores();
    Map<String, double[]> actual = new LinkedHashMap<>();
    for (String average : List.of("macro", "micro", "samples", "weighted")) {
      for (String score : List.of("precision", "recall", "f1")) {
        actual.put(
            average + "." + score, average(scores, average + "_" + score + "_" + Finding.COUNT));
      }
    }
    actual.put("accuracy.mean_label", average(scores, "label_accuracy_14"));
    actual.put("accuracy.exact_rows", average(scores, "exact_rows_14"));
    List<MultiLabel.Row> perLabel = scores.labels();
    actual.put(
        "per_label.precision", perLabel.stream().mapToDouble(r -> r.precision().value()).toArray());
    actual.put(
        "per_label.recall", perLabel.stream().mapToDouble(r -> r.recall().value()).toArray());
    actual.put("per_label.f1", perLabel.stream().mapToDouble(r -> r.f1().value()).toArray());
    actual.put(
        "per_label.support", perLabel.stream().mapToDouble(MultiLabel.Row::support).toArray());

    List<BinaryPredictions> each = Finding.ALL.stream().map(f -> rows.label(f.column())).toList();
    double[] auroc = each.stream().mapToDouble(p -> number(p.auroc())).toArray();
    actual.put("roc_auc.per_label", auroc);
    actual.put("roc_auc.macro_over_defined", new double[] {meanOfDefined(auroc)});
    actual.put("roc_auc.micro", new double[] {number(rows.cells().auroc())});
    actual.put(
        "roc_auc.hard_answers_macro_over_defined",
        new double[] {
          meanOfDefined(
              Finding.ALL.stream()
                  .mapToDouble(f -> number(rows.answers(f.column()).auroc()))
                  .toArray())
        });
    actual.put(
        "average_precision.per_label",
        each.stream().mapToDouble(p -> number(p.averagePrecision())).toArray());
    actual.put("average_precision.micro", new double[] {number(rows.cells().averagePrecision())});
    actual.put("brier", new double[] {rows.cells().brier()});
    actual.put("ece.all_cells", new double[] {rows.cells().calibrationError()});
    actual.put(
        "ece.per_label", each.stream().mapToDouble(BinaryPredictions::calibrationError).toArray());
    return actual;
  }

  private static double[] average(MultiLabel.Scores scores, String name) {
    Interval interval = scores.averages().get(name);
    return new double[] {interval == null ? Double.NaN : interval.value()};
  }

  private static double number(OptionalDouble value) {
    return value.orElse(Double.NaN);
  }

  private static double meanOfDefined(double[] values) {
    return DoubleStream.of(values).filter(v -> !Double.isNaN(v)).average().orElse(Double.NaN);
  }
}
