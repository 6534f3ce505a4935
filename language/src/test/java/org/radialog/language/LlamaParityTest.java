package org.radialog.language;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.Logits;
import org.radialog.testing.Parity;
import org.radialog.torch.BlasThreads;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import tools.jackson.databind.JsonNode;

/**
 * The language model against transformers: logits, hidden states, cache, ragged batches, image
 * rows, greedy ids.
 */
public class LlamaParityTest {
  private static final double TOLERANCE = 1e-5;

  @TestFactory
  Stream<DynamicTest> outputsEqualTheReference() {
    List<Case> cases = new ArrayList<>();
    Stream<DynamicTest> tests =
        Golden.tests(
            "llama",
            golden -> {
              cases.add(new Case(golden));
              return cases.getLast().tests();
            });
    BlasThreads one = BlasThreads.one(); // two of them cost more than these tiny products
    return tests.onClose(() -> cases.forEach(Case::close)).onClose(one::close);
  }

  /** One golden case; the model is built when its first test runs. */
  private static final class Case implements AutoCloseable {
    private final GoldenCase golden;
    private Optional<Llama> model = Optional.empty();
    private final LlamaConfig config;
    private final int[] prompt;
    private final Map<String, float[]> seen = new HashMap<>();

    Case(GoldenCase golden) {
      this.golden = golden;
      this.config = LlamaConfig.parse(golden.config());
      this.prompt = ints(golden.ids("prompt").values());
    }

    Stream<DynamicTest> tests() {
      Stream<DynamicTest> inside =
          golden.expected().keySet().stream()
              .filter(output ->
                  output.startsWith("rope_")
                      || output.startsWith("layer0.")
                      || output.startsWith("hidden_states.")
                      || output.equals("logits"))
              .map(output -> test(output, llama -> check(output, inside(llama, output))));
      return Stream.concat(
          inside,
          Stream.of(
              test("state_dict", this::stateDict),
              test("image_logits", this::imageLogits),
              test("image_greedy_ids", this::imageGreedyIds),
              test("greedy_ids", this::greedyIds),
              test("greedy_step_logits", this::greedyStepLogits),
              test("greedy_log_probabilities", this::greedyLogProbabilities),
              test("left_padded_first_logits", this::raggedFirstLogits),
              test("left_padded_greedy_ids", this::raggedGreedyIds),
              test("long_last_logits", this::longLastLogits),
              test("cache_in_pieces", this::cacheInPieces),
              test("bf16.logits", fp32 -> bf16Logits())));
    }

    private DynamicTest test(String output, Consumer<Llama> body) {
      return DynamicTest.dynamicTest(
          golden.name() + "/" + output,
          () -> {
            if (model.isEmpty()) {
              model =
                  Optional.of(
                      LlamaLoading.of(
                          new FormulaWeights(config, golden.weightSalt()), Precision.FP32));
            }
            body.accept(model.get());
          });
    }

    @Override
    public void close() {
      model.ifPresent(Llama::close);
    }

    private void check(String output, float[] actual) {
      Parity.check(golden.name() + "/" + output, actual, golden, TOLERANCE);
    }

    private float[] inside(Llama llama, String output) {
      if (seen.isEmpty()) {
        seen.putAll(lookInside(llama));
      }
      return Objects.requireNonNull(seen.get(output), () -> "no probe sees " + output);
    }

    private Map<String, float[]> lookInside(Llama llama) {
      Map<String, float[]> values = new HashMap<>();
      try (Scope _ = new Scope();
          NoGradGuard _ = new NoGradGuard()) {
        Tensor x = llama.embed(prompt).unsqueeze(0); // [1, T, D]
        Tensor hidden = llama.forward(x, (name, value) -> values.put(name, Torch.floats(value)));
        values.put("logits", Torch.floats(llama.logits(hidden)));
      }
      return values;
    }

    private void stateDict(Llama llama) {
      Map<String, List<Long>> expected = new HashMap<>();
      golden.keys().forEach(k -> expected.put(k.name(), boxed(k.shape())));
      if (config.tied()) {
        expected.remove(LlamaWeights.HEAD);
      }
      Map<String, List<Long>> actual = new HashMap<>();
      new FormulaWeights(config, golden.weightSalt())
          .shapes()
          .forEach((k, v) -> actual.put(k, boxed(v)));
      Parity.equal(golden.name() + "/state_dict", actual, expected);
    }

    private void imageLogits(Llama llama) {
      try (Scope _ = new Scope();
          NoGradGuard _ = new NoGradGuard()) {
        GoldenCase.Floats image = golden.floats("image_embeddings");
        Tensor whole =
            torch.cat(
                new TensorVector(
                    llama.embed(Arrays.copyOf(prompt, imageAt())),
                    Torch.tensor(image.values(), image.shape()),
                    llama.embed(Arrays.copyOfRange(prompt, imageAt(), prompt.length))),
                0); // [T, D]
        check("image_logits", Torch.floats(llama.logits(llama.forward(whole.unsqueeze(0)))));
      }
    }

    // How many of the prompt's tokens stand before the image.
    private int imageAt() {
      return golden.values().required("image_in_the_middle").required("at").intValue();
    }

    private List<LlamaInput> imagePrompt() {
      GoldenCase.Floats image = golden.floats("image_embeddings");
      return List.of(
          new LlamaInput.Tokens(Arrays.copyOf(prompt, imageAt())),
          new LlamaInput.Embeddings(image.values(), (int) image.shape()[0]),
          new LlamaInput.Tokens(Arrays.copyOfRange(prompt, imageAt(), prompt.length)));
    }

    private void imageGreedyIds(Llama llama) {
      int[] expected = ints(golden.values().required("image_in_the_middle").required("greedy_ids"));
      int[] actual = greedy(llama, List.of(imagePrompt()), expected.length).ids().getFirst();
      Parity.equal(golden.name() + "/image_greedy_ids", boxed(actual), boxed(expected));
    }

    private void greedyIds(Llama llama) {
      int[] expected = ints(golden.values().required("greedy_ids"));
      int[] actual = greedyPrompt(llama).ids().getFirst();
      Parity.equal(golden.name() + "/greedy_ids", boxed(actual), boxed(expected));
    }

    private void greedyStepLogits(Llama llama) {
      List<float[]> logits = greedyPrompt(llama).logits().getFirst();
      float[] flat = new float[logits.size() * config.vocab()];
      for (int i = 0; i < logits.size(); i++) {
        System.arraycopy(logits.get(i), 0, flat, i * config.vocab(), config.vocab());
      }
      check("greedy_step_logits", flat);
    }

    private void greedyLogProbabilities(Llama llama) {
      Greedy run = greedyPrompt(llama);
      double[] actual =
          IntStream.range(0, run.ids().getFirst().length)
              .mapToDouble(i ->
                  Logits.logProbability(run.logits().getFirst().get(i), run.ids().getFirst()[i]))
              .toArray();
      Parity.check(golden.name() + "/greedy_log_probabilities", actual, golden, TOLERANCE);
    }

    private Greedy greedyPrompt(Llama llama) {
      int steps = golden.values().required("greedy_ids").size();
      return greedy(llama, List.of(List.of(new LlamaInput.Tokens(prompt))), steps);
    }

    private List<List<LlamaInput>> ragged() {
      return stream(golden.values().required("left_padded_batch").required("rows"))
          .map(row -> List.<LlamaInput>of(new LlamaInput.Tokens(ints(row))))
          .toList();
    }

    private void raggedFirstLogits(Llama llama) {
      List<List<float[]>> logits = greedy(llama, ragged(), 1).logits();
      float[] flat = new float[logits.size() * config.vocab()];
      for (int b = 0; b < logits.size(); b++) {
        System.arraycopy(logits.get(b).getFirst(), 0, flat, b * config.vocab(), config.vocab());
      }
      check("left_padded_first_logits", flat);
    }

    private void raggedGreedyIds(Llama llama) {
      List<List<Integer>> expected =
          stream(golden.values().required("left_padded_batch").required("greedy_ids"))
              .map(row -> boxed(ints(row)))
              .toList();
      List<List<Integer>> actual =
          greedy(llama, ragged(), expected.getFirst().size()).ids().stream()
              .map(Case::boxed)
              .toList();
      Parity.equal(golden.name() + "/left_padded_greedy_ids", actual, expected);
    }

    private int[] longPrompt() {
      int length = golden.values().required("long_prompt_length").intValue();
      return IntStream.range(0, length).map(i -> i % (config.vocab() - 3) + 3).toArray();
    }

    private void longLastLogits(Llama llama) {
      try (KvCache cache = new KvCache(config.cacheShape())) {
        check(
            "long_last_logits", llama.prefill(cache, List.of(new LlamaInput.Tokens(longPrompt()))));
      }
    }

    // The same prompt in pieces of several lengths, with a piece taken back, through a growing
    // cache.
    private void cacheInPieces(Llama llama) {
      int[] ids = longPrompt();
      float[] logits = {};
      try (KvCache cache = new KvCache(config.cacheShape())) {
        int[] ends =
            IntStream.concat(
                    IntStream.of(1, 2, 9, 64, 65, 130).filter(end -> end < ids.length),
                    IntStream.of(ids.length))
                .toArray();
        int start = 0;
        for (int end : ends) {
          llama.prefill(cache, List.of(new LlamaInput.Tokens(new int[] {5, 6, 7})));
          cache.truncate(start);
          logits =
              llama.prefill(
                  cache, List.of(new LlamaInput.Tokens(Arrays.copyOfRange(ids, start, end))));
          start = end;
        }
        assertThat(cache.length()).isEqualTo(ids.length);
      }
      Parity.check(golden.name() + "/long_last_logits", logits, golden, TOLERANCE);
    }

    private void bf16Logits() {
      try (Llama llama =
          LlamaLoading.of(new FormulaWeights(config, golden.weightSalt()), Precision.BF16)) {
        float[] actual = Objects.requireNonNull(lookInside(llama).get("logits"));
        double[] expected = golden.expected("logits").stored();
        double dot = 0;
        double actualSquares = 0;
        double expectedSquares = 0;
        double differenceSquares = 0;
        for (int i = 0; i < expected.length; i++) {
          double value = actual[i * golden.expected("logits").step()];
          dot += value * expected[i];
          actualSquares += value * value;
          expectedSquares += expected[i] * expected[i];
          differenceSquares += (value - expected[i]) * (value - expected[i]);
        }
        double cosine = dot / Math.sqrt(actualSquares * expectedSquares);
        double error = Math.sqrt(differenceSquares / expectedSquares);
        System.out.println(
            "parity %s/bf16.logits %.2e (2e-02), cosine %.6f (0.999)"
                .formatted(golden.name(), error, cosine));
        assertThat(cosine).isGreaterThanOrEqualTo(0.999);
        assertThat(error).isLessThanOrEqualTo(0.02);
      }
    }

    /** B sequences: the ids chosen and the logits that they were chosen from. */
    private record Greedy(List<int[]> ids, List<List<float[]>> logits) {}

    private Greedy greedy(Llama llama, List<List<LlamaInput>> prompts, int steps) {
      List<KvCache> caches = prompts.stream().map(p -> new KvCache(config.cacheShape())).toList();
      List<int[]> ids = prompts.stream().map(p -> new int[steps]).toList();
      List<List<float[]>> logits =
          prompts.stream().<List<float[]>>map(p -> new ArrayList<>()).toList();
      float[][] now = llama.prefill(caches, prompts).toArray(float[][]::new);
      for (int i = 0; i < steps; i++) {
        int[] tokens = new int[now.length];
        for (int b = 0; b < now.length; b++) {
          tokens[b] = Logits.argmax(now[b]);
          ids.get(b)[i] = tokens[b];
          logits.get(b).add(now[b].clone());
        }
        if (i + 1 < steps) {
          llama.step(tokens, caches, now);
        }
      }
      caches.forEach(KvCache::close);
      return new Greedy(ids, logits);
    }

    private static List<Long> boxed(long[] values) {
      return Arrays.stream(values).boxed().toList();
    }

    private static List<Integer> boxed(int[] values) {
      return Arrays.stream(values).boxed().toList();
    }

    private static int[] ints(long[] values) {
      return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
    }

    private static int[] ints(JsonNode list) {
      return ints(GoldenCase.longs(list));
    }

    private static Stream<JsonNode> stream(JsonNode list) {
      return StreamSupport.stream(list.spliterator(), false);
    }
  }
}
