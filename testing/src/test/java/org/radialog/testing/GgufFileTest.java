package org.radialog.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;

class GgufFileTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void metadataAndTensorsOfEveryTypeAreRead() {
    Path file = folder.resolve("model.gguf");
    GgufFile gguf = new GgufFile().put("n", 3).put("x", 0.5f).put("on", true).put("name", "llama");
    gguf.put("words", List.of("a", "b")).put("types", List.of(1, 2)).put("scores", List.of(-1f));
    for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0, DType.Q4_0)) {
      gguf.tensor(dtype.name(), Weight.formula("", "w", dtype, 3, 64));
    }
    gguf.write(file);
    float[] values = GoldenWeights.fill("", "w", 3, 64);
    try (Checkpoint c = Checkpoint.open(file)) {
      assertThat(c.metadata())
          .containsEntry("n", 3L)
          .containsEntry("x", 0.5)
          .containsEntry("on", true)
          .containsEntry("name", "llama")
          .containsEntry("words", List.of("a", "b"))
          .containsEntry("types", List.of(1L, 2L))
          .containsEntry("scores", List.of(-1.0));
      assertThat(c.tensor("F32").shape()).containsExactly(3, 64);
      assertThat(c.floats("F32")).isEqualTo(values);
      assertThat(largestError(c.floats("F16"), values)).isLessThan(1e-4f);
      assertThat(largestError(c.floats("BF16"), values)).isLessThan(1e-3f);
      // Absolute values are below 0.217, so errors are at most half a step of 0.217 / 127 for Q8_0,
      // and one step of 0.217 / 8 at the ends of the range for Q4_0.
      assertThat(largestError(c.floats("Q8_0"), values)).isBetween(1e-4f, 0.9e-3f);
      assertThat(largestError(c.floats("Q4_0"), values)).isBetween(1e-3f, 2.8e-2f);
    }
  }

  private static float largestError(float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    float largest = 0;
    for (int i = 0; i < actual.length; i++) {
      largest = Math.max(largest, Math.abs(actual[i] - expected[i]));
    }
    return largest;
  }
}
