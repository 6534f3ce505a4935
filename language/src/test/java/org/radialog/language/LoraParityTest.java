package org.radialog.language;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.Parity;
import org.radialog.torch.AdamW;
import org.radialog.torch.Parameters;
import org.radialog.torch.Schedule;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.weights.Checkpoint;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Adapters against PEFT: forward, merge, loss, gradients, five steps, files. */
class LoraParityTest {
  private static final double TOLERANCE = 1e-4;

  @TestFactory
  Stream<DynamicTest> outputsEqualTheReference() {
    return Golden.tests(
        "lora",
        golden -> golden.values().has("adapter_keys") ? new Case(golden).tests() : Stream.empty());
  }

  /** One golden case. */
  private static final class Case {
    private final GoldenCase golden;
    private final LlamaConfig base;
    private final LoraConfig lora;
    private final int[][] ids;
    private final int[][] labels;

    /** The outputs of one training run, made by the first test that asks. */
    private final Map<String, float[]> run = new HashMap<>();

    Case(GoldenCase golden) {
      this.golden = golden;
      this.base = LlamaConfig.parse(golden.config().required("base"));
      this.lora = LoraConfig.parse(golden.config().required("lora"));
      JsonNode batch = golden.values().required("batch");
      this.ids = rows(batch.required("ids"));
      this.labels = rows(batch.required("labels"));
    }

    Stream<DynamicTest> tests() {
      Stream<DynamicTest> outputs =
          golden.expected().keySet().stream()
              .map(output ->
                  test(
                      output,
                      label -> Parity.check(label, output(output), golden, tolerance(output))));
      List<DynamicTest> files =
          List.of(
              test("adapter_keys", this::adapterKeys),
              test("learning_rates", this::learningRates),
              test(
                  "adapter_model.safetensors",
                  label -> adapterFile(label, "adapter_model.safetensors")));
      return Stream.concat(outputs, files.stream());
    }

    private DynamicTest test(String output, Consumer<String> body) {
      String label = golden.name() + "/" + output;
      return DynamicTest.dynamicTest(label, () -> body.accept(label));
    }

    // Where rounding moves the reference's gradients, it moves ours (LoraGradientTest).
    private double tolerance(String output) {
      return output.startsWith("gradient")
          ? Math.max(TOLERANCE, 10 * golden.expected(output).deviation())
          : TOLERANCE;
    }

    private float[] output(String name) {
      if (run.isEmpty()) {
        runAll();
      }
      return Objects.requireNonNull(run.get(name), () -> "nothing computes " + name);
    }

    private LlamaWeights weights() {
      return new FormulaWeights(base, golden.weightSalt());
    }

    private LoraAdapter adapter() {
      return new LoraAdapter(lora, this::value);
    }

    private Optional<float[]> value(String key, long[] shape) {
      return Optional.of(golden.weight(key, shape));
    }

    private void runAll() {
      try (Llama llama = LlamaLoading.of(weights(), Precision.FP32)) {
        run.put("logits.base", logits(llama));
      }
      LlamaTensors tensors = LlamaTensors.of(weights(), Optional.of(adapter()), ScalarType.Float);
      try (Llama merged = new Llama(tensors)) {
        run.put("logits.merged", logits(merged));
        golden.expected().keySet().stream()
            .filter(output -> output.startsWith("merged."))
            .forEach(output ->
                run.put(output, Torch.floats(tensors.get(output.substring("merged.".length())))));
      }
      try (Parameters parameters = Parameters.of(this::value);
          Llama adapted = LlamaLoading.adapted(weights(), lora, parameters, Precision.FP32)) {
        run.put("logits.unmerged", logits(adapted));
        parameters.trainable(name -> true);
        train(adapted, parameters);
      }
    }

    // the first row of the batch
    private float[] logits(Llama llama) {
      try (Scope _ = new Scope();
          NoGradGuard _ = new NoGradGuard()) {
        Tensor x = llama.embed(ids[0]).unsqueeze(0); // [1, T, D]
        return Torch.floats(llama.logits(llama.forward(x)));
      }
    }

    private Tensor loss(Llama llama) {
      int[] flat = Arrays.stream(ids).flatMapToInt(Arrays::stream).toArray();
      Tensor x = llama.embed(flat).view(ids.length, ids[0].length, base.hidden()); // [B, T, D]
      return llama.loss(x, labels);
    }

    private void train(Llama llama, Parameters parameters) {
      Schedule schedule = schedule();
      List<Float> losses = new ArrayList<>();
      try (AdamW optimizer = new AdamW(AdamW.Config.TORCH, parameters.named())) {
        for (int step = 0; step < 5; step++) {
          try (Scope _ = new Scope()) {
            optimizer.zeroGrad();
            Tensor loss = loss(llama);
            loss.backward();
            losses.add((float) Torch.item(loss));
            if (step == 0) {
              gradients(parameters);
            }
            optimizer.step(schedule.rate(step));
          }
        }
      }
      try (Scope _ = new Scope();
          NoGradGuard _ = new NoGradGuard()) {
        losses.add((float) Torch.item(loss(llama)));
      }
      run.put("loss", new float[] {losses.getFirst()});
      run.put("training.losses", floats(losses));
      parameters.named().forEach((name, t) -> run.put("trained." + name, Torch.floats(t)));
    }

    private void gradients(Parameters parameters) {
      List<Float> norms = new ArrayList<>();
      for (JsonNode name : golden.values().required("gradient_norms_of")) {
        Tensor gradient = Objects.requireNonNull(parameters.named().get(name.stringValue())).grad();
        norms.add((float) Torch.item(gradient.norm()));
        run.put("gradient." + name.stringValue(), Torch.floats(gradient));
      }
      run.put("gradient_norms", floats(norms));
    }

    // "linear warm-up 2, linear decay to 0 at step 10"; the rates are checked on their own
    private static Schedule schedule() {
      return Schedule.linear(3e-4, 2, 10);
    }

    private void learningRates(String label) {
      double[] expected =
          GoldenCase.doubles(golden.values().required("training").required("learning_rates"));
      double[] actual = new double[expected.length];
      Arrays.setAll(actual, step -> schedule().rate(step));
      Parity.check(label, actual, expected, 1e-12);
    }

    private void adapterKeys(String label) {
      try (Parameters parameters = Parameters.of(this::value);
          Llama _ = LlamaLoading.adapted(weights(), lora, parameters, Precision.FP32)) {
        List<String> actual =
            parameters.named().entrySet().stream()
                .map(e -> e.getKey() + Arrays.toString(Torch.shape(e.getValue())))
                .sorted()
                .toList();
        List<String> expected =
            stream(golden.values().required("adapter_keys"))
                .map(k -> k.get(0).stringValue() + Arrays.toString(GoldenCase.longs(k.get(1))))
                .sorted(Comparator.naturalOrder())
                .toList();
        Parity.equal(label, actual, expected);
      }
    }

    // A folder that PEFT wrote: its configuration, its values, what the merged model computes.
    private void adapterFile(String label, String file) {
      Path folder = golden.file(golden.name());
      LoraConfig read =
          LoraConfig.parse(
              JsonMapper.shared().readTree(folder.resolve("adapter_config.json").toFile()));
      assertThat(read).isEqualTo(lora);
      try (Checkpoint checkpoint = Checkpoint.open(folder.resolve(file));
          Llama merged =
              LlamaLoading.of(
                  weights(),
                  Optional.of(new LoraAdapter(read, Parameters.Source.of(checkpoint))),
                  Precision.FP32)) {
        assertThat(checkpoint.tensors()).hasSize(golden.values().required("adapter_keys").size());
        Parity.check(golden.name() + "/logits.merged", logits(merged), golden, TOLERANCE);
        System.out.println("parity " + label + " read (exact)");
      }
    }

    private static float[] floats(List<Float> values) {
      float[] array = new float[values.size()];
      for (int i = 0; i < array.length; i++) {
        array[i] = values.get(i);
      }
      return array;
    }

    private static int[][] rows(JsonNode list) {
      return stream(list)
          .map(row -> Arrays.stream(GoldenCase.longs(row)).mapToInt(Math::toIntExact).toArray())
          .toArray(int[][]::new);
    }

    private static Stream<JsonNode> stream(JsonNode list) {
      return StreamSupport.stream(list.spliterator(), false);
    }
  }
}
