package org.radialog.loop.toy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.loop.EventReader;
import org.radialog.loop.TrainingLoop;
import org.radialog.testing.ChildRun;
import org.radialog.testing.Kill;
import org.radialog.torch.TorchThreads;

/** Runs in JVMs of their own that the system kills, or whose files may not grow. */
class KilledRunTest {
  private static final int KILLS = 4;
  // Of each of the two stages: more than all children together can make before they are killed.
  private static final int STEPS = 14;
  private static final int BALLAST = 1 << 19; // numbers, 2 MiB
  private static final int LARGEST = 1024; // KiB that a file may have on the full disk

  @TempDir private static Path once;
  @TempDir private Path folder;

  @BeforeAll
  static void trainWithoutInterruption() {
    run(once, Progress.NONE);
  }

  @Test
  void aRunKilledAtAnyMomentsEndsWithTheSameBits() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    Path killed = folder.resolve("killed");
    StringBuilder moments = new StringBuilder("seed " + seed);
    for (int kill = 0; kill < KILLS; kill++) {
      int steps = 1 + random.nextInt(5);
      // a row of the table, whose files take most of the time, is a matter of tens of milliseconds
      int micros = random.nextInt(60_000);
      moments.append("; after %d steps and %d us".formatted(steps, micros));
      try (ChildRun child = start(List.of(), killed)) {
        child.kill(steps, micros, moments.toString());
      }
    }
    run(killed, Progress.NONE);
    assertSame(killed, moments.toString());
  }

  @Test
  void aFullDiskCostsNoMoreThanTheNewestCheckpoint() throws Exception {
    Path full = folder.resolve("full");
    // the checkpoint after the second step is the last
    assertThatThrownBy(() -> run(full, new Kill("first 1/3", 3))).isInstanceOf(Kill.Killed.class);
    Path checkpoint = full.resolve("checkpoint.safetensors");
    byte[] before = Files.readAllBytes(checkpoint);

    try (ChildRun child =
        start(
            List.of("bash", "-c", "ulimit -f %d; exec \"$@\"".formatted(LARGEST), "bash"), full)) {
      assertThat(child.end()).isEqualTo(3);
      assertThat(child.said()).contains("radialog: cannot write " + checkpoint + ": ");
    }
    assertThat(Files.readAllBytes(checkpoint)).isEqualTo(before);

    run(full, Progress.NONE);
    assertSame(full, "after the full disk");
  }

  private void assertSame(Path run, String moments) throws IOException {
    for (String product : List.of("first.safetensors", "second.safetensors")) {
      assertThat(Files.mismatch(once.resolve(product), run.resolve(product)))
          .as("%s, %s", product, moments)
          .isEqualTo(-1);
    }
    assertThat(measured(run)).as(moments).isEqualTo(measured(once)).hasSize(1 + STEPS);
    assertThat(scalars(run)).as(moments).isEqualTo(scalars(once)).hasSize(STEPS);
    assertThat(names(run))
        .as("files that killed writers leave: %s", moments)
        .isEqualTo(names(once));
  }

  private static List<String> names(Path run) throws IOException {
    try (Stream<Path> files = Files.list(run)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  /** The step and the scalars of each row, as TensorBoard gets them. */
  private static List<String> scalars(Path run) throws IOException {
    return EventReader.read(run.resolve("events.out.tfevents.radialog")).stream()
        .skip(1)
        .map(event -> event.step() + " " + event.scalars())
        .toList();
  }

  /** The table without the column with the seconds. */
  private static List<String> measured(Path run) throws IOException {
    return Files.readAllLines(run.resolve("metrics.csv")).stream()
        .map(line -> line.replaceFirst("^([^,]*,[^,]*,[^,]*,)[^,]*,", "$1"))
        .toList();
  }

  private static void run(Path run, Progress progress) {
    try (TorchThreads _ = TorchThreads.of(1);
        TrainingLoop loop = TrainingLoop.open(run, new Told("numbers"), progress);
        ToyStage first = new ToyStage("first", STEPS, 0).heavier(BALLAST);
        ToyStage second = new ToyStage("second", STEPS, 0).heavier(BALLAST)) {
      loop.run("toy", List.of(first, second));
    }
  }

  private record Told(String data) {}

  private ChildRun start(List<String> before, Path run) {
    return new ChildRun(before, Child.class, folder.resolve("said"), run.toString());
  }

  /** What a child runs. */
  static final class Child {
    private Child() {}

    public static void main(String[] arguments) {
      ChildRun.train("", progress -> run(Path.of(arguments[0]), progress));
    }
  }
}
