package org.radialog.language;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.weights.TensorInfo;

/** Gradients computed one layer at a time, over matrices in memory and over packed ones. */
class LayerwiseBackwardTest {
  private static final LlamaConfig CONFIG =
      new LlamaConfig(96, 64, 3, 4, 2, 16, 128, 1e-6, 10_000, Optional.empty(), false, 64);
  private static final FormulaWeights WEIGHTS = new FormulaWeights(CONFIG, "layerwise");
  private static final int[][] LABELS = new int[2][12];

  static {
    Random random = new Random(1);
    for (int[] row : LABELS) {
      for (int t = 0; t < row.length; t++) {
        row[t] = t < 5 ? Llama.IGNORED : random.nextInt(CONFIG.vocab());
      }
    }
  }

  private static LoraConfig lora(double dropout) {
    return new LoraConfig(4, 8, dropout, EnumSet.allOf(LlamaLinear.class));
  }

  /** How gradients are computed. */
  private interface Pass {
    double run(Llama llama, Tensor embeddings);
  }

  private static final Pass WHOLE =
      (llama, embeddings) -> {
        Tensor loss = llama.loss(embeddings, LABELS);
        loss.backward();
        return Torch.item(loss);
      };

  private static Pass layerwise(long seed) {
    return (llama, embeddings) -> llama.backward(embeddings, LABELS, 1, seed);
  }

  @Test
  void areThoseOfTheWholeGraph() {
    try (Scope _ = new Scope()) {
      Map<String, double[]> whole = gradients(WEIGHTS, Precision.FP32, lora(0), WHOLE);
      Map<String, double[]> layers = gradients(WEIGHTS, Precision.FP32, lora(0), layerwise(1));
      assertThat(layers).containsKeys("loss", "embeddings").hasSameSizeAs(whole);
      assertThat(error(layers, whole)).isLessThan(1e-6);
    }
  }

  @Test
  void dropoutDrawsTheSameInBothComputationsOfALayer() {
    try (Scope _ = new Scope()) {
      Map<String, double[]> one = gradients(WEIGHTS, Precision.FP32, lora(0.3), layerwise(5));
      Map<String, double[]> again = gradients(WEIGHTS, Precision.FP32, lora(0.3), layerwise(5));
      Map<String, double[]> other = gradients(WEIGHTS, Precision.FP32, lora(0.3), layerwise(6));
      assertThat(error(again, one)).isZero();
      assertThat(error(other, one)).isGreaterThan(1e-3);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"INT8", "INT4"})
  void overAPackedBaseAreThoseOverItsDequantisedMatrices(Precision precision) {
    try (Scope _ = new Scope();
        LlamaDecoder packed = LlamaDecoder.of(WEIGHTS, Optional.empty(), false, precision)) {
      Map<String, double[]> expected =
          gradients(new Dequantised(packed), Precision.BF16, lora(0), WHOLE);
      Map<String, double[]> found;
      try (Parameters p = parameters();
          Llama llama = LlamaLoading.adapted(packed, lora(0), p)) {
        found = gradients(llama, p, layerwise(1));
      }
      assertThat(error(found, expected)).isLessThan(0.03); // bf16
    }
  }

  /** The packed matrices, dequantised; everything else as {@link #WEIGHTS} has it. */
  private record Dequantised(Map<String, float[]> matrices) implements LlamaWeights {
    Dequantised(LlamaDecoder packed) {
      this(new LinkedHashMap<>());
      try (LlamaMatrices m = packed.matrices()) {
        for (LlamaLinear linear : LlamaLinear.values()) {
          for (int layer = 0; layer < CONFIG.layers(); layer++) {
            matrices.put(linear.weight(layer), Torch.floats(m.matrix(linear, layer)));
          }
        }
        matrices.put(LlamaWeights.HEAD, Torch.floats(m.head()));
      }
    }

    @Override
    public LlamaConfig config() {
      return CONFIG;
    }

    @Override
    public TensorInfo info(String name) {
      return WEIGHTS.info(name);
    }

    @Override
    public MemorySegment bytes(String name) {
      return MemorySegment.ofArray(floats(name));
    }

    @Override
    public float[] floats(String name, int firstRow, int rows) {
      float[] matrix = matrices.get(name);
      if (matrix == null) {
        return WEIGHTS.floats(name, firstRow, rows);
      }
      int columns = (int) info(name).shape()[1];
      return Arrays.copyOfRange(matrix, firstRow * columns, (firstRow + rows) * columns);
    }
  }

  private static Parameters parameters() {
    return Parameters.of((key, shape) -> Optional.of(WEIGHTS.value(key, shape)));
  }

  private static Map<String, double[]> gradients(
      LlamaWeights weights, Precision precision, LoraConfig lora, Pass pass) {
    try (Parameters p = parameters();
        Llama llama = LlamaLoading.adapted(weights, lora, p, precision)) {
      return gradients(llama, p, pass);
    }
  }

  private static Map<String, double[]> gradients(Llama llama, Parameters p, Pass pass) {
    p.trainable(name -> true);
    llama.training(true);
    float[] values = new float[2 * 12 * CONFIG.hidden()];
    Random random = new Random(2);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    Tensor embeddings = Torch.tensor(values, 2, 12, CONFIG.hidden()).requires_grad_(true);
    double loss = pass.run(llama, embeddings);
    Map<String, Tensor> all = new LinkedHashMap<>(p.named());
    all.put("embeddings", embeddings);
    Map<String, double[]> gradients = PlainLlama.gradients(all);
    gradients.put("loss", new double[] {loss});
    return gradients;
  }

  private static double error(Map<String, double[]> actual, Map<String, double[]> expected) {
    double error = 0;
    for (Map.Entry<String, double[]> entry : expected.entrySet()) {
      double[] found = Objects.requireNonNull(actual.get(entry.getKey()));
      double largest = 0;
      double difference = 0;
      for (int i = 0; i < found.length; i++) {
        largest = Math.max(largest, Math.abs(entry.getValue()[i]));
        difference = Math.max(difference, Math.abs(entry.getValue()[i] - found[i]));
      }
      error = Math.max(error, difference / largest);
    }
    return error;
  }
}
