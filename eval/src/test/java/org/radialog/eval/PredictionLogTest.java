package org.radialog.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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
        id,
        "patient",
        subgroup,
        Map.of(Finding.EDEMA, FindingState.PRESENT, Finding.FRACTURE, FindingState.NOT_MENTIONED),
        List.of("Reference, with ünïcode."),
        List.of(),
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
}
