package org.radialog.language;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.radialog.testing.BaseGguf;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.weights.Checkpoint;

/** Attention of many rows in bf16 products, beside the definition and beside other paths. */
class BlockAttentionTest {
  private static final int HEADS = 3;
  private static final int SIZE = 16; // of a head

  // Queries and keys large enough for peaked shares, where coarse scores would show.
  @Test
  void rowsAttendToWhatIsBeforeThemAsTheDefinitionSays() {
    Random random = new Random(7);
    int past = 70;
    int rows = 600; // several blocks
    int length = past + rows;
    float[] q = normal(random, HEADS * rows * SIZE, 2);
    float[] k = normal(random, HEADS * length * SIZE, 2);
    float[] v = normal(random, HEADS * length * SIZE, 1);
    float[] attended;
    try (Scope _ = new Scope()) {
      Tensor out =
          BlockAttention.attend(
              Torch.tensor(q, HEADS, rows, SIZE),
              Torch.tensor(k, HEADS, length, SIZE),
              Torch.tensor(v, HEADS, length, SIZE));
      attended = Torch.floats(out);
    }
    double squares = 0;
    for (int h = 0; h < HEADS; h++) {
      for (int row = 0; row < rows; row++) {
        double[] expected = attend(q, k, v, h, row, past, length);
        for (int i = 0; i < SIZE; i++) {
          double difference = attended[(h * rows + row) * SIZE + i] - expected[i];
          squares += difference * difference;
        }
      }
    }
    double rms = Math.sqrt(squares / attended.length);
    System.out.printf("block attention: rms difference %.4f (0.003)%n", rms);
    assertThat(rms).isLessThan(0.003);
  }

  // One row of one head: softmax(q · k / √d) · v over the positions that the row may see.
  private static double[] attend(
      float[] q, float[] k, float[] v, int head, int row, int past, int length) {
    int rows = length - past;
    double[] weights = new double[past + row + 1];
    double largest = Double.NEGATIVE_INFINITY;
    for (int p = 0; p < weights.length; p++) {
      for (int i = 0; i < SIZE; i++) {
        weights[p] +=
            (double) q[(head * rows + row) * SIZE + i] * k[(head * length + p) * SIZE + i];
      }
      weights[p] /= Math.sqrt(SIZE);
      largest = Math.max(largest, weights[p]);
    }
    double sum = 0;
    double[] result = new double[SIZE];
    for (int p = 0; p < weights.length; p++) {
      double weight = Math.exp(weights[p] - largest);
      sum += weight;
      for (int i = 0; i < SIZE; i++) {
        result[i] += weight * v[(head * length + p) * SIZE + i];
      }
    }
    for (int i = 0; i < SIZE; i++) {
      result[i] /= sum;
    }
    return result;
  }

  @Test
  void aLongPromptInBf16LiesAsNearToFp32AsWithAttentionInFp32() {
    try (Checkpoint gguf = BaseGguf.open()) {
      LlamaWeights weights = LlamaWeights.of(gguf);
      int[] ids =
          new Random(3).ints(BlockAttention.PAYS + 64, 100, weights.config().vocab()).toArray();
      float[] exact;
      try (Llama llama = LlamaLoading.of(weights, Precision.FP32)) {
        exact = prefill(llama, ids);
      }
      try (Llama llama = LlamaLoading.of(weights, Precision.BF16);
          KvCache cache = new KvCache(llama.cacheShape())) {
        double blocks = rms(prefill(llama, ids), exact);
        float[][] rows = new float[ids.length][llama.config().vocab()];
        llama.extend(List.of(ids), List.of(cache), rows);
        double plain = rms(rows[ids.length - 1], exact);
        System.out.printf("long prompt: rms in blocks %.4f, fp32 attention %.4f%n", blocks, plain);
        assertThat(blocks).isLessThan(1.2 * plain);
      }
    }
  }

  private static float[] prefill(Llama llama, int[] ids) {
    try (KvCache cache = new KvCache(llama.cacheShape())) {
      return llama.prefill(cache, List.of(new LlamaInput.Tokens(ids)));
    }
  }

  private static double rms(float[] actual, float[] expected) {
    return Math.sqrt(
        IntStream.range(0, actual.length)
            .mapToDouble(i -> Math.pow((double) actual[i] - expected[i], 2))
            .average()
            .orElseThrow());
  }

  private static float[] normal(Random random, int count, double scale) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (scale * random.nextGaussian());
    }
    return values;
  }
}
