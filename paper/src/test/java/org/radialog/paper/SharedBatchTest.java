package org.radialog.paper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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
import org.radialog.loop.Workers;
import org.radialog.published.StrictJson;
import org.radialog.weights.Checkpoint;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A published recipe whose batches two processes share: JVMs of their own, tiny networks. */
class SharedBatchTest {
  private static final int FILMS = 16; // of the training split

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
  void twoProcessesHaveTheGradientsOfOneInEachStageAndEndInAModel() throws Exception {
    recipe();
    train(folder, "one", Workers.Spread.alone());
    ended(start("two"));

    PublishedRuns one = new PublishedRuns(folder.resolve("runs-one"));
    PublishedRuns two = new PublishedRuns(folder.resolve("runs-two"));
    // Batch norm amplifies the rounding of fp32: in one process, too, other roundings differ as
    // much, by 0.03 on a CPU with AVX-512 and by 0.12 on one without. A gradient that is not
    // averaged over the processes differs by 0.5 or more.
    assertThat(difference(one.findings(), two.findings(), "classifier.")).isLessThan(0.25);
    // A CPU without AVX-512 sums in another order for half of a batch: 1e-5 there, else 1e-7.
    assertThat(difference(one.qformer(), two.qformer(), "")).isLessThan(1e-4);
    for (String part : List.of("language.", "projector.", "vision.")) {
      assertThat(difference(one.language(), two.language(), part)).as(part).isLessThan(1e-4);
    }
    assertThat(Files.readAllLines(two.language().resolve("metrics.csv")).getLast())
        .as("the losses and the clinical F1 of the reports that process 0 wrote")
        .matches("1,language,1,.*,[0-9.]+,0\\.\\d{4},0\\.\\d{4}");
    assertThat(folder.resolve("model-two/MODEL_CARD.md")).exists();
  }

  private static double loss(Path run) throws IOException {
    List<String> rows = Files.readAllLines(run.resolve("metrics.csv"));
    int column = List.of(rows.get(0).split(",", -1)).indexOf("loss");
    return Double.parseDouble(rows.get(1).split(",", -1)[column]);
  }

  // The largest difference of the gradients of some parameters, as a share of the largest gradient
  // of all. The optimiser's first moment is a tenth of the gradient after one step.
  private static double difference(Path one, Path other, String prefix) throws IOException {
    assertThat(loss(other)).isCloseTo(loss(one), within(2e-4)); // it has four decimals
    try (Checkpoint whole = Checkpoint.open(one.resolve("checkpoint.safetensors"));
        Checkpoint shared = Checkpoint.open(other.resolve("checkpoint.safetensors"))) {
      assertThat(whole.metadata()).containsEntry("optimizer_steps", "1");
      List<String> names =
          whole.tensors().keySet().stream().filter(name -> name.startsWith("exp_avg.")).toList();
      assertThat(names).anyMatch(name -> name.startsWith("exp_avg." + prefix));
      double largest = 0;
      double difference = 0;
      for (String name : names) {
        float[] expected = whole.floats(name);
        float[] found = shared.floats(name);
        for (int i = 0; i < expected.length; i++) {
          largest = Math.max(largest, Math.abs(expected[i]));
          if (name.startsWith("exp_avg." + prefix)) {
            difference = Math.max(difference, Math.abs((double) expected[i] - found[i]));
          }
        }
      }
      assertThat(largest).isPositive();
      return difference / largest;
    }
  }

  // ---------------------------------------------------------------- processes

  // One step of each stage in fp32, without dropout, whose masks depend on the shares. The rate of
  // the Q-Former's step is 0, so that both language stages start from the same weights; the image
  // encoder learns in them, too. Their pieces are those of two processes in one process as well.
  private void recipe() throws IOException {
    SmallMimic mimic = new SmallMimic(folder);
    assertThat(mimic.data()).exists();
    JsonNode recipe = StrictJson.tree(PublishedTrainingTest.tiny("v1-rg"));
    ((ObjectNode) recipe.required("findings")).put("epochs", 1).put("batch", FILMS);
    ((ObjectNode) recipe.required("qformer"))
        .put("passes", 1)
        .put("start", 0.0)
        .put("batch", FILMS)
        .put("dropout", 0.0);
    ((ObjectNode) recipe.required("language"))
        .put("steps", 1)
        .put("piece", 2)
        .put("vision_rate", 1.0)
        .put("adapter_dropout", 0.0)
        .put("precision", "fp32");
    Files.writeString(folder.resolve("recipe.json"), StrictJson.text(recipe));
  }

  private static void train(Path folder, String name, Workers.Spread spread) {
    PublishedTraining.train(
        new PublishedSources(
            folder.resolve("mimic-cxr"),
            Optional.of(folder.resolve("finding_chexbert_labels.csv")),
            Optional.empty(),
            Optional.of(folder.resolve("bert-base-uncased")),
            Optional.empty(),
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
