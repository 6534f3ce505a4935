package org.radialog.torch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each try is a process of its own with an empty cache. */
class NativeLibrariesTest {
  @TempDir private Path cache;

  @Test
  void severalFirstStartsAtOnceAllLoadTheLibrary() throws Exception {
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      processes.add(start(List.of()));
    }
    for (Process process : processes) {
      ended(process);
      assertThat(process.exitValue()).as(output(process)).isZero();
    }
    assertThat(leftovers()).isEmpty();
  }

  @Test
  void aStartAfterOneThatWasKilledWhileUnpackingLoadsTheLibrary() throws Exception {
    Process killed = start(List.of());
    while (leftovers().isEmpty() && killed.isAlive()) {
      Thread.sleep(1);
    }
    killed.destroyForcibly().waitFor();
    assertThat(leftovers()).isNotEmpty();

    Process next = start(List.of());
    ended(next);
    assertThat(next.exitValue()).as(output(next)).isZero();
    assertThat(leftovers()).isEmpty();
  }

  @Test
  void aCacheThatIsTooSmallIsOneClearErrorAndLeavesNothingHalf() throws Exception {
    // No file may grow beyond 10 MB, as on a full disk.
    Process process = start(List.of("bash", "-c", "ulimit -f 10240; exec \"$@\"", "bash"));
    ended(process);
    assertThat(process.exitValue()).isEqualTo(3);
    assertThat(output(process))
        .contains("cannot be unpacked to " + cache)
        .contains("free some space, or set another folder");
    assertThat(leftovers()).isEmpty();
  }

  private Process start(List<String> before) throws IOException {
    List<String> command = new ArrayList<>(before);
    command.addAll(
        List.of(
            ProcessHandle.current().info().command().orElseThrow(),
            "--enable-native-access=ALL-UNNAMED",
            "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
            "-Dorg.bytedeco.javacpp.cachedir=" + cache,
            "-cp",
            System.getProperty("java.class.path"),
            Start.class.getName()));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static void ended(Process process) throws InterruptedException {
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("it ended").isTrue();
  }

  private static String output(Process process) throws IOException {
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  private List<Path> leftovers() throws IOException {
    try (Stream<Path> files = Files.list(cache)) {
      return files.filter(f -> f.toString().endsWith(".part")).toList();
    }
  }

  static final class Start {
    private Start() {}

    public static void main(String[] arguments) {
      try {
        NativeLibraries.unpack();
      } catch (RuntimeException e) {
        System.out.println(e.getMessage());
        Runtime.getRuntime().halt(3);
      }
      try (Scope _ = new Scope()) {
        Torch.tensor(new float[] {1}, 1);
      }
      Runtime.getRuntime().halt(0);
    }
  }
}
