package org.radialog.language;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;

/**
 * The gradients of adapters against fp64. With random weights the first layer's are badly
 * conditioned: rounding anywhere moves them by 1e-5 to 5e-4 of their largest, in plain fp32
 * arithmetic as in ours, by as much as the draw wills. So what can be asked for is that ours are no
 * further off than plain fp32 is, over several draws.
 */
class LoraGradientTest {
  private static final LlamaConfig CONFIG =
      new LlamaConfig(320, 64, 6, 4, 1, 16, 172, 1e-6, 10_000, Optional.empty(), false, 512);
  private static final LoraConfig LORA = LoraConfig.trained(4, 8, EnumSet.allOf(LlamaLinear.class));
  private static final int DRAWS = 10;

  @Test
  void areAsCloseToFp64AsPlainFp32Is() {
    double ours = 0;
    double plain = 0;
    for (int draw = 0; draw < DRAWS; draw++) {
      FormulaWeights weights = new FormulaWeights(CONFIG, "gradients-" + draw);
      Random random = new Random(draw);
      int[][] ids = new int[3][70];
      int[][] labels = new int[3][70];
      for (int b = 0; b < ids.length; b++) {
        int length = 70 - 12 * b; // the rest is padding
        for (int t = 0; t < 70; t++) {
          ids[b][t] = t < length ? random.nextInt(1, CONFIG.vocab()) : 0;
          labels[b][t] = t < length && t > length / 2 ? ids[b][t] : Llama.IGNORED;
        }
      }
      try (Scope _ = new Scope()) {
        Map<String, double[]> exact =
            new PlainLlama(weights, LORA, ScalarType.Double).gradients(ids, labels);
        double own = error(gradients(weights, ids, labels), exact);
        double other =
            error(new PlainLlama(weights, LORA, ScalarType.Float).gradients(ids, labels), exact);
        System.out.printf("gradients, draw %d: ours %.1e, plain fp32 %.1e%n", draw, own, other);
        assertThat(own).isLessThan(2e-3);
        ours += Math.log(own) / DRAWS;
        plain += Math.log(other) / DRAWS;
      }
    }
    assertThat(Math.exp(ours)).isLessThan(1.5 * Math.exp(plain));
  }

  private static Map<String, double[]> gradients(
      FormulaWeights weights, int[][] ids, int[][] labels) {
    try (Parameters parameters =
            Parameters.of((key, shape) -> Optional.of(weights.value(key, shape)));
        Llama llama = LlamaLoading.adapted(weights, LORA, parameters, Precision.FP32)) {
      parameters.trainable(name -> true);
      int[] flat = Arrays.stream(ids).flatMapToInt(Arrays::stream).toArray();
      llama
          .loss(llama.embed(flat).view(ids.length, ids[0].length, CONFIG.hidden()), labels)
          .backward();
      return PlainLlama.gradients(parameters.named());
    }
  }

  /** The largest difference in a tensor relative to its largest value, of all tensors. */
  private static double error(Map<String, double[]> actual, Map<String, double[]> exact) {
    assertThat(actual.keySet()).isEqualTo(exact.keySet());
    double error = 0;
    for (Map.Entry<String, double[]> entry : exact.entrySet()) {
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
