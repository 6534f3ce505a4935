package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.radialog.testmodel.TinyModel;
import tools.jackson.databind.JsonNode;

class BenchCommandTest {
  private static final String MODEL = TinyModel.folder().toString();

  @Test
  void lookupComparesTheSameTokensInFewerPasses() {
    CommandLineRun run =
        CommandLineRun.of("bench", "--model", MODEL, "--lookup", "3", "--seed", "2", "--json");
    assertThat(run.code()).as(run.err()).isEqualTo(Main.DONE);
    JsonNode lookup = run.json().getFirst().get("lookup");
    assertThat(lookup.get("turns").asInt()).isEqualTo(3);
    assertThat(lookup.get("same_tokens").asBoolean()).isTrue();
    assertThat(lookup.get("tokens_per_second").asDouble()).isPositive();
    assertThat(lookup.get("tokens_per_second_without").asDouble()).isPositive();
    int kept = 0;
    for (JsonNode pass : lookup.get("passes")) {
      assertThat(pass.get(1).asInt()).isBetween(1, pass.get(0).asInt());
      kept += pass.get(1).asInt();
    }
    assertThat(kept).isGreaterThan(lookup.get("passes").size());
    assertThat(lookup.get("tokens_per_pass").asDouble())
        .isCloseTo((double) kept / lookup.get("passes").size(), within(0.001));
  }

  @Test
  void noCorrectionsAreAUsageError() {
    CommandLineRun run = CommandLineRun.of("bench", "--lookup", "0");
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("--lookup: 0 corrections, expected at least 1");
  }

  @Test
  void whatBusyProcessesCostIsMeasuredInTurn() {
    CommandLineRun run = CommandLineRun.of("bench", "--model", MODEL, "--busy", "1", "--json");
    assertThat(run.code()).isZero();
    JsonNode busy = run.json().getFirst().get("busy");
    assertThat(busy.get("processes").asInt()).isEqualTo(1);
    assertThat(busy.get("prompt_ratio").asDouble())
        .isCloseTo(
            busy.get("prompt_79_ms_busy").asDouble() / busy.get("prompt_79_ms").asDouble(),
            within(0.01));
    assertThat(busy.get("steps_ratio").asDouble()).isPositive();
  }

  @Test
  void noBusyProcessesAreAUsageError() {
    CommandLineRun run = CommandLineRun.of("bench", "--busy", "0");
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("--busy: 0 processes, expected 1 to 64");
  }

  @Test
  void aTrainingStepIsMeasuredOnTheModelsOwnBase() {
    CommandLineRun run =
        CommandLineRun.of("bench", "--train", "1x4", "--quantize", "bf16", "--json");
    assertThat(run.code()).as(run.err()).isEqualTo(Main.DONE);
    JsonNode step = run.json().getFirst();
    assertThat(step.get("model").asString()).isEqualTo("radialog-mini");
    assertThat(step.get("step_seconds").asDouble()).isPositive();
    assertThat(step.get("loss").asDouble()).isPositive();
  }

  @Test
  void aTrainingStepWithoutASizeIsAUsageError() {
    CommandLineRun run = CommandLineRun.of("bench", "--train", "8");
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("--train needs a size such as 8x256, found 8");
  }
}
