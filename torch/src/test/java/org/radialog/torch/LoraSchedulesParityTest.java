package org.radialog.torch;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.Map;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.radialog.base.RadialogException;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.Parity;
import tools.jackson.databind.JsonNode;

class LoraSchedulesParityTest {
  @TestFactory
  Stream<DynamicTest> learningRatesOfEveryStepAreThoseOfTransformers() {
    return Golden.tests("lora-schedules", LoraSchedulesParityTest::tests);
  }

  private static Stream<DynamicTest> tests(GoldenCase golden) {
    return golden.values().properties().stream()
        .map(entry ->
            dynamicTest(
                "lora-schedules/" + entry.getKey(),
                () -> {
                  JsonNode value = entry.getValue();
                  Schedule schedule = schedule(value);
                  double[] expected = GoldenCase.doubles(value.required("rate_at_step_0_to_total"));
                  double[] actual =
                      LongStream.range(0, expected.length).mapToDouble(schedule::rate).toArray();
                  Parity.check("lora-schedules/" + entry.getKey(), actual, expected, 1e-12);
                }));
  }

  @TestFactory
  Stream<DynamicTest> learningRatesOfTheFirstStageAreThoseOfLavis() {
    return Golden.tests(
        "qformer",
        golden -> {
          JsonNode rates = golden.values().path("stage1_learning_rates");
          LearningRate schedule = new LearningRate.ByPass(1e-6, 1e-4, 1e-5, 1000, 6000, 100);
          return Stream.of(Map.entry("epoch_0_by_step", 1L), Map.entry("later_by_epoch", 6000L))
              .flatMap(part ->
                  rates.path(part.getKey()).properties().stream()
                      .map(entry -> {
                        String label = golden + "/" + part.getKey() + "." + entry.getKey();
                        long step = Long.parseLong(entry.getKey()) * part.getValue();
                        double[] expected = {entry.getValue().doubleValue()};
                        return dynamicTest(
                            label,
                            () ->
                                Parity.check(
                                    label, new double[] {schedule.rate(step)}, expected, 1e-12));
                      }));
        });
  }

  private static Schedule schedule(JsonNode value) {
    double base = value.required("base").doubleValue();
    long warmUp = value.required("warm_up").longValue();
    long total = value.required("total").longValue();
    String kind = value.required("kind").stringValue();
    return switch (kind) {
      case "cosine" -> Schedule.cosine(base, warmUp, total);
      case "linear" -> Schedule.linear(base, warmUp, total);
      default -> throw new RadialogException("the golden case has an unknown schedule " + kind);
    };
  }
}
