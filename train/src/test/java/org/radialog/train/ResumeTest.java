package org.radialog.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.testing.Kill;

/** A run that is killed and resumed gives the same bits as an uninterrupted run. */
class ResumeTest {
  @TempDir Path folder;
  private SmallRuns small;

  @BeforeEach
  void draw() {
    small = new SmallRuns(folder);
  }

  @Test
  void aLanguageRunKilledInBothStagesEndsWithTheSameBits() throws Exception {
    Path whole = folder.resolve("language-whole");
    Path killed = folder.resolve("language-killed");
    LanguageTraining.train(small.languageConfig(), whole, Progress.NONE);

    // between the checkpoints after the first pass and after the second step
    for (Kill kill : List.of(new Kill("alignment 2/2", 1), new Kill("language", 3))) {
      assertThatThrownBy(() -> LanguageTraining.train(small.languageConfig(), killed, kill))
          .isInstanceOf(Kill.Killed.class);
      assertThat(killed.resolve("language.safetensors")).doesNotExist();
    }
    LanguageTraining.train(small.languageConfig(), killed, Progress.NONE);

    assertThat(Files.mismatch(file(whole), file(killed))).isEqualTo(-1);
    assertThat(measured(killed)).isEqualTo(measured(whole)).hasSize(1 + 2 + 3);
  }

  @Test
  void aClassifierRunKilledInItsSecondEpochEndsWithTheSameBits() throws Exception {
    Path whole = folder.resolve("classifier-whole");
    Path killed = folder.resolve("classifier-killed");
    ClassifierTraining.train(small.classifierConfig(0), whole, Progress.NONE);

    assertThatThrownBy(() ->
            ClassifierTraining.train(
                small.classifierConfig(0), killed, new Kill("classifier 2/2", 2)))
        .isInstanceOf(Kill.Killed.class);
    ClassifierTraining.train(small.classifierConfig(0), killed, Progress.NONE);

    for (String product : List.of("classifier.safetensors", "held-out.csv", "validation.csv")) {
      assertThat(Files.mismatch(whole.resolve(product), killed.resolve(product)))
          .as(product)
          .isEqualTo(-1);
    }
    assertThat(measured(killed)).isEqualTo(measured(whole)).hasSize(1 + 2);
  }

  @Test
  void aRunFolderOfAnotherConfigurationIsRefused() {
    Path run = folder.resolve("other");
    RunFolder.open(run, new Told(0, 0.5)).close();
    assertThatThrownBy(() -> RunFolder.open(run, new Told(1, 0.5)))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("another configuration: fold is 0 there, here 1");
    RunFolder.open(run, new Told(0, 0.5)).close();
  }

  @Test
  void aRunFolderInUseIsRefusedUntilItIsFree() {
    Path run = folder.resolve("busy");
    try (RunFolder _ = RunFolder.open(run, new Told(0, 1))) {
      assertThatThrownBy(() -> RunFolder.open(run, new Told(0, 1)))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("still running");
    }
    RunFolder.open(run, new Told(0, 1)).close();
  }

  /** A configuration. */
  record Told(int fold, double rate) {}

  private static Path file(Path run) {
    return run.resolve("language.safetensors");
  }

  /** The table of the run without the column with the seconds. */
  private static List<String> measured(Path run) throws Exception {
    return Files.readAllLines(run.resolve("metrics.csv")).stream()
        .map(line -> line.replaceFirst("^([^,]*,[^,]*,[^,]*,)[^,]*,", "$1"))
        .toList();
  }
}
