package org.radialog.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.dialog.RaDialog;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelFolder;
import org.radialog.testing.Kill;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;

class ModelExportTest {
  @TempDir Path folder;

  private void assertRefused(SmallRuns small, Path classifier, Path language, String said) {
    Path model = folder.resolve("refused");
    var config =
        new ExportConfig(
            small.data(),
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
            small.data(),
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
    for (Finding finding : Finding.ALL) {
      assertThat(config.film().classifier().evidence().get(finding.column()))
          .as(finding.label())
          .isEqualTo(
              switch (finding) {
                case NO_FINDING, CARDIOMEGALY, EDEMA, PLEURAL_EFFUSION, PNEUMOTHORAX ->
                    ModelConfig.Evidence.TRAINED;
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
            "Fracture",
            "Not a medical device",
            TinyBase.NAME)
        .doesNotContain("SmolLM2");
    assertThat(Files.readString(model.resolve("NOTICE")))
        .contains("imagenet.safetensors", TinyBase.NAME, "mit", "NIH ChestX-ray14")
        .doesNotContain("SmolLM2");

    assertAnotherLanguageModelCombinesWith(model, small, language);
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
