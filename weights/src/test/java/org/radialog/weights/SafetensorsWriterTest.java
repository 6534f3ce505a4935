package org.radialog.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.radialog.base.RadialogException;

class SafetensorsWriterTest {
  private static final Map<String, String> NO_METADATA = Map.of();

  @Test
  void metadataTensorsAndShapesComeBack() throws IOException {
    SequencedMap<String, SafetensorsWriter.Entry> tensors = new LinkedHashMap<>();
    tensors.put(
        "mask",
        new SafetensorsWriter.Entry(
            DType.BOOL, new long[] {3}, MemorySegment.ofArray(new byte[] {1, 0, 1})));
    tensors.put(
        "naïve/key",
        SafetensorsWriter.Entry.of(
            DType.F32, new float[] {1, -0f, Float.NaN, Float.MIN_VALUE}, 2, 2));
    tensors.put("ids", SafetensorsWriter.Entry.of(new long[] {-1, 1L << 40}, 2));
    tensors.put("scalar", SafetensorsWriter.Entry.of(DType.BF16, new float[] {2.5f}));
    tensors.put("empty", SafetensorsWriter.Entry.of(DType.F16, new float[0], 0, 7));
    inFile(file -> {
      SafetensorsWriter.write(file, Map.of("note", "Grüße \"quoted\"\n"), tensors);
      try (Checkpoint c = Checkpoint.open(file)) {
        assertThat(c.metadata()).isEqualTo(Map.of("note", "Grüße \"quoted\"\n"));
        assertThat(c.tensors().keySet())
            .containsExactlyInAnyOrder("mask", "naïve/key", "ids", "scalar", "empty");
        assertThat(c.longs("mask")).containsExactly(1, 0, 1);
        assertThat(c.floats("naïve/key")).containsExactly(1, -0f, Float.NaN, Float.MIN_VALUE);
        assertThat(c.longs("ids")).containsExactly(-1, 1L << 40);
        assertThat(c.tensor("scalar").shape()).isEmpty();
        assertThat(c.floats("scalar")).containsExactly(2.5f);
        assertThat(c.tensor("empty").shape()).containsExactly(0, 7);
        assertThat(c.floats("empty")).isEmpty();
      }
    });
  }

  @Test
  void everyTensorIsAlignedToItsElements() throws IOException {
    SequencedMap<String, SafetensorsWriter.Entry> tensors = new LinkedHashMap<>();
    tensors.put(
        "odd",
        new SafetensorsWriter.Entry(
            DType.U8, new long[] {5}, MemorySegment.ofArray(new byte[] {1, 2, 3, 4, 5})));
    tensors.put("half", SafetensorsWriter.Entry.of(DType.F16, new float[] {1, 2, 3}, 3));
    tensors.put("wide", SafetensorsWriter.Entry.of(new long[] {7}, 1));
    tensors.put("float", SafetensorsWriter.Entry.of(DType.F32, new float[] {1}, 1));
    inFile(file -> {
      SafetensorsWriter.write(file, NO_METADATA, tensors);
      byte[] raw = Files.readAllBytes(file);
      long header = ByteBuffer.wrap(raw).order(ByteOrder.LITTLE_ENDIAN).getLong();
      assertThat(header % 8).isZero();
      try (Checkpoint c = Checkpoint.open(file)) {
        // A mapped file begins at a page, so addresses tell the place in the file.
        for (TensorInfo info : c.tensors().values()) {
          assertThat(c.bytes(info.name()).address() % info.dtype().blockBytes()).isZero();
        }
      }
    });
  }

  @Test
  void theSameInputGivesTheSameBytes() throws IOException {
    SequencedMap<String, SafetensorsWriter.Entry> tensors = new LinkedHashMap<>();
    tensors.put("b", SafetensorsWriter.Entry.of(DType.F32, new float[] {1, 2}, 2));
    tensors.put("a", SafetensorsWriter.Entry.of(DType.F32, new float[] {3}, 1));
    inFile(file -> {
      SafetensorsWriter.write(file, NO_METADATA, tensors);
      byte[] first = Files.readAllBytes(file);
      SafetensorsWriter.write(file, NO_METADATA, tensors);
      assertThat(Files.readAllBytes(file)).isEqualTo(first);
    });
  }

  @Test
  void whatCannotBeWrittenIsRefused() throws IOException {
    MemorySegment bytes = MemorySegment.ofArray(new byte[20]);
    assertThatThrownBy(() -> new SafetensorsWriter.Entry(DType.Q4_1, new long[] {32}, bytes))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("Q4_1[32]");
    assertThatThrownBy(() -> new SafetensorsWriter.Entry(DType.F32, new long[] {2, 3}, bytes))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("F32[2, 3] of 20 bytes");
    SequencedMap<String, SafetensorsWriter.Entry> reserved = new LinkedHashMap<>();
    reserved.put("__metadata__", SafetensorsWriter.Entry.of(new long[] {1}, 1));
    inFile(file ->
        assertThatThrownBy(() -> SafetensorsWriter.write(file, NO_METADATA, reserved))
            .isInstanceOf(RadialogException.class)
            .hasMessageContaining("__metadata__"));
  }

  /** The nearest bf16 number differs by at most half a unit in the last of 8 bits. */
  @Property(tries = 200)
  void bfloat16IsTheNearest(@ForAll @Size(min = 1, max = 9) float[] values) throws IOException {
    SequencedMap<String, SafetensorsWriter.Entry> tensors = new LinkedHashMap<>();
    tensors.put("w", SafetensorsWriter.Entry.of(DType.BF16, values, values.length));
    inFile(file -> {
      SafetensorsWriter.write(file, NO_METADATA, tensors);
      try (Checkpoint c = Checkpoint.open(file)) {
        float[] rounded = c.floats("w");
        for (int i = 0; i < values.length; i++) {
          assertThat(rounded[i]).isEqualTo(nearestBfloat16(values[i]));
        }
      }
    });
  }

  // By comparison of the two neighbours instead of arithmetic on bits.
  private static float nearestBfloat16(float value) {
    float below = Float.intBitsToFloat(Float.floatToRawIntBits(value) & 0xffff0000);
    float above = Float.intBitsToFloat((Float.floatToRawIntBits(value) & 0xffff0000) + 0x10000);
    double toBelow = Math.abs((double) value - below);
    // The step from the largest finite number is as wide as the one before it.
    double toAbove =
        Float.isInfinite(above)
            ? Math.abs(Math.scalb(1.0, 128) - Math.abs((double) value))
            : Math.abs((double) above - value);
    boolean even = (Float.floatToRawIntBits(below) >>> 16 & 1) == 0;
    return toBelow < toAbove || (toBelow == toAbove && even) ? below : above;
  }

  private interface Use {
    void of(Path file) throws IOException;
  }

  // jqwik and JUnit share this one way to a temporary file.
  private static void inFile(Use use) throws IOException {
    Path file = Files.createTempFile("written", ".safetensors");
    try {
      use.of(file);
    } finally {
      Files.delete(file);
    }
  }
}
