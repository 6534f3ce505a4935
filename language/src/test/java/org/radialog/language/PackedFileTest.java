package org.radialog.language;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.radialog.base.RadialogException;
import org.radialog.testing.GoldenWeights;
import org.radialog.weights.DType;
import org.radialog.weights.TensorInfo;

/** Files of packed weights, whole and damaged: none gives other weights than were packed. */
class PackedFileTest {
  private static final LlamaConfig CONFIG =
      new LlamaConfig(70, 64, 2, 4, 2, 16, 96, 1e-5, 10_000, Optional.empty(), false, 128);
  private static final LlamaWeights WEIGHTS = new Drawn(CONFIG);

  @TempDir private Path folder = Path.of("");

  private record Drawn(LlamaConfig config) implements LlamaWeights {
    @Override
    public TensorInfo info(String name) {
      return new TensorInfo(name, DType.F32, java.util.Objects.requireNonNull(shapes().get(name)));
    }

    @Override
    public MemorySegment bytes(String name) {
      return MemorySegment.ofArray(floats(name));
    }

    @Override
    public float[] floats(String name, int firstRow, int rows) {
      long[] shape = info(name).shape();
      int columns = shape.length == 1 ? 1 : (int) shape[1];
      return Arrays.copyOfRange(
          GoldenWeights.fill("packed", name, shape),
          firstRow * columns,
          (firstRow + rows) * columns);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"INT8", "INT4"})
  void aDamagedFileOfGroupsIsAsGoodAsNone(Precision precision) throws IOException {
    Path file = folder.resolve("packed");
    LlamaDecoder.pack(file, "key", WEIGHTS, Optional.empty(), false, precision);
    byte[] whole = Files.readAllBytes(file);
    damages(whole)
        .forEach((damage, bytes) -> {
          write(file, bytes);
          assertThat(LlamaDecoder.packed(file, "key", WEIGHTS, precision)).as(damage).isEmpty();
        });
    write(file, whole);
    try (LlamaDecoder decoder =
        LlamaDecoder.packed(file, "key", WEIGHTS, precision).orElseThrow()) {
      assertThat(decoder.weightBytes()).isPositive();
    }
    assertThat(LlamaDecoder.equal(file, "key", WEIGHTS, Optional.empty(), false, precision))
        .contains(true);
  }

  @Test
  void aDamagedFileOfConvertedTensorsIsRefusedOrAnothers() throws IOException {
    Path file = folder.resolve("packed.safetensors");
    try (Llama llama = LlamaLoading.of(WEIGHTS, Precision.BF16)) {
      LlamaLoading.pack(llama, file, () -> "key");
    }
    byte[] whole = Files.readAllBytes(file);
    damages(whole)
        .forEach((damage, bytes) -> {
          write(file, bytes);
          try {
            Optional<Llama> taken = LlamaLoading.packed(file, "key", WEIGHTS, Precision.BF16);
            taken.ifPresent(Llama::close);
            assertThat(taken).as(damage).isEmpty();
          } catch (RadialogException e) {
            assertThat(e).as(damage).hasMessageContaining(file.toString());
          }
        });
    write(file, whole);
    Optional<Llama> taken = LlamaLoading.packed(file, "key", WEIGHTS, Precision.BF16);
    assertThat(taken).isPresent();
    taken.orElseThrow().close();
  }

  private static void write(Path file, byte[] bytes) {
    try {
      Files.delete(file); // what is mapped by another test stays as it was
      Files.write(file, bytes);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  // What a power cut, a failing disk, a killed copy or another version makes of a file.
  private static Map<String, byte[]> damages(byte[] whole) {
    Map<String, byte[]> damages = new LinkedHashMap<>();
    damages.put("it is empty", new byte[0]);
    damages.put("it is cut by a byte", Arrays.copyOf(whole, whole.length - 1));
    damages.put("it is cut in its header", Arrays.copyOf(whole, 40));
    damages.put("it is longer", Arrays.copyOf(whole, whole.length + 4096));
    for (int part = 0; part < 8; part++) {
      byte[] zeroed = whole.clone();
      int from = (int) ((long) whole.length * part / 8);
      Arrays.fill(zeroed, from, whole.length, (byte) 0);
      damages.put("it is zero from byte " + from + " on", zeroed);
    }
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < 200; i++) {
      byte[] flipped = whole.clone();
      int at = i < 40 ? i : random.nextInt(whole.length);
      flipped[at] ^= (byte) (1 << random.nextInt(8));
      if (whole[at] != 0 && whole[at] != ' ') { // padding is read by nobody
        damages.put("a bit of byte " + at + " is flipped", flipped);
      }
    }
    return damages;
  }
}
