package org.radialog.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;

class CheckpointTest {
  @TempDir private Path folder = Path.of("");
  private Path file = Path.of("");

  @BeforeEach
  void write() {
    file = folder.resolve("model.safetensors");
    SequencedMap<String, SafetensorsWriter.Entry> tensors = new LinkedHashMap<>();
    tensors.put("w", SafetensorsWriter.Entry.of(DType.F32, new float[] {0, 1, 2, 3, 4, 5}, 2, 3));
    tensors.put("n", SafetensorsWriter.Entry.of(new long[] {7}));
    SafetensorsWriter.write(file, Map.of(), tensors);
  }

  @Test
  void aMissingTensorIsNamed() {
    try (Checkpoint c = Checkpoint.open(file)) {
      assertThatThrownBy(() -> c.floats("v"))
          .isInstanceOf(RadialogException.class)
          .hasMessage(file + " has no tensor v among its 2 tensors");
    }
  }

  @Test
  void wholeNumbersAreNotReadAsFloatsNorFloatsAsWholeNumbers() {
    try (Checkpoint c = Checkpoint.open(file)) {
      assertThatThrownBy(() -> c.floats("n")).hasMessageContaining("n I64[]");
      assertThatThrownBy(() -> c.longs("w")).hasMessageContaining("w F32[2, 3]");
      assertThat(c.doubles("n")).containsExactly(7);
    }
  }

  @Test
  void aRangeIsReadFromItsPlace() {
    try (Checkpoint c = Checkpoint.open(file)) {
      assertThat(c.floats("w", 3, 3)).containsExactly(3, 4, 5);
      assertThat(c.floats("w", 6, 0)).isEmpty();
      assertThatThrownBy(() -> c.floats("w", 4, 3)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> c.floats("w", -1, 3)).isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void unloadedPagesAreNoMemoryOfTheProcessAndCanBeReadAgain() throws IOException {
    try (Checkpoint c = Checkpoint.open(file)) {
      float[] before = c.floats("w");
      assertThat(resident(file)).isPositive();
      c.unload();
      assertThat(resident(file)).isZero();
      assertThat(c.floats("w")).containsExactly(before);
    }
  }

  // KiB of the mapping of a file that are in this process's memory.
  private static long resident(Path file) throws IOException {
    boolean within = false;
    for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
      if (line.endsWith(file.toString())) {
        within = true;
      } else if (within && line.startsWith("Rss:")) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new AssertionError(file + " is not mapped");
  }

  @Test
  void closingTwiceIsAllowedAndBytesAreGoneAfterwards() {
    Checkpoint c = Checkpoint.open(file);
    var bytes = c.bytes("w");
    assertThat(bytes.isReadOnly()).isTrue();
    c.close();
    c.close();
    assertThatThrownBy(() -> bytes.get(Bytes.FLOAT, 0)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aFolderWithOneCheckpointIsOpenedAndOneWithTwoIsRefused() throws IOException {
    try (Checkpoint c = Checkpoint.open(folder)) {
      assertThat(c.format()).isEqualTo("safetensors");
    }
    Files.copy(file, folder.resolve("second.safetensors"));
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(WeightsRefused.class)
        .hasMessageContaining("2 checkpoints");
    Files.writeString(
        folder.resolve("model.safetensors.index.json"),
        "{\"weight_map\": {\"w\": \"second.safetensors\"}}");
    try (Checkpoint c = Checkpoint.open(folder)) {
      assertThat(c.format()).isEqualTo("safetensors, sharded");
      assertThat(c.tensors().keySet()).containsExactly("w");
      assertThat(c.floats("w")).containsExactly(0, 1, 2, 3, 4, 5);
    }
  }

  @Test
  void anIndexMayNameOnlyFilesBesideIt() throws IOException {
    Path index = folder.resolve("model.safetensors.index.json");
    for (String shard : List.of("../model.safetensors", "/etc/hostname", "", ".", "a/b")) {
      Files.writeString(index, "{\"weight_map\": {\"w\": \"" + shard + "\"}}");
      assertThatThrownBy(() -> Checkpoint.open(index))
          .isInstanceOf(WeightsRefused.class)
          .hasMessageContaining("the shard " + shard + " is not the plain name");
    }
    Files.writeString(index, "{\"weight_map\": {\"v\": \"model.safetensors\"}}");
    assertThatThrownBy(() -> Checkpoint.open(index))
        .isInstanceOf(WeightsRefused.class)
        .hasMessageContaining("model.safetensors has no tensor v");
  }

  @Test
  void aMissingFileIsRefusedByName() {
    Path missing = folder.resolve("missing.gguf");
    assertThatThrownBy(() -> Checkpoint.open(missing))
        .isInstanceOf(WeightsRefused.class)
        .hasMessageContaining(missing.toString())
        .hasMessageContaining("no such file");
  }

  @Test
  void infosAreEqualByContent() {
    TensorInfo info = new TensorInfo("w", DType.Q4_1, new long[] {3, 64});
    assertThat(info).isEqualTo(new TensorInfo("w", DType.Q4_1, new long[] {3, 64}));
    assertThat(info).hasSameHashCodeAs(new TensorInfo("w", DType.Q4_1, new long[] {3, 64}));
    assertThat(info).isNotEqualTo(new TensorInfo("w", DType.Q4_1, new long[] {64, 3}));
    assertThat(info.elements()).isEqualTo(192);
    assertThat(info.bytes()).isEqualTo(6 * 20);
    assertThat(Arrays.stream(info.shape()).sum()).isEqualTo(67);
  }
}
