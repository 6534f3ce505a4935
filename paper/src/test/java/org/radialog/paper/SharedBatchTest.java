package org.radialog.paper;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.published.StrictJson;
import org.radialog.train.Workers;
import org.radialog.weights.Checkpoint;

/** A published recipe whose batches two processes share: JVMs of their own, tiny networks. */
class SharedBatchTest {
  @TempDir private Path folder = Path.of("");

  private final List<Process> started = new ArrayList<>();

  @AfterEach
  void endAll() {
    started.forEach(process -> {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    });
  }

  @Test
  void twoProcessesHaveTheGradientsOfOneAndEndInAModel() throws Exception {
    recipe("v2");
    train(folder, "one", Workers.Spread.alone());
    ended(start("two"));

    PublishedRuns one = new PublishedRuns(folder.resolve("runs-one"));
    PublishedRuns two = new PublishedRuns(folder.resolve("runs-two"));
    assertSameGradients(one, two);
    // what process 0 learns alone has the very bits
    assertThat(Files.mismatch(one.findingsWeights(), two.findingsWeights())).isEqualTo(-1);
    assertThat(Files.readAllLines(two.language().resolve("metrics.csv")).getLast())
        .as("the losses and the clinical F1 of the reports that process 0 wrote")
        .matches("1,language,1,.*,[0-9.]+,0\\.\\d{4},0\\.\\d{4}");
    assertThat(folder.resolve("model-two/MODEL_CARD.md")).exists();
  }

  // The optimiser's first moment is a tenth of the gradient after one step.
  private static void assertSameGradients(PublishedRuns one, PublishedRuns other) {
    try (Checkpoint whole = Checkpoint.open(one.language().resolve("checkpoint.safetensors"));
        Checkpoint shared = Checkpoint.open(other.language().resolve("checkpoint.safetensors"))) {
      List<String> names =
          whole.tensors().keySet().stream().filter(name -> name.startsWith("exp_avg.")).toList();
      assertThat(names)
          .contains("exp_avg.vision.encoder.encoder._conv_stem.weight")
          .hasSizeGreaterThan(10);
      double largest = 0;
      double difference = 0;
      for (String name : names) {
        float[] expected = whole.floats(name);
        float[] found = shared.floats(name);
        for (int i = 0; i < expected.length; i++) {
          largest = Math.max(largest, Math.abs(expected[i]));
          difference = Math.max(difference, Math.abs((double) expected[i] - found[i]));
        }
      }
      assertThat(largest).isPositive();
      assertThat(difference / largest).isLessThan(1e-6);
    }
  }

  // ---------------------------------------------------------------- processes

  // One step in fp32, without dropout, whose masks depend on the shares.
  private void recipe(String name) throws IOException {
    SmallMimic mimic = new SmallMimic(folder);
    assertThat(mimic.dialogs()).exists();
    String text =
        StrictJson.text(PublishedTrainingTest.tiny(name))
            .replaceFirst("\"adapter_dropout\" : [0-9.]+", "\"adapter_dropout\" : 0.0")
            .replaceFirst("\"precision\" : \"\\w+\"", "\"precision\" : \"fp32\"");
    int language = text.indexOf("\"language\" :");
    Files.writeString(
        folder.resolve("recipe.json"),
        text.substring(0, language)
            + text.substring(language)
                .replaceFirst("\"steps\" : \\d+", "\"steps\" : 1")
                .replaceFirst("\"piece\" : \\d+", "\"piece\" : 4"));
  }

  private static void train(Path folder, String name, Workers.Spread spread) {
    PublishedTraining.train(
        new PublishedSources(
            folder.resolve("mimic-cxr"),
            Optional.of(folder.resolve("finding_chexbert_labels.csv")),
            Optional.empty(),
            Optional.of(folder.resolve("bert-base-uncased")),
            Optional.of(folder.resolve("dialogs.json")),
            folder.resolve("vicuna"),
            PublishedRecipe.read(folder.resolve("recipe.json"))),
        folder.resolve("runs-" + name),
        folder.resolve("model-" + name),
        Progress.NONE,
        spread);
  }

  private Process start(String name) throws IOException {
    Process process =
        new ProcessBuilder(
                List.of(
                    ProcessHandle.current().info().command().orElseThrow(),
                    "--enable-native-access=ALL-UNNAMED",
                    "--sun-misc-unsafe-memory-access=allow",
                    "--add-modules=jdk.incubator.vector",
                    "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                    "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC",
                    "-cp",
                    System.getProperty("java.class.path"),
                    Member.class.getName(),
                    folder.toString(),
                    name))
            .redirectError(folder.resolve("said").toFile())
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    started.add(process);
    return process;
  }

  private void ended(Process process) throws Exception {
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("it ended").isTrue();
    assertThat(process.exitValue()).as(Files.readString(folder.resolve("said"))).isZero();
  }

  /** What each process runs, as the command line does. */
  static final class Member {
    private Member() {}

    public static void main(String[] arguments) {
      List<String> command = new ArrayList<>(List.of(Member.class.getName()));
      command.addAll(List.of(arguments));
      try {
        train(
            Path.of(arguments[0]),
            arguments[1],
            new Workers.Spread(2, 1, 0, Optional.empty(), command));
      } catch (RadialogException failure) {
        System.err.println("radialog: " + failure.getMessage());
        Runtime.getRuntime().halt(failure.kind().exitCode());
      }
      Runtime.getRuntime().halt(0);
    }
  }
}
