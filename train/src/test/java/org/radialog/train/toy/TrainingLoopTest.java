package org.radialog.train.toy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.torch.TorchThreads;
import org.radialog.train.TrainingLoop;

/** The loop by a stage of a test, through what is public. */
class TrainingLoopTest {
  @TempDir private Path folder;

  private record Told(String data, double rate) {}

  private static final Told TOLD = new Told("numbers", 0.05);

  /** Dies at a step of a task, as a process that is killed. */
  private static Progress dyingAt(String task, int step) {
    return (what, steps) ->
        new Progress.Task() {
          private int done;

          @Override
          public void step(String note) {
            done++;
            if (what.equals(task) && done == step) {
              throw new Died();
            }
          }

          @Override
          public void close() {}
        };
  }

  private static final class Died extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  private static void run(Path run, Progress progress, double minutes) {
    try (TorchThreads _ = TorchThreads.of(1);
        TrainingLoop loop = TrainingLoop.open(run, TOLD, progress);
        ToyStage first = new ToyStage("first", 12, minutes);
        ToyStage second = new ToyStage("second", 7, 0)) {
      loop.run("toy", List.of(first, second));
    }
  }

  @Test
  void aStageThatMainCodeDoesNotKnowTrainsWithTablePlotAndCheckpoint() throws Exception {
    run(folder, Progress.NONE, 0);

    List<String> table = table(folder);
    assertThat(table.getFirst())
        .isEqualTo("row,stage,step,seconds,rate,loss,first_of_ones,never,second_of_ones");
    assertThat(table.subList(1, table.size()))
        .extracting(line -> line.replaceFirst("^(\\d+,\\w+,\\d+),.*", "$1"))
        .containsExactly(
            "1,first,2",
            "2,first,4",
            "3,first,6",
            "4,first,8",
            "5,first,10",
            "6,first,12",
            "7,second,2",
            "8,second,4",
            "9,second,6",
            "10,second,7");
    double before = Double.parseDouble(table.get(1).split(",", -1)[6]);
    double after = Double.parseDouble(table.get(6).split(",", -1)[6]);
    assertThat(after).as("it learns").isLessThan(before);
    BufferedImage plot = ImageIO.read(folder.resolve("plot.png").toFile());
    assertThat(plot.getWidth()).isGreaterThan(1000);
    assertThat(folder)
        .isDirectoryContaining("glob:**/checkpoint.safetensors")
        .isDirectoryContaining("glob:**/first.safetensors")
        .isDirectoryContaining("glob:**/second.safetensors");
  }

  @Test
  void aRunKilledInAnyOfItsStagesEndsWithTheSameBits() throws Exception {
    Path whole = folder.resolve("whole");
    run(whole, Progress.NONE, 0);
    // before the first checkpoint, between two, behind the last row, and in the other stage
    for (String task : List.of("first 1/3", "first 3/3", "second 1/2")) {
      for (int step = 1; step <= 2; step++) {
        Path killed = folder.resolve(task.replaceAll("\\W", "-") + "-" + step);
        Progress death = dyingAt(task, step);
        assertThatThrownBy(() -> run(killed, death, 0)).isInstanceOf(Died.class);
        run(killed, Progress.NONE, 0);
        for (String product : List.of("first.safetensors", "second.safetensors")) {
          assertThat(Files.mismatch(whole.resolve(product), killed.resolve(product)))
              .as("%s, killed at step %d of %s", product, step, task)
              .isEqualTo(-1);
        }
        assertThat(measured(killed)).isEqualTo(measured(whole));
      }
    }
  }

  @Test
  void aStageOutOfTimeEndsAndARunThatHasEndedLearnsNoMore() throws Exception {
    run(folder, Progress.NONE, 1e-9);

    assertThat(measured(folder).get(1)).startsWith("1,first,1,");
    assertThat(measured(folder).get(2)).startsWith("2,second,2,");
    byte[] first = Files.readAllBytes(folder.resolve("first.safetensors"));
    List<String> table = table(folder);
    run(folder, Progress.NONE, 1e-9);
    assertThat(Files.readAllBytes(folder.resolve("first.safetensors"))).isEqualTo(first);
    assertThat(table(folder)).isEqualTo(table);
  }

  @Test
  void aFolderOfAnotherRunIsRefusedInOneLineThatNamesTheDifference() throws Exception {
    run(folder, Progress.NONE, 0);
    assertRefused(
        new Told("numbers", 0.1),
        "a run with another configuration: rate is 0.05 there, here 0.1;");

    Path config = folder.resolve("config.json");
    Files.writeString(config, "{\"data\" : \"numbers\", \"rate\" : 0.05}");
    assertRefused(
        TOLD, "was started by another version of RaDialog: expected format 2 in its config.json");
  }

  private void assertRefused(Told told, String said) {
    assertThatThrownBy(() -> TrainingLoop.open(folder, told, Progress.NONE))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining(said)
        .message()
        .doesNotContain("\n");
  }

  @Test
  void aCheckpointOfAStageThatIsNotAmongThemIsRefused() {
    run(folder, Progress.NONE, 0);
    try (TrainingLoop loop = TrainingLoop.open(folder, TOLD, Progress.NONE);
        ToyStage other = new ToyStage("other", 3, 0)) {
      assertThatThrownBy(() -> loop.run("toy", List.of(other)))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("belongs to the stage second: expected one of [other]");
    }
  }

  private static List<String> table(Path run) throws IOException {
    return Files.readAllLines(run.resolve("metrics.csv"));
  }

  /** The table without the seconds. */
  private static List<String> measured(Path run) throws IOException {
    return table(run).stream()
        .map(line -> line.replaceFirst("^([^,]*,[^,]*,[^,]*,)[^,]*,", "$1"))
        .toList();
  }
}
