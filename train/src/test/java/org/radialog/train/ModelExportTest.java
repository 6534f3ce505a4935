package org.radialog.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.NihDataSet;
import org.radialog.data.RadiologistRead;
import org.radialog.dialog.RaDialog;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelFolder;
import org.radialog.published.Performance;
import org.radialog.testing.Kill;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;

class ModelExportTest {
  private static final String LEARNED = "classifier.safetensors";

  @TempDir Path folder;

  private void assertRefused(SmallRuns small, Path classifier, Path language, String said) {
    Path model = folder.resolve("refused");
    var config =
        new ExportConfig(
            List.of(small.data()),
            0,
            Optional.empty(),
            Map.of(0, classifier),
            language,
            small.base(),
            "0.0.1",
            "x");
    assertThatThrownBy(() -> ModelExport.write(config, model, Progress.NONE))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining(said);
    assertThat(model).doesNotExist();
  }

  @Test
  void whatTwoRunsLearnedIsReadFromTheModelFolder() throws Exception {
    SmallRuns small = SmallRuns.write(folder);
    Path classifier = folder.resolve("classifier-0");
    Path language = folder.resolve("language");
    ClassifierTraining.train(small.classifierConfig(0), classifier, Progress.NONE);
    LanguageTraining.Config onClassifier =
        small.languageConfig(classifier.resolve("classifier.safetensors"), List.of());
    Path model = folder.resolve("model");
    // An interrupted run has a checkpoint but no weights to export.
    assertThatThrownBy(
            () -> LanguageTraining.train(onClassifier, language, new Kill("language", 3)))
        .isInstanceOf(Kill.Killed.class);
    assertThat(language.resolve("checkpoint.safetensors")).exists();
    assertRefused(small, classifier, language, "the run " + language + " has not finished");
    LanguageTraining.train(onClassifier, language, Progress.NONE);
    Path other = folder.resolve("other");
    LanguageTraining.train(small.languageConfig(), other, Progress.NONE);
    assertRefused(
        small, classifier, other, "the run " + other + " was trained with the classifier");
    ModelExport.write(
        new ExportConfig(
            List.of(small.data()),
            0,
            Optional.empty(),
            Map.of(0, classifier),
            language,
            small.base(),
            "0.0.1",
            "0123456789abcdef"),
        model,
        Progress.NONE);

    assertThat(RaDialog.verify(model).checks())
        .allSatisfy(check -> assertThat(check.holds()).as(check.toString()).isTrue());
    ModelConfig config = ModelFolder.open(model).config();
    // Nothing can be told by so few films.
    for (Finding finding : Finding.ALL) {
      assertThat(config.film().classifier().evidence(finding.label()))
          .as(finding.label())
          .isEqualTo(
              switch (finding) {
                case NO_FINDING, CARDIOMEGALY, EDEMA, PLEURAL_EFFUSION, PNEUMOTHORAX ->
                    ModelConfig.Evidence.WEAK;
                case ENLARGED_CARDIOMEDIASTINUM,
                    LUNG_OPACITY,
                    LUNG_LESION,
                    CONSOLIDATION,
                    PNEUMONIA,
                    ATELECTASIS,
                    PLEURAL_OTHER,
                    FRACTURE,
                    SUPPORT_DEVICES ->
                    ModelConfig.Evidence.UNTRAINED;
              });
    }
    assertThat(config.film().classifier().performance()).contains(List.of());
    try (Checkpoint trained = Checkpoint.open(model.resolve(ModelConfig.TRAINED));
        Checkpoint learned = Checkpoint.open(language.resolve("language.safetensors"))) {
      String query = "qformer.query_tokens";
      assertThat(trained.tensors())
          .hasEntrySatisfying(query, tensor -> assertThat(tensor.dtype()).isEqualTo(DType.BF16));
      float[] exact = learned.floats(query);
      float[] rounded = trained.floats(query);
      for (int i = 0; i < exact.length; i++) {
        assertThat(rounded[i]).isCloseTo(exact[i], Offset.offset(Math.abs(exact[i]) / 256));
      }
      assertThat(trained.tensors().sequencedKeySet())
          .allMatch(name -> name.matches("(vision|classifier|qformer|projector|language)\\..*"));
    }
    assertThat(Files.readString(model.resolve("MODEL_CARD.md")))
        .contains(
            "0123456789abcdef",
            "# tiny 0.0.1",
            "--recipe RECIPE",
            "Pleural Effusion *",
            "Positives weigh more in the loss",
            "films teach them, but the classifier tells too little",
            "Fracture",
            "Not a medical device",
            TinyBase.NAME)
        .doesNotContain("SmolLM2");
    assertThat(Files.readString(model.resolve("NOTICE")))
        .contains("imagenet.safetensors", TinyBase.NAME, "mit", "NIH ChestX-ray14")
        .doesNotContain("SmolLM2");

    assertAnotherLanguageModelCombinesWith(model, small, language);
    assertWhatAllFoldsShowIsInTheFolder(small, classifier, language);
  }

  private void assertWhatAllFoldsShowIsInTheFolder(SmallRuns small, Path classifier, Path language)
      throws Exception {
    Map<Integer, Path> runs = new TreeMap<>(Map.of(0, classifier));
    for (int fold = 1; fold < 5; fold++) {
      runs.put(fold, runThatTellsEdema(small, classifier, fold));
    }
    StringBuilder classes = new StringBuilder("image,rsna_class\n");
    for (Film film : NihDataSet.read(small.data()).films()) {
      if (film.present().contains(Finding.NO_FINDING)) {
        classes.append(film.image()).append(",Normal\n");
      } else if (film.present().contains(Finding.PLEURAL_EFFUSION)) {
        classes.append(film.image()).append(",Lung Opacity\n");
      }
    }
    Files.writeString(small.data().resolve("rsna2018.csv"), classes);
    Path model = folder.resolve("calibrated");
    ModelExport.write(
        new ExportConfig(
            List.of(small.data()), 0, Optional.empty(), runs, language, small.base(), "0.0.2", "x"),
        model,
        Progress.NONE);

    ModelConfig.Classifier read = ModelFolder.open(model).config().film().classifier();
    assertThat(read.evidence("Edema")).isEqualTo(ModelConfig.Evidence.TRAINED);
    assertThat(read.evidence("Pneumothorax")).isEqualTo(ModelConfig.Evidence.WEAK);
    assertThat(read.evidence("Fracture")).isEqualTo(ModelConfig.Evidence.UNTRAINED);
    Performance edema = read.performance("Edema").orElseThrow();
    assertThat(edema.films()).isEqualTo(40);
    assertThat(edema.positives()).isEqualTo(10);
    assertThat(edema.sensitivity().value()).isBetween(0.8, 1.0);
    assertThat(read.performance("Pneumothorax")).isEmpty();
    for (int i = 0; i < Finding.COUNT; i++) {
      assertThat(read.possible().orElseThrow().get(i))
          .isLessThanOrEqualTo(read.thresholds().get(i));
    }
    assertThat(model.resolve("MODEL_CARD.md"))
        .content()
        .contains("Against radiologists", "| age below 60 |", "| view PA |", "Macro F1")
        .contains("Pleural Effusion: films teach them")
        .doesNotContain("NaN", "null");
    assertThat(model.resolve("NOTICE"))
        .content()
        .contains("NIH Clinical Center", "Wang", "(RSNA)", "(STR)", "Shih");
    assertTheLastLayerIsCalibrated(small, runs, model);
  }

  /** A finished run with another fold, whose probabilities are right about Edema alone. */
  private Path runThatTellsEdema(SmallRuns small, Path classifier, int fold) throws Exception {
    Path run = Files.createDirectories(folder.resolve("classifier-" + fold));
    for (String file : List.of("classifier.safetensors", "validation.csv")) {
      Files.copy(classifier.resolve(file), run.resolve(file));
    }
    String config = Files.readString(classifier.resolve("config.json"));
    Files.writeString(
        run.resolve("config.json"), config.replace("\"fold\" : 0", "\"fold\" : " + fold));
    StringBuilder table = new StringBuilder("image");
    Finding.ALL.forEach(finding -> table.append(',').append(finding.label()));
    List<Film> films = Folds.nih14().films(NihDataSet.read(small.data()).films(), fold);
    for (int i = 0; i < films.size(); i++) {
      table.append('\n').append(films.get(i).image());
      for (Finding finding : Finding.ALL) {
        boolean edema = finding == Finding.EDEMA && films.get(i).present().contains(finding);
        table.append(edema ? ",0.9" : ",0.6").append((i * 7 + finding.column()) % 10);
      }
    }
    Files.writeString(run.resolve("held-out.csv"), table.append('\n'));
    return run;
  }

  private static void assertTheLastLayerIsCalibrated(
      SmallRuns small, Map<Integer, Path> runs, Path model) {
    RadiologistRead data = RadiologistRead.read(small.data());
    Calibration calibration =
        Calibration.fitted(
            ScoredFilms.of(data, false).only(film -> Folds.nih14().of(film) != 0),
            Probabilities.read(
                IntStream.range(1, 5)
                    .mapToObj(fold -> runs.getOrDefault(fold, model).resolve("held-out.csv"))
                    .toList()));
    assertThat(calibration.scalings().get(Finding.EDEMA.column()).offset()).isNegative();
    try (Checkpoint own = Checkpoint.open(runs.getOrDefault(0, model).resolve(LEARNED));
        Checkpoint written = Checkpoint.open(model.resolve(ModelConfig.TRAINED))) {
      double[] logits = logits(own);
      double[] calibrated = logits(written);
      for (Finding finding : Finding.ALL) {
        Calibration.Scaling scaling = calibration.scalings().get(finding.column());
        double logit = logits[finding.column()];
        assertThat(1 / (1 + Math.exp(-calibrated[finding.column()])))
            .as(finding.label())
            .isCloseTo(scaling.of(1 / (1 + Math.exp(-logit))), Offset.offset(0.01));
      }
    }
  }

  // The logits of a film on which each hidden unit is 0.1 times its number.
  private static double[] logits(Checkpoint weights) {
    float[] matrix = weights.floats("classifier.fc2.weight");
    float[] bias = weights.floats("classifier.fc2.bias");
    double[] logits = new double[bias.length];
    int hidden = matrix.length / bias.length;
    for (int i = 0; i < matrix.length; i++) {
      logits[i / hidden] += matrix[i] * 0.1 * (i % hidden);
    }
    for (int i = 0; i < bias.length; i++) {
      logits[i] += bias[i];
    }
    return logits;
  }

  private void assertAnotherLanguageModelCombinesWith(Path model, SmallRuns small, Path otherRun) {
    Path encoder = model.resolve(ModelConfig.TRAINED);
    Path run = folder.resolve("language-mlp");
    LanguageTraining.train(
        small.languageConfig(encoder, List.of(), SmallRuns.withMlp()), run, Progress.NONE);
    Path combined = folder.resolve("combined");
    CombinedModel.write(model, run, small.base(), combined, Progress.NONE);

    assertThat(RaDialog.verify(combined).checks())
        .allSatisfy(check -> assertThat(check.holds()).as(check.toString()).isTrue());
    ModelConfig config = ModelFolder.open(combined).config();
    ModelConfig own = ModelFolder.open(model).config();
    assertThat(config.id()).isEqualTo("with-mlp");
    assertThat(config.classifier()).isEqualTo(own.classifier());
    assertThat(config.selfTest().probabilities()).isEqualTo(own.selfTest().probabilities());
    assertThat(config.alignment()).isNotEqualTo(own.alignment());
    assertThat(combined.resolve("MODEL_CARD.md")).content().contains("MLP of two layers");
    assertThatThrownBy(() ->
            CombinedModel.write(
                model, otherRun, small.base(), folder.resolve("none"), Progress.NONE))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("the run " + otherRun + " was trained with the classifier");
    assertThat(folder.resolve("none")).doesNotExist();
  }
}
