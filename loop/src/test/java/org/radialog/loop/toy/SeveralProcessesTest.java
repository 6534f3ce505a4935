package org.radialog.loop.toy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.loop.TrainingLoop;
import org.radialog.loop.Workers;
import org.radialog.torch.ProcessGroup;
import org.radialog.torch.TorchThreads;
import org.radialog.weights.Checkpoint;

/** Trainings of several processes, each a JVM of its own, which share the batches of a stage. */
class SeveralProcessesTest {
  private static final int NEVER = -1;
  private static final int BEFORE_JOINING = -2;

  @TempDir private Path folder;

  private final List<Process> started = new ArrayList<>();

  @AfterEach
  void endAll() {
    started.forEach(process -> {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    });
  }

  @Test
  void theSharesAreTheBatchAndTheirGradientsThoseOfOneProcess() throws Exception {
    Files.createDirectories(folder.resolve("one"));
    train(folder.resolve("one"), NEVER, ProcessGroup.alone());
    ended(start("three", NEVER, 3, 1, 0, ""));

    List<String> seen = new ArrayList<>();
    for (int rank = 0; rank < 3; rank++) {
      List<String> own = Files.readAllLines(folder.resolve("three/seen-" + rank));
      assertThat(own).hasSizeBetween(2 * SharedStage.STEPS, 3 * SharedStage.STEPS);
      seen.addAll(own);
    }
    assertThat(seen)
        .containsExactlyInAnyOrderElementsOf(Files.readAllLines(folder.resolve("one/seen-0")));
    // a gradient of one process overflows in one step, which all skip
    for (String run : List.of("one", "three")) {
      try (Checkpoint left =
          Checkpoint.open(folder.resolve(run).resolve("checkpoint.safetensors"))) {
        assertThat(left.metadata())
            .containsEntry("skipped_steps", "1")
            .containsEntry("loss_scale", "32768.0")
            .containsEntry("optimizer_steps", String.valueOf(SharedStage.STEPS - 1));
      }
    }
    // the stage that cannot be shared is learned as by one process
    assertThat(mismatch("first.safetensors", "one", "three")).isEqualTo(-1);
    try (Checkpoint one = Checkpoint.open(folder.resolve("one/shared.safetensors"));
        Checkpoint three = Checkpoint.open(folder.resolve("three/shared.safetensors"))) {
      assertThat(one.tensors()).containsKey("gradient.weight");
      double largest = 0;
      double difference = 0;
      for (String name : one.tensors().keySet()) {
        float[] expected = one.floats(name);
        float[] found = three.floats(name);
        for (int i = 0; i < expected.length; i++) {
          largest = Math.max(largest, Math.abs(expected[i]));
          difference = Math.max(difference, Math.abs((double) expected[i] - found[i]));
        }
      }
      assertThat(difference).isLessThan(1e-6 * largest);
    }
  }

  @Test
  void aDeadProcessEndsTheTrainingInOneLineAndTheSameCommandGoesOnToTheSameBits() throws Exception {
    ended(start("whole", NEVER, 2, 1, 0, ""));
    Process dying = start("died", 6, 2, 1, 0, "");

    assertThat(failed(dying))
        .isEqualTo(
            "radialog: process 1 of 2 ended with exit code 9: radialog: the disk is full; the run"
                + " folder keeps the last checkpoint, and the same command resumes from it");
    try (Checkpoint left = Checkpoint.open(folder.resolve("died/checkpoint.safetensors"))) {
      assertThat(left.metadata()).containsEntry("stage", "shared").containsEntry("step", "6");
    }
    ended(start("died", NEVER, 2, 1, 0, ""));
    assertThat(mismatch("shared.safetensors", "whole", "died")).isEqualTo(-1);

    // two machines, by two addresses of this one
    String meeting = "127.0.0.2:" + freePort();
    Process first = start("machines", NEVER, 1, 2, 0, meeting);
    Process second = start("machines", NEVER, 1, 2, 1, meeting);
    ended(first);
    ended(second);
    assertThat(mismatch("shared.safetensors", "whole", "machines")).isEqualTo(-1);
  }

  @Test
  void aProcessThatCannotEvenBeginIsNamedAtOnce() throws Exception {
    assertThat(failed(start("run", BEFORE_JOINING, 2, 1, 0, "")))
        .startsWith("radialog: process 1 of 2 ended with exit code 3: radialog: no film;");
  }

  private long mismatch(String file, String one, String other) throws IOException {
    return Files.mismatch(folder.resolve(one).resolve(file), folder.resolve(other).resolve(file));
  }

  private static void train(Path run, int dyingAt, ProcessGroup group) {
    try (TorchThreads _ = TorchThreads.of(1);
        TrainingLoop loop = TrainingLoop.open(run, new Told("numbers"), Progress.NONE, group);
        ToyStage alone = new ToyStage("first", 3, 0);
        SharedStage shared = new SharedStage(run, dyingAt)) {
      loop.run("toy", List.of(alone, shared));
    }
  }

  private record Told(String data) {}

  // ---------------------------------------------------------------- processes

  private Process start(String run, int dyingAt, int processes, int nodes, int node, String meeting)
      throws IOException {
    Files.createDirectories(folder.resolve(run));
    Stream<String> java =
        Stream.of(
            ProcessHandle.current().info().command().orElseThrow(),
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
            "-Djava.awt.headless=true",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-cp",
            System.getProperty("java.class.path"),
            Member.class.getName());
    Stream<String> told =
        Stream.concat(
            Stream.of(folder.resolve(run).toString()),
            Stream.concat(
                IntStream.of(dyingAt, processes, nodes, node).mapToObj(String::valueOf),
                Stream.of(meeting)));
    Process process =
        new ProcessBuilder(Stream.concat(java, told).toList())
            .redirectError(folder.resolve("said-" + started.size()).toFile())
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    started.add(process);
    return process;
  }

  private List<String> said(Process process) throws IOException {
    try (Stream<String> lines = Files.lines(folder.resolve("said-" + started.indexOf(process)))) {
      return lines.filter(line -> line.startsWith("radialog: ")).toList();
    }
  }

  private void ended(Process process) throws Exception {
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("it ended").isTrue();
    assertThat(process.exitValue()).as("%s", said(process)).isZero();
  }

  private String failed(Process process) throws Exception {
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("it ended").isTrue();
    assertThat(process.exitValue()).as("%s", said(process)).isEqualTo(3);
    assertThat(said(process)).hasSize(1);
    return said(process).getFirst();
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /** What each process runs, and how it fails, as the command line does. */
  static final class Member {
    private Member() {}

    public static void main(String[] arguments) {
      Thread.setDefaultUncaughtExceptionHandler((_, failure) -> end(failure));
      int dyingAt = Integer.parseInt(arguments[1]);
      if (dyingAt == BEFORE_JOINING && System.getProperty("radialog.worker") != null) {
        end(new RadialogException("no film"));
      }
      List<String> command = new ArrayList<>(List.of(Member.class.getName()));
      command.addAll(List.of(arguments));
      try {
        Workers.run(
            new Workers.Spread(
                Integer.parseInt(arguments[2]),
                Integer.parseInt(arguments[3]),
                Integer.parseInt(arguments[4]),
                Optional.of(arguments[5]).filter(at -> !at.isEmpty()),
                command),
            group -> train(Path.of(arguments[0]), dyingAt, group));
      } catch (RadialogException failure) {
        end(failure);
      }
      Runtime.getRuntime().halt(0);
    }

    private static void end(Throwable failure) {
      System.err.println("radialog: " + failure.getMessage());
      Runtime.getRuntime()
          .halt(failure instanceof RadialogException told ? told.kind().exitCode() : 4);
    }
  }
}
