package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A program that embeds the library in whatever environment, without the launcher. */
@Timeout(600)
class EmbeddedTest {
  private static final Set<String> SETTINGS =
      Set.of(
          "OMP_NUM_THREADS",
          "OPENBLAS_NUM_THREADS",
          "MKL_NUM_THREADS",
          "GOMP_SPINCOUNT",
          "OMP_WAIT_POLICY",
          "OMP_DYNAMIC",
          "KMP_BLOCKTIME");

  private static final Map<String, String> ONE = Map.of("OMP_NUM_THREADS", "1");
  private static final Map<String, String> HOSTILE =
      Map.of(
          "OMP_NUM_THREADS",
          "8",
          "OPENBLAS_NUM_THREADS",
          "8",
          "MKL_NUM_THREADS",
          "8",
          "GOMP_SPINCOUNT",
          "infinity",
          "OMP_WAIT_POLICY",
          "active",
          "KMP_BLOCKTIME",
          "infinite");

  private static Map<String, Double> turn(Map<String, String> settings)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
            "-Dradialog.root=" + System.getProperty("radialog.root", ""),
            "-cp",
            System.getProperty("java.class.path"),
            EmbeddedTurn.class.getName()));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().keySet().removeAll(SETTINGS);
    builder.environment().putAll(settings);
    Process process = builder.start();
    Map<String, Double> values = new HashMap<>();
    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
        .lines()
        .map(line -> line.split(" "))
        .forEach(words -> values.put(words[0], Double.parseDouble(words[1])));
    assertThat(process.waitFor()).isZero();
    return values;
  }

  @Test
  void aTurnCostsTheSameWhateverTheEnvironmentSaysOfThreads()
      throws IOException, InterruptedException {
    Map<String, Double> one = turn(ONE);
    Map<String, Double> hostile = turn(HOSTILE);
    Map<String, Double> none = turn(Map.of());
    System.out.println("embedded: one " + one + ", hostile " + hostile + ", none " + none);
    for (Map<String, Double> other : List.of(hostile, none)) {
      // The processors' time, which other work on the machine does not change; threads that spin
      // while they wait take it too.
      assertThat(other.get("cpu")).isLessThan(1.5 * Objects.requireNonNull(one.get("cpu")));
      assertThat(other.get("threads")).isZero();
    }
  }
}
