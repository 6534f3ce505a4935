package org.radialog.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;

class PredictionLogTest {
  @TempDir private Path folder;

  private static SequencedMap<String, Object> settings(String model) {
    SequencedMap<String, Object> settings = new LinkedHashMap<>();
    settings.put("model", model);
    settings.put("fold", 0);
    settings.put("tasks", List.of("report"));
    return settings;
  }

  private static Prediction prediction(String id) {
    SequencedMap<String, String> subgroup = new LinkedHashMap<>();
    subgroup.put("sex", "F");
    SequencedMap<String, String> answers = new LinkedHashMap<>();
    answers.put("view", "It is a \"PA\" view.\nYes.");
    return new Prediction(
        new Sample(
            id,
            "patient",
            Optional.empty(),
            subgroup,
            Map.of(
                Finding.EDEMA, FindingState.PRESENT, Finding.FRACTURE, FindingState.NOT_MENTIONED),
            List.of("Reference, with ünïcode."),
            List.of()),
        Map.of(Finding.EDEMA, 0.25, Finding.PNEUMONIA, 1e-9),
        Optional.of("A report."),
        answers);
  }

  @Test
  void whatIsAppendedIsRead() {
    Path file = folder.resolve("new/predictions.jsonl");
    try (PredictionLog log = PredictionLog.open(file, settings("mini"))) {
      log.append(prediction("a"));
      log.append(prediction("b"));
    }
    PredictionLog.Content content = PredictionLog.read(file);
    assertThat(content.settings()).isEqualTo(settings("mini"));
    assertThat(content.predictions()).containsExactly(prediction("a"), prediction("b"));
  }

  @Test
  void aRunThatWasEndedInTheMiddleOfALineGoesOn() throws IOException {
    Path file = folder.resolve("predictions.jsonl");
    try (PredictionLog log = PredictionLog.open(file, settings("mini"))) {
      log.append(prediction("a"));
    }
    Files.writeString(file, "{\"id\":\"b\",\"gro", StandardOpenOption.APPEND);
    try (PredictionLog log = PredictionLog.open(file, settings("mini"))) {
      assertThat(log.has("a")).isTrue();
      assertThat(log.has("b")).isFalse();
      log.append(prediction("b"));
    }
    assertThat(PredictionLog.read(file).predictions())
        .extracting(Prediction::id)
        .containsExactly("a", "b");
  }

  @Test
  void aFileOfWhichNotEvenTheSettingsWereWrittenBeginsAnew() throws IOException {
    Path file = folder.resolve("predictions.jsonl");
    Files.writeString(file, "{\"settings\":{\"mod");
    try (PredictionLog log = PredictionLog.open(file, settings("mini"))) {
      log.append(prediction("a"));
    }
    assertThat(PredictionLog.read(file).predictions()).hasSize(1);
  }

  @Test
  void aFileOfOtherSettingsIsRefusedByThatSettingAndStaysAsItIs() throws IOException {
    Path file = folder.resolve("predictions.jsonl");
    try (PredictionLog log = PredictionLog.open(file, settings("mini"))) {
      log.append(prediction("a"));
    }
    String before = Files.readString(file);
    assertThatThrownBy(() -> PredictionLog.open(file, settings("other")))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("its model is \"mini\", now it is \"other\"");
    assertThat(file).hasContent(before.strip());
  }

  @Test
  void onePredictionAnImage() {
    Path file = folder.resolve("predictions.jsonl");
    try (PredictionLog log = PredictionLog.open(file, settings("mini"))) {
      log.append(prediction("a"));
      assertThatThrownBy(() -> log.append(prediction("a")))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aDamagedLineIsNamed() throws IOException {
    Path file = folder.resolve("predictions.jsonl");
    Files.writeString(file, "{\"settings\":{}}\n{\"id\":\"a\"}\n");
    assertThatThrownBy(() -> PredictionLog.read(file))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining(file + ", line 2");
    Files.writeString(file, "{\"id\":\"a\"}\n");
    assertThatThrownBy(() -> PredictionLog.read(file)).hasMessageContaining("line 1: expected");
  }

  /** Appends predictions until the file is full; run in a separate process. */
  static final class UntilFull {
    private UntilFull() {}

    public static void main(String[] arguments) {
      try (PredictionLog log = PredictionLog.open(Path.of(arguments[0]), settings("mini"))) {
        for (int i = 0; i < 1000; i++) {
          log.append(prediction("film " + i));
        }
      } catch (RadialogException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  @Test
  void aFileThatTakesNoMoreEndsWithAWholeLineAndTheRunGoesOnBehindIt() throws Exception {
    Path file = folder.resolve("predictions.jsonl");
    Process process =
        new ProcessBuilder(
                "bash",
                "-c",
                "ulimit -f 8; exec \"$@\"",
                "limited",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:-UsePerfData",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                UntilFull.class.getName(),
                file.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
    int whole = PredictionLog.read(file).predictions().size();
    assertThat(whole).isBetween(5, 100);
    assertThat(said)
        .contains("cannot write the predictions " + file)
        .contains("the " + whole + " predictions in it are complete")
        .contains("the same command continues");
    try (PredictionLog log = PredictionLog.open(file, settings("mini"))) {
      log.append(prediction("film " + whole));
    }
    assertThat(PredictionLog.read(file).predictions()).hasSize(whole + 1);
  }

  @Test
  void aDeviceThatIsFullIsNamed() {
    Path full = Path.of("/dev/full");
    Assumptions.assumeTrue(Files.exists(full), "this system has no /dev/full");
    assertThatThrownBy(() -> PredictionLog.open(full, settings("mini")))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("cannot write the predictions /dev/full");
  }

  @Test
  void nothingIsAskedAnyMoreOnceAPredictionCannotBeWritten() {
    PredictionLog log = PredictionLog.open(folder.resolve("p.jsonl"), settings("mini"));
    log.close();
    AtomicInteger asked = new AtomicInteger();
    List<Sample> samples =
        IntStream.range(0, 1000)
            .mapToObj(i ->
                new Sample(
                    "film " + i,
                    "patient",
                    Optional.of(folder),
                    new LinkedHashMap<>(),
                    Map.of(),
                    List.of(),
                    List.of()))
            .toList();
    assertThatThrownBy(() ->
            PaperProtocol.run(
                samples,
                sample -> {
                  asked.incrementAndGet();
                  LockSupport.parkNanos(5_000_000);
                  return prediction(sample.id());
                },
                log,
                Progress.NONE,
                line -> {
                  throw new AssertionError(line);
                }))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("cannot write the predictions");
    assertThat(asked.get()).isLessThan(100);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "\"subgroup\":{\"age\":\"abc\"} | an age in years",
        "\"subgroup\":{\"age\":\"-4\"} | an age in years",
        "\"subgroup\":{\"sex\":null} | a text as subgroup/sex",
        "\"subgroup\":null | an object as subgroup",
        "\"truth\":{\"Edema\":null} | a text as truth/Edema",
        "\"truth\":{\"Edema\":\"perhaps\"} | PERHAPS",
        "\"probabilities\":{\"Edema\":null} | a probability",
        "\"probabilities\":{\"Edema\":2} | a probability",
        "\"references\":[null] | texts as references",
        "\"references\":\"x\" | a list as references",
        "\"report\":7 | a text as report",
        "\"answers\":{\"view\":null} | a text as answers/view",
        "\"id\":null | a text as id",
        "\"group\":null | a text as group"
      })
  void aLineThatIsNoPredictionIsRefusedByNumberAndReason(String field, String reason)
      throws IOException {
    String line =
        (field.startsWith("\"id") ? "" : "\"id\":\"a\",")
            + (field.startsWith("\"group") ? "" : "\"group\":\"g\",");
    Path file =
        Files.writeString(folder.resolve("p.jsonl"), "{\"settings\":{}}\n{" + line + field + "}\n");
    assertThatThrownBy(() -> PredictionLog.read(file))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining(file + ", line 2: ")
        .hasMessageContaining(reason);
  }
}
