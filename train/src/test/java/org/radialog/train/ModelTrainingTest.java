package org.radialog.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.data.Folds;
import org.radialog.data.NihDataSet;
import org.radialog.dialog.Decoding;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Study;
import org.radialog.imaging.Radiograph;

/** Trains all stages over all folds, with small networks and a few synthetic films. */
class ModelTrainingTest {
  @TempDir private Path folder;

  @Test
  void filmsAndARecipeBecomeAModelFolderThatVerifiesAndWritesAReport() throws Exception {
    SmallRuns small = SmallRuns.write(folder);
    Path table = folder.resolve("folds.csv");
    Folds.stratified(NihDataSet.read(small.data()).films(), 2, 1).write(table);
    Path model = folder.resolve("model");
    var config =
        new ModelTraining.Config(
            List.of(small.data()),
            List.of(),
            1,
            Optional.of(table),
            small.imageNet(),
            small.base(),
            SmallRuns.recipe(),
            "0.3",
            "0123abc");

    ModelTraining.train(config, folder.resolve("runs"), model, Progress.NONE);

    assertThat(RaDialog.verify(model).checks())
        .isNotEmpty()
        .allSatisfy(check -> assertThat(check.holds()).as(check.toString()).isTrue());
    Path film;
    try (var films = Files.list(small.data().resolve("images"))) {
      film = films.sorted().findFirst().orElseThrow();
    }
    try (RaDialog loaded = RaDialog.load(model);
        Dialog dialog = loaded.open(Study.of(Radiograph.read(film)).ofAnyView())) {
      assertThat(dialog.findings()).isNotNull();
      assertThat(dialog.report(Decoding.greedy(5), _ -> {}).usage().completionTokens())
          .isBetween(1, 5);
    }
    assertThat(Files.readString(model.resolve("MODEL_CARD.md")))
        .startsWith("# tiny 0.3\n")
        .contains(
            "Patients are in two folds; fold 1 was", "0123abc", "--folds FOLDS --recipe RECIPE")
        .doesNotContain("NIH");

    // Completed parts are skipped: the same call writes the same folder.
    byte[] trained = Files.readAllBytes(model.resolve("radialog.safetensors"));
    Files.delete(model.resolve("radialog.safetensors"));
    Progress noStage =
        (what, steps) -> {
          assertThat(what).doesNotContain("classifier", "alignment", "language");
          return Progress.NONE.start(what, steps);
        };
    ModelTraining.train(config, folder.resolve("runs"), model, noStage);
    assertThat(Files.readAllBytes(model.resolve("radialog.safetensors"))).isEqualTo(trained);
  }
}
