package org.radialog.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PyTorchWriterTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void tensorsOfEveryTypeComeBack() {
    SequencedMap<String, Object> dict = new LinkedHashMap<>();
    dict.put(
        "naïve.key", SafetensorsWriter.Entry.of(DType.F32, new float[] {1, -0f, 3e-9f, 4}, 2, 2));
    dict.put("half", SafetensorsWriter.Entry.of(DType.F16, new float[] {1.5f, 2, 3}, 3, 1));
    dict.put("brain", SafetensorsWriter.Entry.of(DType.BF16, new float[] {2.5f}));
    dict.put("count", SafetensorsWriter.Entry.of(new long[] {-1, 1L << 40}, 2));
    dict.put("none", SafetensorsWriter.Entry.of(DType.F32, new float[0], 0, 7));
    Path file = folder.resolve("some.bin");
    PyTorchWriter.write(file, dict);
    try (Checkpoint c = Checkpoint.open(file)) {
      assertThat(c.format()).isEqualTo("PyTorch zip");
      assertThat(c.tensors().sequencedKeySet()).containsExactlyElementsOf(dict.sequencedKeySet());
      assertThat(c.floats("naïve.key")).containsExactly(1, -0f, 3e-9f, 4);
      assertThat(c.tensor("naïve.key").shape()).containsExactly(2, 2);
      assertThat(c.tensor("half")).isEqualTo(new TensorInfo("half", DType.F16, new long[] {3, 1}));
      assertThat(c.floats("half")).containsExactly(1.5f, 2, 3);
      assertThat(c.tensor("brain")).isEqualTo(new TensorInfo("brain", DType.BF16, new long[0]));
      assertThat(c.floats("brain")).containsExactly(2.5f);
      assertThat(c.longs("count")).containsExactly(-1, 1L << 40);
      assertThat(c.tensor("none").shape()).containsExactly(0, 7);
    }
  }

  @Test
  void aDictInADictIsTheStateOfAModel() {
    SequencedMap<String, Object> state = new LinkedHashMap<>();
    state.put("w", SafetensorsWriter.Entry.of(DType.F32, new float[] {7}, 1));
    SequencedMap<String, Object> dict = new LinkedHashMap<>();
    dict.put("pytorch-lightning_version", "1.8.3");
    dict.put("state_dict", state);
    Path file = folder.resolve("some.ckpt");
    PyTorchWriter.write(file, dict);
    try (Checkpoint c = Checkpoint.open(file)) {
      assertThat(c.metadata()).containsEntry("pytorch-lightning_version", "1.8.3");
      assertThat(c.floats("w")).containsExactly(7);
    }
  }

  @Test
  void theSameTensorsGiveTheSameBytes() throws Exception {
    SequencedMap<String, Object> dict = new LinkedHashMap<>();
    dict.put("w", SafetensorsWriter.Entry.of(DType.F32, new float[100_000], 100_000));
    PyTorchWriter.write(folder.resolve("a"), dict);
    PyTorchWriter.write(folder.resolve("b"), dict);
    assertThat(Files.mismatch(folder.resolve("a"), folder.resolve("b"))).isEqualTo(-1);
  }

  @Test
  void anythingElseIsRefused() {
    SequencedMap<String, Object> dict = new LinkedHashMap<>();
    dict.put("list", List.of());
    assertThatThrownBy(() -> PyTorchWriter.write(folder.resolve("a"), dict))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected a tensor, a text or a dict");
    dict.put("list", SafetensorsWriter.Entry.of(DType.F32, new float[0], 0));
    dict.put(
        "byte",
        new SafetensorsWriter.Entry(DType.U8, new long[] {1}, MemorySegment.ofArray(new byte[1])));
    assertThatThrownBy(() -> PyTorchWriter.write(folder.resolve("a"), dict))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected F32, F16, BF16 or I64");
  }
}
