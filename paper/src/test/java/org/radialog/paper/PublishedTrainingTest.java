package org.radialog.paper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Study;
import org.radialog.imaging.DicomRecipe;
import org.radialog.imaging.Preprocessing;
import org.radialog.imaging.Radiograph;
import org.radialog.language.LoraConfig;
import org.radialog.paper.AnswerRecipe.BasePrecision;
import org.radialog.published.StrictJson;
import org.radialog.testing.Kill;
import org.radialog.vision.Alignment;
import org.radialog.vision.BioViLT;
import org.radialog.vision.FindingsClassifier;
import org.radialog.vision.MlpProjector;
import org.radialog.vision.QFormer;
import org.radialog.vision.TokenOrder;
import org.radialog.vision.VisionEncoder;

/**
 * The published recipes with tiny networks, from films and reports to a model that generates text.
 */
class PublishedTrainingTest {
  @TempDir private Path folder = Path.of("");

  @ParameterizedTest
  @ValueSource(strings = {"v1-rg", "v1-ins", "v2"})
  void aRecipeLeadsFromFilmsAndReportsToAModelThatWrites(String name) {
    SmallMimic mimic = new SmallMimic(folder);
    Path model = folder.resolve("model");
    PublishedTraining.train(
        config(mimic, tiny(name)), folder.resolve("runs"), model, Progress.NONE);

    assertThat(RaDialog.verify(model).holds()).isTrue();
    assertThat(model.resolve("MODEL_CARD.md")).content().contains("| Pleural Effusion | 8 |");
    try (RaDialog radialog = RaDialog.load(model);
        Dialog dialog =
            radialog.open(
                Study.of(
                    Radiograph.read(
                        mimic.data().resolve("files/p10/p10000020/s50000020/d20.jpg"))))) {
      assertThat(dialog.report().text()).isNotNull();
    }
  }

  @Test
  void aTrainingKilledInEachStageEndsWithTheSameBits() throws Exception {
    SmallMimic mimic = new SmallMimic(folder);
    PublishedSources config = config(mimic, tiny("v1-rg", BasePrecision.FP16, true));
    Path whole = folder.resolve("whole");
    Path killed = folder.resolve("killed");
    PublishedTraining.train(config, whole, folder.resolve("a"), Progress.NONE);
    for (Kill kill :
        new Kill[] {
          new Kill("findings 2/2", 1), new Kill("qformer 2/2", 2), new Kill("language", 3)
        }) {
      assertThatThrownBy(() -> PublishedTraining.train(config, killed, folder.resolve("b"), kill))
          .isInstanceOf(Kill.Killed.class);
    }
    PublishedTraining.train(config, killed, folder.resolve("b"), Progress.NONE);
    PublishedRuns one = new PublishedRuns(whole);
    PublishedRuns other = new PublishedRuns(killed);
    assertThat(Files.mismatch(one.findingsWeights(), other.findingsWeights())).isEqualTo(-1);
    assertThat(Files.mismatch(one.qformerWeights(), other.qformerWeights())).isEqualTo(-1);
    assertThat(Files.mismatch(one.languageWeights(), other.languageWeights())).isEqualTo(-1);
    List<String> table = Files.readAllLines(one.language().resolve("metrics.csv"));
    assertThat(table.getFirst()).endsWith(",loss,validation_loss,loss_scale,skipped_steps");
    String[] last = table.getLast().split(",", -1);
    assertThat(Double.parseDouble(last[5])).isCloseTo(Double.parseDouble(last[6]), within(0.5));
  }

  @Test
  void aPackedBaseTrainsWithItsLayersComputedTwice() {
    SmallMimic mimic = new SmallMimic(folder);
    Path model = folder.resolve("model");
    PublishedTraining.train(
        config(mimic, tiny("v2", BasePrecision.INT4, true)),
        folder.resolve("runs"),
        model,
        Progress.NONE);
    assertThat(RaDialog.verify(model).holds()).isTrue();
    assertThatThrownBy(() -> tiny("v2", BasePrecision.INT4, false))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("language.checkpointing false");
  }

  @Test
  void aQFormerWithoutBertIsRefusedBeforeAnythingIsTrained() {
    assertThatThrownBy(() ->
            new PublishedSources(
                folder,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                folder,
                PublishedRecipe.named("v1-rg")))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("starts from BERT");
  }

  @Test
  void aRecipeOfInstructionsWithoutDialogsIsRefusedBeforeAnythingIsTrained() {
    assertThatThrownBy(() ->
            new PublishedSources(
                folder,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                folder,
                PublishedRecipe.named("v2")))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("expected the file of radialog data instruct (--dialogs)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"v1-rg", "v1-ins", "v2"})
  void aRecipeIsAFileThatCanBeReadAndChanged(String name) throws Exception {
    Path file = Files.writeString(folder.resolve("mine.json"), PublishedRecipe.text(name));
    PublishedRecipe recipe = PublishedRecipe.read(file);
    assertThat(recipe).isEqualTo(PublishedRecipe.named(name));
    assertThat(recipe.language().batch()).isEqualTo(128);
    Files.writeString(file, StrictJson.text(tiny(name)));
    assertThat(PublishedRecipe.read(file)).isEqualTo(tiny(name));
  }

  private static PublishedSources config(SmallMimic mimic, PublishedRecipe recipe) {
    return new PublishedSources(
        mimic.data(),
        Optional.of(mimic.chexbert()),
        Optional.empty(),
        Optional.of(mimic.bertFolder()),
        recipe.instructions() ? Optional.of(mimic.dialogs()) : Optional.empty(),
        mimic.base(),
        recipe);
  }

  /** The recipe with small networks and few steps. */
  static PublishedRecipe tiny(String name) {
    return tiny(name, PublishedRecipe.named(name).language().precision(), false);
  }

  private static PublishedRecipe tiny(String name, BasePrecision precision, boolean checkpointing) {
    PublishedRecipe full = PublishedRecipe.named(name);
    Alignment.Config alignment =
        switch (full.version()) {
          case V1 ->
              new QFormer.Config(
                  4,
                  2,
                  SmallMimic.BERT,
                  2,
                  2 * SmallMimic.BERT,
                  2,
                  VisionEncoder.Source.PATCHES,
                  TokenOrder.PATCHES);
          case V2 -> new MlpProjector.Config(16, VisionEncoder.Source.PATCHES, TokenOrder.PATCHES);
        };
    AnswerRecipe language = full.language();
    return new PublishedRecipe(
        full.id(),
        full.seed(),
        1,
        full.version(),
        new Preprocessing.Branches(64, new Preprocessing.Crops(64, 64), DicomRecipe.VOI),
        BioViLT.Config.of(BioViLT.Backbone.EFFICIENTNET_LITE0, 8, 8),
        new PublishedRecipe.Head(new FindingsClassifier.Pooling.Window(1, 2), 8),
        new FindingsRecipe(2, 8, 1e-3, 1e-6, 0),
        alignment,
        full.qformer()
            .map(_ -> new QFormerRecipe(2, 100, 4, 1e-6, 1e-3, 1e-5, 2, 0.05, 0.1, 100, 32, 8)),
        LoraConfig.trained(2, 4, full.adapter().targets()),
        full.reportEpochs(),
        full.instructions(),
        new AnswerRecipe(
            1,
            4,
            4,
            2,
            1e-3,
            language.projectorRate(),
            language.visionRate(),
            language.decay(),
            1,
            0,
            0,
            language.adapterDropout(),
            language.clip(),
            600,
            precision,
            checkpointing,
            2));
  }
}
