package org.radialog.language;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.radialog.testing.BaseGguf;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.Logits;
import org.radialog.testing.Parity;
import org.radialog.weights.Checkpoint;
import tools.jackson.databind.JsonNode;

/**
 * The shipped language model against transformers in fp32: values, row order, logits, greedy ids.
 */
class Smollm2GgufParityTest {
  private static final double TOLERANCE = 1e-4;

  @TestFactory
  Stream<DynamicTest> outputsEqualTheReference() {
    List<Case> cases = new ArrayList<>();
    return Golden.tests(
            "smollm2-gguf",
            golden -> {
              cases.add(new Case(golden));
              return cases.getLast().tests();
            })
        .onClose(() -> cases.forEach(Case::close));
  }

  /** The golden case; the model is built when a test first needs it. */
  private static final class Case implements AutoCloseable {
    private final GoldenCase golden;
    private final Checkpoint gguf = BaseGguf.open();
    private final LlamaWeights weights = LlamaWeights.of(gguf);
    private Optional<Llama> model = Optional.empty();

    Case(GoldenCase golden) {
      this.golden = golden;
    }

    Stream<DynamicTest> tests() {
      Stream<DynamicTest> fixed =
          Stream.of(
              DynamicTest.dynamicTest(label("model"), this::shape),
              DynamicTest.dynamicTest(label("q_k_row_order"), this::rowOrder));
      Stream<DynamicTest> values =
          golden.values().required("dequantised").properties().stream()
              .map(e ->
                  DynamicTest.dynamicTest(
                      label("dequantised." + e.getKey()),
                      () -> dequantised(e.getKey(), e.getValue())));
      JsonNode cases = golden.values().required("cases");
      Stream<DynamicTest> texts =
          IntStream.range(0, cases.size())
              .mapToObj(i ->
                  DynamicTest.dynamicTest(
                      label("cases." + i), () -> generate("cases." + i, cases.get(i))));
      return Stream.of(fixed, values, texts).flatMap(s -> s);
    }

    private String label(String output) {
      return golden.name() + "/" + output;
    }

    private void shape() {
      JsonNode expected = golden.values().required("model");
      LlamaConfig c = weights.config();
      Parity.equal(
          label("model"),
          List.of(
              c.hidden(),
              c.layers(),
              c.heads(),
              c.kvHeads(),
              c.mlp(),
              c.ropeTheta(),
              (float) c.rmsEps(),
              c.tied()),
          List.of(
              expected.required("hidden").intValue(),
              expected.required("layers").intValue(),
              expected.required("heads").intValue(),
              expected.required("kv_heads").intValue(),
              expected.required("ffn").intValue(),
              expected.required("rope_theta").doubleValue(),
              (float) expected.required("rms_norm_eps").doubleValue(),
              expected.required("tied_embeddings").booleanValue()));
    }

    private void rowOrder() {
      JsonNode rows = golden.values().required("q_k_row_order");
      for (LlamaLinear linear : List.of(LlamaLinear.Q_PROJ, LlamaLinear.K_PROJ)) {
        String key = "hf_" + linear.target().charAt(0) + "_row_1_first_8";
        double[] expected = GoldenCase.doubles(rows.required(key));
        float[] row = weights.floats(linear.weight(0), 1, 1);
        double[] actual = IntStream.range(0, expected.length).mapToDouble(i -> row[i]).toArray();
        Parity.check(label("q_k_row_order." + key), actual, expected, 0);
        // the raw bytes are in the same order
        long rowBytes = weights.bytes(linear.weight(0)).byteSize() / linear.rows(weights.config());
        int d = weights.config().headSize();
        String stored =
            linear == LlamaLinear.Q_PROJ ? "blk.0.attn_q.weight" : "blk.0.attn_k.weight";
        assertThat(
                weights
                    .bytes(linear.weight(0))
                    .asSlice(rowBytes * (d / 2), rowBytes)
                    .mismatch(gguf.bytes(stored).asSlice(rowBytes, rowBytes)))
            .as("row d/2 of head 0 stands second in the file")
            .isEqualTo(-1);
      }
    }

    private void dequantised(String name, JsonNode expected) throws NoSuchAlgorithmException {
      float[] values = gguf.floats(name);
      ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(values);
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes.array());
      Parity.equal(
          label("dequantised." + name),
          HexFormat.of().formatHex(digest),
          expected.required("sha256_of_float32_bytes").stringValue());
    }

    private void generate(String name, JsonNode expected) {
      Llama llama = model();
      int[] prompt = ints(expected.required("prompt_ids"));
      int[] ids = ints(expected.required("greedy_ids"));
      int[] actual = new int[ids.length];
      double[] logProbabilities = new double[ids.length];
      float[][] logits = new float[1][];
      try (KvCache cache = new KvCache(weights.config().cacheShape())) {
        logits[0] = llama.prefill(cache, List.of(new LlamaInput.Tokens(prompt)));
        for (int i = 0; i < ids.length; i++) {
          if (i == 0) {
            top5(name, "top5_of_step_0", logits[0], expected);
          }
          if (i + 1 == ids.length) {
            top5(name, "top5_of_last_step", logits[0], expected);
          }
          actual[i] = Logits.argmax(logits[0]);
          logProbabilities[i] = Logits.logProbability(logits[0], actual[i]);
          llama.step(new int[] {actual[i]}, List.of(cache), logits);
        }
      }
      Parity.equal(label(name + ".greedy_ids"), boxed(actual), boxed(ids));
      Parity.check(
          label(name + ".log_probabilities"),
          logProbabilities,
          GoldenCase.doubles(expected.required("log_probabilities")),
          TOLERANCE);
    }

    private void top5(String name, String output, float[] logits, JsonNode expected) {
      int[] ids = ints(expected.required(output).get(0));
      List<Integer> best =
          IntStream.range(0, logits.length)
              .boxed()
              .sorted(Comparator.comparingDouble(i -> -logits[i]))
              .limit(ids.length)
              .toList();
      Parity.equal(label(name + "." + output + ".ids"), best, boxed(ids));
      Parity.check(
          label(name + "." + output),
          Arrays.stream(ids).mapToDouble(i -> logits[i]).toArray(),
          GoldenCase.doubles(expected.required(output).get(1)),
          TOLERANCE);
    }

    private Llama model() {
      if (model.isEmpty()) {
        model = Optional.of(LlamaLoading.of(weights, Precision.FP32));
      }
      return model.get();
    }

    private static int[] ints(JsonNode list) {
      return Arrays.stream(GoldenCase.longs(list)).mapToInt(Math::toIntExact).toArray();
    }

    private static List<Integer> boxed(int[] ids) {
      return Arrays.stream(ids).boxed().toList();
    }

    @Override
    public void close() {
      model.ifPresent(Llama::close);
      gguf.close();
    }
  }
}
