package org.radialog.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;

/**
 * A changed file of any format is either read, with every tensor whole and inside the file, or
 * refused; nothing else is thrown, and little memory and time are spent on it. Half of the changes
 * are to a field behind a valid header, half to bytes anywhere. Other mutants: {@code
 * -Dradialog.mutation.seed=N -Dradialog.mutation.count=N}.
 */
class MutationTest {
  private static final long SEED = Long.getLong("radialog.mutation.seed", 20261125);
  private static final int COUNT = Integer.getInteger("radialog.mutation.count", 120_000);
  private static final int THREADS = 2;

  /** Of heap, for the opening, and for each tensor's reading. */
  private static final long MAX_ALLOCATION = 64L << 20;

  /** Of the thread's own time, so that other work on the machine does not count. */
  private static final long MAX_NANOSECONDS = Duration.ofSeconds(1).toNanos();

  /** A view that repeats elements may have so many bytes, whatever the file's size. */
  private static final long SMALL_VIEW = 1 << 20;

  /** Where a thread's changed file lies: native, so that addresses tell what is inside it. */
  private static final ThreadLocal<MemorySegment> FILE =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(1 << 22));

  private static final ThreadMXBean THREAD = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private interface Opening {
    Checkpoint.Contents open(byte[] bytes) throws IOException;
  }

  /** A well-formed file, how to open a changed one in its place, and how to change its fields. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Subject(String name, byte[] bytes, Opening opening, Mutation fields) {}

  private static final List<Subject> SUBJECTS = new ArrayList<>();

  @TempDir private static Path folder = Path.of("");

  @BeforeAll
  static void collect() throws IOException {
    SUBJECTS.clear();
    String other = System.getProperty("radialog.golden", "");
    Path golden =
        other.isEmpty() ? Path.of(System.getProperty("radialog.root"), "golden") : Path.of(other);
    Map<String, byte[]> files = new HashMap<>(SmallFiles.all(folder));
    if (Files.isDirectory(golden.resolve("checkpoints"))) {
      try (Stream<Path> children = Files.list(golden.resolve("checkpoints"))) {
        for (Path file : children.filter(Files::isRegularFile).sorted().toList()) {
          files.put(file.getFileName().toString(), Files.readAllBytes(file));
        }
      }
    }
    for (String name : files.keySet().stream().sorted().toList()) {
      add(name, files);
    }
    for (Subject subject : SUBJECTS) {
      // Loading classes allocates and takes time, too: not to be counted below. And each file is
      // whole before it is changed.
      Checkpoint checkpoint =
          Checkpoint.of(Path.of(subject.name), subject.opening.open(subject.bytes));
      for (TensorInfo info : checkpoint.tensors().values()) {
        if (info.foreign().isPresent()) {
          assertThatThrownBy(() -> checkpoint.doubles(info.name()))
              .isInstanceOf(RadialogException.class)
              .hasMessageContaining("cannot compute with");
        } else {
          assertThat((long) checkpoint.doubles(info.name()).length).isEqualTo(info.elements());
        }
      }
    }
  }

  private static void add(String name, Map<String, byte[]> files) {
    byte[] bytes = files.getOrDefault(name, new byte[0]);
    Path path = Path.of(name);
    Opening alone = b -> Formats.readBytes(path, placed(b));
    if (name.endsWith(".index.json")) {
      SUBJECTS.add(
          new Subject(
              name, bytes, b -> Sharded.read(path, b, shards(files)), new JsonMutation(false)));
      // A shard that is changed under an index that is not.
      files.keySet().stream()
          .filter(shard -> shard.contains("-of-"))
          .sorted()
          .forEach(shard ->
              SUBJECTS.add(
                  new Subject(
                      name + " over " + shard,
                      files.getOrDefault(shard, new byte[0]),
                      b -> {
                        Sharded.Shards others = shards(files);
                        return Sharded.read(
                            path,
                            bytes,
                            file ->
                                file.getFileName().toString().equals(shard)
                                    ? Formats.readBytes(file, placed(b))
                                    : others.read(file));
                      },
                      new JsonMutation(true))));
    } else if (name.endsWith(".safetensors")) {
      SUBJECTS.add(new Subject(name, bytes, alone, new JsonMutation(true)));
    } else if (name.endsWith(".gguf")) {
      SUBJECTS.add(new Subject(name, bytes, alone, Mutation.Gguf.of(bytes)));
    } else if (ZipArchive.starts(MemorySegment.ofArray(bytes))) {
      SUBJECTS.add(new Subject(name, bytes, alone, ZipMutation.of(bytes)));
    } else {
      // The old format has five pickles: magic number, protocol, machine, content, keys.
      int pickles = name.startsWith("legacy") ? 5 : 1;
      SUBJECTS.add(new Subject(name, bytes, alone, new PickleMutation(pickles)));
    }
  }

  private static MemorySegment placed(byte[] bytes) {
    MemorySegment file = FILE.get().asSlice(0, bytes.length);
    return file.copyFrom(MemorySegment.ofArray(bytes)).asReadOnly();
  }

  private static Sharded.Shards shards(Map<String, byte[]> files) {
    return path -> {
      byte[] bytes = files.get(path.getFileName().toString());
      if (bytes == null) {
        throw new WeightsRefused(path, "there is no such file");
      }
      return Formats.readBytes(path, MemorySegment.ofArray(bytes));
    };
  }

  @Test
  void aChangedFileIsReadInsideItsBoundsOrRefused() throws InterruptedException {
    AtomicInteger read = new AtomicInteger();
    List<Future<?>> running = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      for (int t = 0; t < THREADS; t++) {
        int first = t;
        running.add(
            threads.submit(() -> {
              for (int i = first; i < COUNT; i += THREADS) {
                if (isRead(i)) {
                  read.incrementAndGet();
                }
              }
            }));
      }
      for (Future<?> thread : running) {
        try {
          thread.get();
        } catch (ExecutionException e) {
          threads.shutdownNow();
          throw new AssertionError(e.getCause());
        }
      }
    }
    System.out.println(
        COUNT + " mutants of " + SUBJECTS.size() + " files: " + read + " read, the rest refused");
    // Changes that no reader notices, or that make every file unreadable, would test little.
    assertThat(read.get()).isBetween(COUNT / 20, COUNT * 3 / 4);
  }

  /** Whether mutant {@code i} is read, otherwise refused. */
  private static boolean isRead(int i) {
    SplittableRandom random = new SplittableRandom(SEED * 1_000_003 + i);
    Subject subject = SUBJECTS.get(random.nextInt(SUBJECTS.size()));
    StringBuilder change = new StringBuilder();
    Mutation.Blind[] blind = Mutation.Blind.values();
    Mutation mutation = i / THREADS % 2 == 0 ? subject.fields : blind[random.nextInt(blind.length)];
    try {
      byte[] bytes = mutation.apply(subject.bytes, random, change);
      return isRead(subject, bytes);
    } catch (Throwable e) {
      throw new AssertionError(
          "mutant " + i + " of seed " + SEED + ": " + subject.name + ", " + change, e);
    }
  }

  private static boolean isRead(Subject subject, byte[] bytes) throws IOException {
    long time = THREAD.getCurrentThreadCpuTime();
    long before = THREAD.getCurrentThreadAllocatedBytes();
    boolean isRead;
    try {
      Checkpoint checkpoint = Checkpoint.of(Path.of("mutant"), subject.opening.open(bytes));
      assertAllocation("to open it", before);
      for (TensorInfo info : checkpoint.tensors().values()) {
        // A tensor may repeat elements, so each is measured for itself.
        long beforeTensor = THREAD.getCurrentThreadAllocatedBytes();
        assertInside(info, checkpoint.bytes(info.name()), bytes);
        if (info.foreign().isPresent()) {
          assertThatThrownBy(() -> checkpoint.doubles(info.name()))
              .isInstanceOf(RadialogException.class)
              .hasMessageContaining("cannot compute with");
        } else {
          assertThat((long) checkpoint.doubles(info.name()).length).isEqualTo(info.elements());
        }
        assertAllocation("to read " + info, beforeTensor);
      }
      isRead = true;
    } catch (WeightsRefused e) {
      assertAllocation("to refuse it", before);
      assertThat(e.getMessage()).contains(" is refused: ").hasSizeLessThan(1000);
      isRead = false;
    }
    assertThat(THREAD.getCurrentThreadCpuTime() - time).as("time").isLessThan(MAX_NANOSECONDS);
    return isRead;
  }

  private static void assertAllocation(String what, long before) {
    assertThat(THREAD.getCurrentThreadAllocatedBytes() - before)
        .as("bytes allocated %s", what)
        .isLessThan(MAX_ALLOCATION);
  }

  private static void assertInside(TensorInfo info, MemorySegment tensor, byte[] file) {
    assertThat(tensor.byteSize()).isEqualTo(info.bytes());
    // A view of the file, of an unchanged shard beside it, or gathered.
    assertThat(tensor.byteSize()).isLessThanOrEqualTo(Math.max(SMALL_VIEW, file.length));
    long begin = FILE.get().address();
    if (tensor.isNative()
        && tensor.address() >= begin
        && tensor.address() < begin + FILE.get().byteSize()) {
      assertThat(tensor.address() + tensor.byteSize())
          .as("end of %s", info)
          .isLessThanOrEqualTo(begin + file.length);
    }
  }
}
