package org.radialog.loop.toy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.loop.EventReader;
import org.radialog.loop.TrainingLoop;
import org.radialog.testing.Kill;
import org.radialog.torch.TorchThreads;
import org.radialog.weights.Checkpoint;

/** Tests the loop with a stage defined in the test, using only public API. */
class TrainingLoopTest {
  @TempDir private Path folder;

  private record Told(String data, double rate) {}

  private static final Told TOLD = new Told("numbers", 0.05);

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
    assertThat(scalars(folder))
        .isEqualTo(table.stream().skip(1).map(line -> scalars(line.split(",", -1))).toList());
    BufferedImage plot = ImageIO.read(folder.resolve("plot.png").toFile());
    assertThat(plot.getWidth()).isGreaterThan(1000);
    assertThat(folder)
        .isDirectoryContaining("glob:**/checkpoint.safetensors")
        .isDirectoryContaining("glob:**/first.safetensors")
        .isDirectoryContaining("glob:**/second.safetensors");
  }

  @Test
  void aRunKilledInEitherStageEndsWithTheSameBitsAndEvents() throws Exception {
    Path whole = folder.resolve("whole");
    run(whole, Progress.NONE, 0);
    // before the first checkpoint, and in the second stage
    for (Kill kill : List.of(new Kill("first 1/3", 1), new Kill("second 1/2", 2))) {
      Path killed = folder.resolve(kill.task().replaceAll("\\W", "-"));
      assertThatThrownBy(() -> run(killed, kill, 0)).isInstanceOf(Kill.Killed.class);
      if (kill.step() == 2) { // as if it had died with rows that no checkpoint knows yet
        for (String log : List.of("metrics.csv", "events.out.tfevents.radialog")) {
          Files.copy(whole.resolve(log), killed.resolve(log), StandardCopyOption.REPLACE_EXISTING);
        }
      }
      run(killed, Progress.NONE, 0);
      for (String product : List.of("first.safetensors", "second.safetensors")) {
        assertThat(Files.mismatch(whole.resolve(product), killed.resolve(product)))
            .as("%s, %s", product, kill)
            .isEqualTo(-1);
      }
      assertThat(measured(killed)).isEqualTo(measured(whole));
      assertThat(scalars(killed)).isEqualTo(scalars(whole)).hasSize(10);
    }
  }

  @Test
  void aStageInFp16SkipsStepsUntilItsLossScaleFitsAndEndsCloseToFp32() throws Exception {
    half(folder.resolve("fp32"), false, Progress.NONE);
    half(folder.resolve("fp16"), true, Progress.NONE);
    Path killed = folder.resolve("killed");
    assertThatThrownBy(() -> half(killed, true, new Kill("half 2/8", 2)))
        .isInstanceOf(Kill.Killed.class);
    half(killed, true, Progress.NONE);

    assertThat(measured(killed)).isEqualTo(measured(folder.resolve("fp16")));
    assertThat(
            Files.mismatch(
                killed.resolve("half.safetensors"), folder.resolve("fp16/half.safetensors")))
        .isEqualTo(-1);
    List<String> exact = table(folder.resolve("fp32"));
    List<String> rounded = table(folder.resolve("fp16"));
    assertThat(rounded.getFirst()).isEqualTo(exact.getFirst() + ",loss_scale,skipped_steps");
    String[] last = rounded.getLast().split(",", -1);
    int skipped = (int) Double.parseDouble(last[9]);
    assertThat(skipped).isBetween(1, 5);
    assertThat(Double.parseDouble(last[8])).isEqualTo(65_536 / Math.pow(2, skipped));
    double loss = Double.parseDouble(exact.getLast().split(",", -1)[5]);
    assertThat(Double.parseDouble(last[5])).isCloseTo(loss, within(0.3 * loss));
    try (Checkpoint fp32 = Checkpoint.open(folder.resolve("fp32/half.safetensors"));
        Checkpoint fp16 = Checkpoint.open(folder.resolve("fp16/half.safetensors"))) {
      assertThat(fp16.floats("weight"))
          .usingComparatorWithPrecision(0.1f)
          .containsExactly(fp32.floats("weight"));
    }
  }

  private static void half(Path run, boolean half, Progress progress) {
    try (TorchThreads _ = TorchThreads.of(1);
        TrainingLoop loop = TrainingLoop.open(run, TOLD, progress);
        ToyStage stage = new ToyStage("half", 40, 0)) {
      loop.run("toy", List.of(half ? stage.inFp16() : stage));
    }
  }

  @Test
  void thePageOfARunReloadsItselfUntilTheRunHasFinished() throws Exception {
    Path file = folder.resolve("plot.html");
    List<String> pages = new ArrayList<>();
    Progress reader =
        (_, _) ->
            new Progress.Task() {
              @Override
              public void step(String note) {
                try {
                  pages.add(Files.readString(file));
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              }

              @Override
              public void close() {}
            };
    run(folder, reader, 0);

    assertThat(pages)
        .hasSize(12 + 7)
        .allSatisfy(page -> assertThat(page).contains("<meta http-equiv=\"refresh\""));
    assertThat(pages.getFirst())
        .contains("Running: step 0 of 12 of stage first (1 of 2).")
        .doesNotContain("<table>");
    assertThat(pages.get(9)).contains("Running: step 8 of 12 of stage first (1 of 2), about ");
    assertThat(pages.get(12)).contains("Running: step 0 of 7 of stage second (2 of 2).");
    String ended = Files.readString(file);
    assertThat(ended)
        .contains("The run has finished.", "For research use, not for diagnosis.")
        .doesNotContain("http-equiv");
    for (String page : List.of(pages.getLast(), ended)) {
      assertThat(page)
          .doesNotContain("<script", "src=", "href=", "url(", "@import")
          .contains("<svg ", "<polyline ");
    }
    List<String> newest = List.of(table(folder).getLast().split(",", -1));
    assertThat(ended)
        .contains(newest.stream().map("<td>%s</td>"::formatted).collect(Collectors.joining()));
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

  /** The step and the scalars of each row, as TensorBoard gets them. */
  private static List<String> scalars(Path run) throws IOException {
    List<EventReader.Event> events = EventReader.read(run.resolve("events.out.tfevents.radialog"));
    assertThat(events.getFirst().version()).isEqualTo("brain.Event:2");
    return events.stream().skip(1).map(e -> e.step() + " " + e.scalars()).toList();
  }

  /** The same of a line of the table. */
  private static String scalars(String[] cells) {
    String own = cells[1] + "_of_ones";
    return "%s {%s/rate=%s, %s/loss=%s, %s/%s=%s}"
        .formatted(
            cells[2],
            cells[1],
            Float.parseFloat(cells[4]),
            cells[1],
            Float.parseFloat(cells[5]),
            cells[1],
            own,
            Float.parseFloat(cells[cells[1].equals("first") ? 6 : 8]));
  }

  private static List<String> table(Path run) throws IOException {
    return Files.readAllLines(run.resolve("metrics.csv"));
  }

  /** The table without the column with the seconds. */
  private static List<String> measured(Path run) throws IOException {
    return table(run).stream()
        .map(line -> line.replaceFirst("^([^,]*,[^,]*,[^,]*,)[^,]*,", "$1"))
        .toList();
  }
}
