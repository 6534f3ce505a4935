package org.radialog.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;

class NumpyPickleTest {
  @TempDir private Path folder = Path.of("");

  /** Arrays of the published size are stored between frames, smaller ones inside a frame. */
  @Test
  void arraysOfAnySizeAreRead() {
    SequencedMap<String, Weight> arrays = new LinkedHashMap<>();
    for (int i = 0; i < 1100; i++) {
      arrays.put("tiny-" + i, Weight.floats(DType.F32, new float[] {i, -i}, 1, 2));
    }
    arrays.put("small", Weight.formula("", "small", DType.F32, 8, 64));
    arrays.put("published", Weight.formula("", "published", DType.F32, 32, 768));
    arrays.put("again", Weight.formula("", "again", DType.F32, 32, 768));
    Path file = folder.resolve("embeddings.pkl");
    NumpyPickle.write(file, arrays);
    try (Checkpoint c = Checkpoint.open(file)) {
      assertThat(c.format()).isEqualTo("pickle");
      assertThat(c.tensors().keySet()).containsExactlyElementsOf(arrays.keySet());
      assertThat(c.floats("tiny-1099")).containsExactly(1099, -1099);
      assertThat(c.floats("small")).isEqualTo(GoldenWeights.fill("", "small", 8, 64));
      assertThat(c.tensor("published").shape()).containsExactly(32, 768);
      assertThat(c.floats("again")).isEqualTo(GoldenWeights.fill("", "again", 32, 768));
    }
  }
}
