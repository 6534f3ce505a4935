package org.radialog.paper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.data.MimicCxr;
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
import org.radialog.weights.DType;

/**
 * The published recipes with tiny networks, from films and reports to a model that generates text.
 */
class PublishedTrainingTest {
  private static final String EVENTS = "events.out.tfevents.radialog";

  @TempDir private Path folder = Path.of("");

  @ParameterizedTest
  @ValueSource(strings = {"v1-rg", "v1-ins", "v2"})
  void aRecipeLeadsFromFilmsAndReportsToAModelThatWrites(String name) throws Exception {
    SmallMimic mimic = new SmallMimic(folder, DType.BF16);
    Path model = folder.resolve("model");
    PublishedTraining.train(
        config(mimic, tiny(name)), folder.resolve("runs"), model, Progress.NONE);

    assertThat(RaDialog.verify(model).holds()).isTrue();
    assertWritesReportsInItsValidations(folder.resolve("runs/language"), tiny(name).language());
    assertThat(model.resolve("MODEL_CARD.md")).content().contains("| Pleural Effusion | 8 |");
    try (RaDialog radialog = RaDialog.load(model);
        Dialog dialog =
            radialog.open(
                Study.of(
                    Radiograph.read(
                        mimic.data().resolve("files/p10/p10000020/s50000020/d20.jpg"))))) {
      assertThat(dialog.report().text()).isNotNull();
      if (name.equals("v1-ins")) {
        new EvaluatedByThePaper(radialog, model, folder.resolve("predictions.jsonl"))
            .printsTheTableOf(MimicCxr.of(mimic.data()).withChexbert(mimic.chexbert()));
      }
    }
    new PublishedAgain(folder.resolve("again"))
        .isTheSameModel(mimic.publishedBase(), model, tiny(name));
  }

  // None of these random networks writes the name of a finding, so that each report is labelled No
  // Finding, which is right for one film of three or of four.
  private static void assertWritesReportsInItsValidations(Path run, AnswerRecipe recipe)
      throws Exception {
    List<String> table = Files.readAllLines(run.resolve("metrics.csv"));
    assertThat(table.getFirst())
        .isEqualTo(
            "row,stage,step,seconds,rate,loss,validation_loss,clinical_f1,clinical_f1_micro");
    assertThat(table.subList(1, table.size()))
        .hasSize(2)
        .allSatisfy(line -> assertThat(line).matches(".*,\\d\\.\\d{4},0\\.\\d{4},0\\.\\d{4}"));
    assertThat(run.resolve("plot.html")).content().contains("clinical_f1_micro");
    assertThat(Files.readString(run.resolve(EVENTS), StandardCharsets.ISO_8859_1))
        .contains("language/clinical_f1", "language/clinical_f1_micro");
    // the second validation of a recipe with patience for one finds nothing better and ends it
    assertThat(table.getLast())
        .startsWith(recipe.best().isPresent() ? "2,language,2," : "2,language,4,");
    assertThat(Files.exists(run.resolve("best-language.safetensors")))
        .isEqualTo(recipe.best().isPresent());
  }

  @Test
  void aTrainingKilledInEachStageEndsWithTheSameBitsAndChoice() throws Exception {
    SmallMimic mimic = new SmallMimic(folder);
    PublishedSources config = config(mimic, tiny("v1-ins", BasePrecision.FP16, true));
    PublishedRuns whole = new PublishedRuns(folder.resolve("whole"));
    PublishedRuns killed = new PublishedRuns(folder.resolve("killed"));
    List<Kill> moments = new ArrayList<>();
    PublishedTraining.train(
        config, folder.resolve("whole"), folder.resolve("a"), Kill.noting(moments));

    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (String stage : List.of("findings", "qformer", "language")) {
      Kill kill = Kill.drawn(moments, stage, random);
      assertThatThrownBy(() ->
              PublishedTraining.train(config, folder.resolve("killed"), folder.resolve("b"), kill))
          .as("seed %d: %s", seed, kill)
          .isInstanceOf(Kill.Killed.class);
    }
    PublishedTraining.train(config, folder.resolve("killed"), folder.resolve("b"), Progress.NONE);

    assertThat(Files.mismatch(whole.findingsWeights(), killed.findingsWeights()))
        .as("seed %d", seed)
        .isEqualTo(-1);
    assertThat(Files.mismatch(whole.qformerWeights(), killed.qformerWeights()))
        .as("seed %d", seed)
        .isEqualTo(-1);
    assertThat(Files.mismatch(whole.languageWeights(), killed.languageWeights()))
        .as("seed %d", seed)
        .isEqualTo(-1);
    assertThat(measured(killed.language()))
        .as("seed %d", seed)
        .isEqualTo(measured(whole.language()));
    List<String> table = measured(whole.language());
    List<String> columns = List.of(table.getFirst().split(",", -1));
    List<String> last = List.of(table.getLast().split(",", -1));
    assertThat(columns).endsWith("loss_scale", "skipped_steps");
    assertThat(Double.parseDouble(last.get(columns.indexOf("loss"))))
        .isCloseTo(Double.parseDouble(last.get(columns.indexOf("validation_loss"))), within(0.5));
  }

  /** The table of a run without the column with the seconds. */
  private static List<String> measured(Path run) throws IOException {
    return Files.readAllLines(run.resolve("metrics.csv")).stream()
        .map(line -> line.replaceFirst("^([^,]*,[^,]*,[^,]*,)[^,]*,", "$1"))
        .toList();
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

  @Test
  void aChoiceOfWeightsThatCannotBeMeasuredIsRefusedBeforeAnythingIsTrained() throws Exception {
    String text = StrictJson.text(tiny("v1-ins"));
    Path file = folder.resolve("mine.json");
    Files.writeString(file, text.replaceFirst("\"reports\" : \\{[^}]*}", "\"reports\" : null"));
    assertThatThrownBy(() -> PublishedRecipe.read(file))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("language.best.measure is clinical_f1 with language.reports null");
    Files.writeString(file, text.replace("\"clinical_f1\"", "\"rouge\""));
    assertThatThrownBy(() -> PublishedRecipe.read(file))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining(
            "language.best.measure is rouge, expected one of [validation_loss, clinical_f1,"
                + " clinical_f1_micro]");

    SmallMimic mimic = new SmallMimic(folder);
    Path splits = mimic.data().resolve("mimic-cxr-2.0.0-split.csv");
    Files.writeString(splits, Files.readString(splits).replace("validate", "test"));
    Path runs = folder.resolve("runs");
    assertThatThrownBy(() ->
            PublishedTraining.train(
                config(mimic, tiny("v1-ins")), runs, folder.resolve("model"), Progress.NONE))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("has no film of the validation split whose report has findings");
    assertThat(runs).doesNotExist();
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
    boolean chosen = name.equals("v1-ins"); // the one that keeps its best weights and ends early
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
            0, // the rate of the first step, after which the weights may be chosen, is not 0
            0,
            0,
            language.adapterDropout(),
            language.clip(),
            600,
            precision,
            checkpointing,
            chosen ? 1 : 2,
            Optional.of(new AnswerRecipe.Reports(3, 1, 6)),
            chosen
                ? Optional.of(new AnswerRecipe.Best(AnswerRecipe.CLINICAL_F1, 1))
                : Optional.empty()));
  }
}
