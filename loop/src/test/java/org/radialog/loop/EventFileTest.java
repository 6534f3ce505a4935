package org.radialog.loop;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The table of a run as events: what stands in the file whatever stood there before. */
class EventFileTest {
  @TempDir private Path folder;
  private Path file;

  private static final List<SequencedMap<String, String>> ROWS =
      List.of(
          row(
              "row",
              "1",
              "stage",
              "qformer",
              "step",
              "2",
              "seconds",
              "1",
              "rate",
              "1.50e-02",
              "loss",
              "0.7500",
              "f1",
              ""),
          row(
              "row",
              "2",
              "stage",
              "qformer",
              "step",
              "400",
              "seconds",
              "2",
              "rate",
              "5.00e-03",
              "loss",
              "NaN",
              "f1",
              "0.2500"),
          row(
              "row",
              "3",
              "stage",
              "language",
              "step",
              "3",
              "seconds",
              "1",
              "rate",
              "1.00e-04",
              "loss",
              "Infinity",
              "f1",
              "0.5000"));

  private static SequencedMap<String, String> row(String... cells) {
    SequencedMap<String, String> row = new LinkedHashMap<>();
    for (int i = 0; i < cells.length; i += 2) {
      row.put(cells[i], cells[i + 1]);
    }
    return row;
  }

  @BeforeEach
  void name() {
    file = folder.resolve(EventFile.NAME);
  }

  @Test
  void aRowIsAnEventAndACellAScalarNamedByItsStage() throws Exception {
    double before = System.currentTimeMillis() / 1e3;
    EventFile.follow(file, ROWS);

    List<EventReader.Event> events = EventReader.read(file);
    assertThat(events.getFirst().version()).isEqualTo("brain.Event:2");
    assertThat(events).extracting(EventReader.Event::step).containsExactly(0L, 2L, 400L, 3L);
    assertThat(events.get(1).scalars())
        .containsExactly(entry("qformer/rate", 0.015f), entry("qformer/loss", 0.75f));
    assertThat(events.get(2).scalars())
        .containsExactly(
            entry("qformer/rate", 0.005f),
            entry("qformer/loss", Float.NaN),
            entry("qformer/f1", 0.25f));
    assertThat(events.get(3).scalars())
        .containsEntry("language/loss", Float.POSITIVE_INFINITY)
        .containsEntry("language/f1", 0.5f);
    assertThat(events).allSatisfy(e -> assertThat(e.wallTime()).isBetween(before, before + 600));
  }

  @Test
  void aRowMoreIsAppendedAndWhatStoodThereKeepsItsBytes() throws Exception {
    EventFile.follow(file, ROWS.subList(0, 2));
    byte[] first = Files.readAllBytes(file);
    EventFile.follow(file, ROWS);

    assertThat(Arrays.copyOf(Files.readAllBytes(file), first.length)).isEqualTo(first);
    assertThat(EventReader.read(file)).hasSize(4);
    byte[] all = Files.readAllBytes(file);
    EventFile.follow(file, ROWS);
    assertThat(Files.readAllBytes(file)).isEqualTo(all);
  }

  @Test
  void rowsThatWereForgottenAndAnEventThatWasCutOffAreGone() throws Exception {
    EventFile.follow(file, ROWS);
    byte[] all = Files.readAllBytes(file);
    EventFile.follow(file, ROWS.subList(0, 1));
    byte[] one = Files.readAllBytes(file);
    assertThat(EventReader.read(file)).hasSize(2);

    // a process that was killed while it wrote the second and the third row, after any byte
    for (int end = 0; end < all.length; end++) {
      Files.write(file, Arrays.copyOf(all, end));
      EventFile.follow(file, ROWS.subList(0, 1));
      assertThat(EventReader.read(file)).as("cut at %d", end).hasSize(2);
      if (end >= one.length) {
        assertThat(Files.readAllBytes(file)).isEqualTo(one);
      }
    }
  }

  @Test
  void anEventThatIsNotItsRowIsWrittenAnew() throws Exception {
    EventFile.follow(file, ROWS);
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 20] ^= 1;
    Files.write(file, bytes);
    EventFile.follow(file, ROWS);
    assertThat(EventReader.read(file)).hasSize(4);

    Files.writeString(file, "of another program", StandardOpenOption.TRUNCATE_EXISTING);
    EventFile.follow(file, ROWS);
    assertThat(EventReader.read(file)).hasSize(4);
  }

  @Test
  void tensorboardReadsTheSameScalars() throws Exception {
    assumeTrue(
        python("import tensorboard").status == 0,
        "needs a python3 that has the package tensorboard");
    EventFile.follow(file, ROWS.subList(0, 2));
    EventFile.follow(file, ROWS);

    Ran read =
        python(
            """
            import sys
            from tensorboard.backend.event_processing import event_accumulator
            events = event_accumulator.EventAccumulator(sys.argv[1], {"scalars": 0})
            events.Reload()
            for tag in sorted(events.Tags()["scalars"]):
                print(tag, [(e.step, e.value) for e in events.Scalars(tag)])
            """);
    assertThat(read.status).as(read.out).isZero();
    assertThat(read.out.lines())
        .containsExactly(
            "language/f1 [(3, 0.5)]",
            "language/loss [(3, inf)]",
            "language/rate [(3, 9.999999747378752e-05)]",
            "qformer/f1 [(400, 0.25)]",
            "qformer/loss [(2, 0.75), (400, nan)]",
            "qformer/rate [(2, 0.014999999664723873), (400, 0.004999999888241291)]");
  }

  private record Ran(int status, String out) {}

  private Ran python(String script) throws IOException, InterruptedException {
    Path out = folder.resolve("out.txt");
    Path err = folder.resolve("err.txt");
    int status;
    try {
      status =
          new ProcessBuilder("python3", "-c", script, folder.toString())
              .redirectOutput(out.toFile())
              .redirectError(err.toFile())
              .start()
              .waitFor();
    } catch (IOException e) {
      return new Ran(127, e.toString()); // there is no python3
    }
    return new Ran(
        status, Files.readString(out, UTF_8) + (status == 0 ? "" : Files.readString(err, UTF_8)));
  }
}
