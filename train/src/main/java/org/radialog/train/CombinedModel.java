package org.radialog.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.radialog.base.Printable;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.Sha256;
import org.radialog.base.WholeFile;
import org.radialog.dialog.RaDialog;
import org.radialog.loop.RunFolder;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelFolder;
import org.radialog.published.StrictJson;
import tools.jackson.databind.JsonNode;

/**
 * A model folder with the image encoder and the findings classifier of an existing model, and the
 * alignment and the language model of a run that was trained on that encoder. Its findings and
 * probabilities are those of the existing model, so that two such models differ only in their
 * texts.
 */
public final class CombinedModel {
  private CombinedModel() {}

  /**
   * Writes {@code base.gguf}, {@code radialog.safetensors}, {@code config.json}, {@code
   * MODEL_CARD.md} and {@code NOTICE} to {@code folder}.
   *
   * @param model the existing model folder
   * @param languageRun folder of a completed run of {@link LanguageTraining} whose classifier is
   *     the trained file of {@code model}
   * @param base language model, GGUF
   * @throws RadialogException if the run is not complete, or the parts do not belong together
   */
  public static void write(
      Path model, Path languageRun, Path base, Path folder, Progress progress) {
    ModelConfig own = ModelFolder.open(model).config();
    Path encoder = model.resolve(ModelConfig.TRAINED);
    ModelExport.requireFile(languageRun, DialogStage.WEIGHTS, "radialog train language");
    JsonNode run = RunFolder.config(languageRun);
    ModelExport.requireSame(languageRun, run, "classifier", encoder);
    ModelExport.requireSame(languageRun, run, "base", base);
    ModelSpec spec =
        StrictJson.read(
            languageRun + ": model", run.path("model"), ModelSpec.class, Kind.REFUSED_DATA);
    requireEncoder(model, own, spec);
    try (Progress.Task task = progress.start("combine", 3)) {
      ModelExport.weights(
          encoder,
          Calibration.NONE, // the model's is in its weights
          languageRun.resolve(DialogStage.WEIGHTS),
          spec,
          folder.resolve(ModelConfig.TRAINED));
      ModelExport.copy(base, folder.resolve(ModelExport.BASE));
      task.step("weights");
      ModelConfig untested =
          new ModelConfig(
              ModelConfig.FORMAT,
              ModelConfig.FORMAT_READ_BY,
              run.path("id").asString(),
              own.version(),
              own.license(),
              own.limits(),
              own.sections(),
              own.preprocessing(),
              own.vision(),
              Optional.of(spec.alignment()),
              own.classifier(),
              ModelConfig.Language.gguf(ModelExport.BASE, spec.adapter(), spec.format()),
              ModelConfig.SelfTest.NONE,
              List.of(
                  ModelConfig.FileEntry.of(folder, ModelExport.BASE),
                  ModelConfig.FileEntry.of(folder, ModelConfig.TRAINED)),
              List.of());
      ModelFolder.write(folder, untested);
      ModelFolder.write(folder, untested.with(RaDialog.selfTest(folder)));
      task.step("self test");
      ModelExport.copy(model.resolve("NOTICE"), folder.resolve("NOTICE"));
      WholeFile.write(folder.resolve("MODEL_CARD.md"), card(own, encoder, spec, run));
      task.step("card");
    }
  }

  // Tensors of another encoder would be refused when the folder is loaded, but not another input.
  private static void requireEncoder(Path model, ModelConfig own, ModelSpec spec) {
    int side = own.preprocessing().map(p -> p.crops().alignment()).orElse(0);
    if (!own.vision().equals(Optional.of(spec.image().vision())) || side != spec.image().side()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "%s has the image encoder %s for films of %d pixels, the run %s for %d: expected the same"
              .formatted(
                  Printable.escaped(model.toString()),
                  own.vision(),
                  side,
                  spec.image().vision(),
                  spec.image().side()));
    }
  }

  private static String card(ModelConfig own, Path encoder, ModelSpec spec, JsonNode run) {
    return """
    # %s %s

    **For research and teaching only. Not a medical device; not for diagnosis or treatment.**

    | part | from |
    |---|---|
    | image encoder and findings classifier | %s %s, `radialog.safetensors` with SHA-256 `%s`: its model card gives data, scores and limits of the findings |
    | alignment | trained: %s |
    | language model | LoRA, rank %d, trained on generated dialogs; base model with SHA-256 `%s` |

    Recipe of the language model: `%s`

    No score of its texts is known: evaluate it (`radialog evaluate`) before anything is read into them.
    """
        .formatted(
            run.path("id").asString(),
            own.version(),
            own.id(),
            own.version(),
            Sha256.of(encoder),
            spec.alignmentInWords(),
            spec.adapter().r(),
            run.path("base_sha256").asString(),
            run.path("language"));
  }
}
