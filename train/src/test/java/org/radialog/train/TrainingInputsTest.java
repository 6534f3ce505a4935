package org.radialog.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.data.Folds;
import org.radialog.data.NihDataSet;

/** A missing input of a later stage is reported before the first stage. */
class TrainingInputsTest {
  @TempDir private Path folder;

  private static final Progress NOTHING_BEGINS =
      (what, steps) -> {
        throw new AssertionError(what + " began");
      };

  @Test
  void aFilmWithoutProbabilitiesOrAFileOfALaterStageIsNamedAtOnce() throws Exception {
    SmallRuns small = SmallRuns.write(folder);
    StringBuilder table = new StringBuilder("image");
    Finding.ALL.forEach(finding -> table.append(',').append(finding.label()));
    table.append("\nx.png").append(",0.5".repeat(Finding.COUNT)).append('\n');
    Path some = Files.writeString(folder.resolve("held-out.csv"), table);
    assertRefused(
        small.languageConfig(small.classifier(), List.of(some)),
        "have no probabilities",
        "one held-out.csv for each fold except 0");
    assertRefused(
        small.languageConfig(small.classifier(), List.of(folder.resolve("missing.csv"))),
        "missing.csv");
    assertRefused(small.languageConfig(small.imageNet(), List.of()), "no tensors under vision.");
    assertRefused(small.languageConfig(folder.resolve("none"), List.of()), "none");
  }

  private void assertRefused(LanguageTraining.Config config, String... said) {
    Path run = folder.resolve("run-" + said[0].hashCode());
    assertThatThrownBy(() -> LanguageTraining.train(config, run, NOTHING_BEGINS))
        .isInstanceOf(RadialogException.class)
        .hasMessageContainingAll(said);
    assertThat(run.resolve("checkpoint.safetensors")).doesNotExist();
  }

  @Test
  void aClassifierLearnsOnFoldsOfOnesOwn() throws Exception {
    SmallRuns small = SmallRuns.write(folder);
    Path labels = small.data().resolve("labels.csv");
    // Patients that are not in the NIH data set.
    Files.writeString(
        labels, Files.readString(labels).replaceAll("(?m)^([^,]+\\.png),", "$1,own-"));
    Path table = folder.resolve("folds.csv");
    Folds.stratified(NihDataSet.read(small.data()).films(), 3, 1).write(table);
    ClassifierTraining.Config nih = small.classifierConfig(2);
    assertThatThrownBy(() -> ClassifierTraining.train(nih, folder.resolve("nih"), Progress.NONE))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("radialog data folds");
    Path run = folder.resolve("own");
    ClassifierTraining.train(
        new ClassifierTraining.Config(
            nih.data(), List.of(), 2, Optional.of(table), nih.init(), nih.recipe()),
        run,
        Progress.NONE);
    Folds own = Folds.read(table);
    assertThat(Files.readAllLines(run.resolve("held-out.csv")))
        .hasSize(1 + own.films(NihDataSet.read(small.data()).films(), 2).size());
  }
}
