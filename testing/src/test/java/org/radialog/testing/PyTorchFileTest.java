package org.radialog.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;

class PyTorchFileTest {
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  @TempDir private Path folder = Path.of("");

  @Test
  void aTreeIsReadAsItWasWritten() {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("w", Weight.floats(DType.F32, new float[] {1, 2, 3, 4, 5, 6}, 2, 3));
    tree.put("half", Weight.floats(DType.F16, new float[] {0.1f}, 1));
    tree.put("brain", Weight.floats(DType.BF16, new float[] {0.1f}, 1));
    tree.put("ids", Weight.longs(i -> 10 - i, 3));
    tree.put("scalar", Weight.floats(DType.F32, new float[] {7}));
    tree.put("small", 200);
    tree.put("medium", 60_000);
    tree.put("negative", -5);
    tree.put("large", 1L << 40);
    tree.put("rate", 0.36);
    tree.put("on", true);
    tree.put("nothing", PyTorchFile.None.NONE);
    tree.put("list", List.of("a", "a", 1));
    tree.put("pair", new PyTorchFile.Tuple(List.of(0.9, 0.999)));
    tree.put("ordered", new PyTorchFile.OrderedDict(Map.of("k", "v")));
    try (Checkpoint c = written(tree)) {
      assertThat(c.format()).isEqualTo("PyTorch zip");
      assertThat(c.floats("w")).containsExactly(1, 2, 3, 4, 5, 6);
      assertThat(c.tensor("w").shape()).containsExactly(2, 3);
      assertThat(c.tensor("half").dtype()).isEqualTo(DType.F16);
      assertThat(c.floats("half")).containsExactly(0x1.998p-4f);
      assertThat(c.tensor("brain").dtype()).isEqualTo(DType.BF16);
      assertThat(c.floats("brain")).containsExactly(0x1.9ap-4f);
      assertThat(c.longs("ids")).containsExactly(10, 9, 8);
      assertThat(c.tensor("scalar").shape()).isEmpty();
      assertThat(c.metadata())
          .containsEntry("small", 200L)
          .containsEntry("medium", 60_000L)
          .containsEntry("negative", -5L)
          .containsEntry("large", 1L << 40)
          .containsEntry("rate", 0.36)
          .containsEntry("on", true)
          .containsEntry("nothing", Optional.empty())
          .containsEntry("list", List.of("a", "a", 1L))
          .containsEntry("pair", List.of(0.9, 0.999))
          .containsEntry("ordered", Map.of("k", "v"));
    }
  }

  @Test
  void aStorageMayBeSharedAndATensorMayBeAParameter() throws IOException {
    Weight storage = Weight.floats(DType.F32, new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("whole", storage);
    tree.put("tied", storage);
    tree.put("tail", new PyTorchFile.View(storage, 3, new long[] {3}, new long[] {1}));
    tree.put("turned", new PyTorchFile.View(storage, 0, new long[] {3, 2}, new long[] {1, 3}));
    tree.put("parameter", new PyTorchFile.Parameter(storage));
    try (Checkpoint c = written(tree)) {
      assertThat(c.floats("tied")).containsExactly(1, 2, 3, 4, 5, 6);
      assertThat(c.floats("tail")).containsExactly(4, 5, 6);
      assertThat(c.floats("turned")).containsExactly(1, 4, 2, 5, 3, 6);
      assertThat(c.floats("parameter")).containsExactly(1, 2, 3, 4, 5, 6);
      assertThat(c.bytes("tail").address()).isEqualTo(c.bytes("whole").address() + 12);
    }
    try (ZipFile zip = new ZipFile(folder.resolve("file.pt").toFile())) {
      assertThat(zip.stream().map(ZipEntry::getName).filter(n -> n.startsWith("file/data/")))
          .containsExactly("file/data/0");
    }
  }

  @Test
  void objectsOfUnknownClassesStayWhatTheFileSaysOfThem() {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("w", Weight.floats(DType.F32, new float[] {1}, 1));
    tree.put("class", new PyTorchFile.ClassName("some.module", "Callback"));
    tree.put(
        "object",
        new PyTorchFile.Instance(
            new PyTorchFile.ClassName("some.module", "Settings"),
            Map.of("item", 1),
            Map.of("rate", 2)));
    try (Checkpoint c = written(tree)) {
      assertThat(c.metadata())
          .containsEntry("class", "class some.module.Callback")
          .containsEntry(
              "object", Map.of("__class__", "some.module.Settings", "item", 1L, "rate", 2L));
    }
  }

  @Test
  void manyEntriesAreWrittenInBatches() {
    Map<String, Object> tree = new LinkedHashMap<>();
    for (int i = 0; i < 2500; i++) {
      tree.put("w" + i, Weight.floats(DType.F32, new float[] {i}, 1));
    }
    try (Checkpoint c = written(tree)) {
      assertThat(c.tensors()).hasSize(2500);
      assertThat(c.floats("w0")).containsExactly(0);
      assertThat(c.floats("w2499")).containsExactly(2499);
    }
  }

  /**
   * The JDK's reader verifies the checksums; the addresses of the mapped file show the alignment.
   */
  @Test
  void checksumsAreRightAndDataAreAligned() throws IOException {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("odd", Weight.floats(DType.F16, new float[] {1, 2, 3}, 3));
    tree.put("next", Weight.floats(DType.F32, new float[] {1, 2, 3}, 3));
    try (Checkpoint c = written(tree)) {
      assertThat(c.bytes("odd").address() % 64).isZero();
      assertThat(c.bytes("next").address() % 64).isZero();
    }
    try (ZipFile zip = new ZipFile(folder.resolve("file.pt").toFile())) {
      for (ZipEntry entry : zip.stream().toList()) {
        try (InputStream in = zip.getInputStream(entry)) {
          assertThat((long) in.readAllBytes().length).isEqualTo(entry.getSize());
        }
      }
      assertThat(zip.stream().map(ZipEntry::getName))
          .contains("file/data.pkl", "file/byteorder", "file/version");
    }
  }

  /** Uses more elements than one chunk: chunks must not overlap or leave gaps. */
  @Test
  void aTensorOfManyChunksHasTheFormulasValues() {
    long[] shape = {1237, 1024};
    try (Checkpoint c = written(Map.of("w", Weight.formula("salt", "key", DType.F32, shape)))) {
      assertThat(c.floats("w")).isEqualTo(GoldenWeights.fill("salt", "key", shape));
    }
  }

  /**
   * A tensor of more than 4 GiB followed by another one. The file is sparse, so it takes little
   * disk space.
   */
  @Test
  void filesBeyondFourGigabytesAreRead() throws IOException {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("huge", Weight.longs(i -> i == (1L << 29) + 4 ? 42 : 0, (1L << 29) + 5));
    tree.put("behind", Weight.floats(DType.F32, new float[] {1, 2}, 2));
    Path file = folder.resolve("huge.pt");
    try (FileChannel channel =
            FileChannel.open(
                file,
                StandardOpenOption.CREATE_NEW,
                StandardOpenOption.WRITE,
                StandardOpenOption.SPARSE);
        OutputStream out = new WithHoles(channel)) {
      PyTorchFile.write(out, "huge", "cpu", tree);
    }
    try (Checkpoint c = Checkpoint.open(file)) {
      assertThat(c.tensor("huge").shape()).containsExactly((1L << 29) + 5);
      MemorySegment end = c.bytes("huge").asSlice((1L << 32) + 24, 16);
      assertThat(end.get(LONG, 0)).isZero();
      assertThat(end.get(LONG, 8)).isEqualTo(42);
      assertThat(c.floats("behind")).containsExactly(1, 2);
    }
  }

  private Checkpoint written(Map<String, ?> tree) {
    Path file = folder.resolve("file.pt");
    PyTorchFile.write(file, "cpu", tree);
    return Checkpoint.open(file);
  }

  private static final class WithHoles extends OutputStream {
    private final FileChannel channel;
    private byte[] zeros = new byte[0];

    WithHoles(FileChannel channel) {
      this.channel = channel;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
      if (zeros.length < length) {
        zeros = new byte[length];
      }
      if (length > 1 << 16 && Arrays.equals(bytes, from, from + length, zeros, 0, length)) {
        channel.position(channel.position() + length);
      } else {
        ByteBuffer left = ByteBuffer.wrap(bytes, from, length);
        while (left.hasRemaining()) {
          channel.write(left);
        }
      }
    }
  }
}
