package org.radialog.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import org.radialog.base.Printable;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.Sha256;
import org.radialog.base.WholeFile;
import org.radialog.clinical.Finding;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.NihDataSet;
import org.radialog.dialog.RaDialog;
import org.radialog.imaging.DicomRecipe;
import org.radialog.imaging.Preprocessing;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelFolder;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;
import org.radialog.weights.TensorInfo;
import tools.jackson.databind.JsonNode;

/** From runs to a model folder that {@link RaDialog} loads. */
public final class ModelExport {
  private static final String BASE = "base.gguf";
  private static final String CLASSIFIER = ClassifierTraining.WEIGHTS;
  private static final String LANGUAGE = DialogStage.WEIGHTS;

  private ModelExport() {}

  /**
   * Writes {@code base.gguf}, {@code radialog.safetensors}, {@code config.json}, {@code
   * MODEL_CARD.md} and {@code NOTICE} to {@code folder}. The self test is answered by the model
   * itself in fp32, loaded from the folder.
   *
   * @throws RadialogException if a run has not ended, or does not belong with the others
   */
  public static void write(ExportConfig config, Path folder, Progress progress) {
    List<Film> films = NihDataSet.read(config.data()).films();
    Folds folds = Folds.of(config.folds());
    Folds.Split split = folds.split(films, config.fold());
    requireEnded(config);
    ExportConfig.Origin origin = ExportConfig.Origin.of(config);
    Path classifierRun = config.classifierRun(config.fold());
    try (Progress.Task task = progress.start("export", 4)) {
      weights(classifierRun, config.languageRun(), folder.resolve(ModelConfig.TRAINED));
      copy(config.base(), folder.resolve(BASE));
      task.step("weights");

      // Thresholds by films that the classifier at hand did not learn from, as many as there are.
      List<Film> rest = films.stream().filter(film -> !split.test().contains(film)).toList();
      double[] thresholds =
          config.others().size() == folds.count() - 1
              ? Probabilities.thresholds(rest, rest, Probabilities.read(config.others()))
              : Probabilities.thresholds(
                  split.validation(),
                  rest,
                  Probabilities.read(
                      List.of(classifierRun.resolve(ClassifierTraining.VALIDATION))));
      ModelConfig untested = config(config, origin, films, thresholds, folder);
      ModelFolder.write(folder, untested);
      task.step(ModelConfig.FILE);
      ModelFolder.write(folder, untested.with(RaDialog.selfTest(folder)));
      task.step("self test");

      WholeFile.write(folder.resolve("NOTICE"), notice(config, origin));
      WholeFile.write(
          folder.resolve("MODEL_CARD.md"), ModelCard.text(config, origin, films, thresholds));
      task.step("card");
    }
  }

  private static ModelConfig config(
      ExportConfig config,
      ExportConfig.Origin origin,
      List<Film> films,
      double[] thresholds,
      Path folder) {
    ModelSpec.Image image = origin.model().image();
    return new ModelConfig(
        ModelConfig.FORMAT,
        ModelConfig.FORMAT_READ_BY,
        origin.id(),
        config.version(),
        origin.license(),
        List.of(ModelConfig.LIMITS_OF_GRAMMAR),
        List.of(ModelConfig.Section.FINDINGS, ModelConfig.Section.IMPRESSION),
        Optional.of(
            new Preprocessing.Branches(
                image.side(),
                new Preprocessing.Crops(image.side(), image.side()),
                DicomRecipe.VOI)),
        Optional.of(image.vision()),
        Optional.of(origin.model().alignment()),
        Optional.of(
            new ModelConfig.Classifier(
                ModelConfig.Encoder.SHARED,
                image.classifier().pooling(),
                image.classifier().hidden(),
                Finding.ALL.stream().map(Finding::label).toList(),
                Arrays.stream(thresholds).boxed().toList(),
                Optional.empty(),
                Finding.ALL.stream().map(finding -> evidence(finding, films)).toList())),
        ModelConfig.Language.gguf(BASE, origin.model().adapter(), origin.model().format()),
        ModelConfig.SelfTest.NONE,
        List.of(
            ModelConfig.FileEntry.of(folder, BASE),
            ModelConfig.FileEntry.of(folder, ModelConfig.TRAINED)),
        List.of());
  }

  static ModelConfig.Evidence evidence(Finding finding, List<Film> films) {
    return ModelCard.taught(finding, films)
        ? ModelConfig.Evidence.TRAINED
        : ModelConfig.Evidence.UNTRAINED;
  }

  /**
   * Encoder and classifier of one run, alignment and adapter of the other, as one file: matrices in
   * bf16; vectors, which are small and of which the running variances are sensitive, in fp32.
   */
  private static void weights(Path classifierRun, Path languageRun, Path file) {
    SequencedMap<String, SafetensorsWriter.Entry> entries = new LinkedHashMap<>();
    try (Checkpoint classifier = Checkpoint.open(classifierRun.resolve(CLASSIFIER));
        Checkpoint language = Checkpoint.open(languageRun.resolve(LANGUAGE))) {
      add(classifier, List.of("vision.", "classifier."), entries);
      add(language, DialogStage.PARTS, entries);
      SafetensorsWriter.write(file, Map.of("format", "pt"), entries);
    }
  }

  // A folder of runs that do not belong together loads, and its digests hold: only its reports show
  // it.
  private static void requireEnded(ExportConfig config) {
    config
        .classifierRuns()
        .forEach((fold, run) -> {
          requireFile(run, CLASSIFIER, "radialog train classifier");
          requireFile(run, ClassifierTraining.HELD_OUT, "radialog train classifier");
          requireFile(run, ClassifierTraining.VALIDATION, "radialog train classifier");
          requireFold(run, fold);
        });
    requireFile(config.languageRun(), LANGUAGE, "radialog train language");
    requireFold(config.languageRun(), config.fold());
    Path shipped = config.classifierRun(config.fold());
    JsonNode language = RunFolder.config(config.languageRun());
    requireSame(config.languageRun(), language, "classifier", shipped.resolve(CLASSIFIER));
    requireSame(config.languageRun(), language, "base", config.base());
    if (!RunFolder.config(shipped).path("image").equals(language.path("model").path("image"))) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "the runs %s and %s have different networks: expected model.image to be the same"
              .formatted(
                  Printable.escaped(shipped.toString()),
                  Printable.escaped(config.languageRun().toString())));
    }
  }

  private static void requireFile(Path run, String file, String command) {
    if (!Files.exists(run.resolve(file))) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "the run %s has not finished: expected %s in it; the same %s resumes it"
              .formatted(Printable.escaped(run.toString()), file, command));
    }
  }

  private static void requireFold(Path run, int fold) {
    JsonNode held = RunFolder.config(run).path("fold");
    if (!held.isIntegralNumber() || held.intValue() != fold) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "the run %s held fold %s out, expected fold %d"
              .formatted(Printable.escaped(run.toString()), Printable.of(held), fold));
    }
  }

  private static void requireSame(Path run, JsonNode language, String what, Path expected) {
    String learnedOn = language.path(what + "_sha256").asString();
    String found = Sha256.of(expected);
    if (!found.equals(learnedOn)) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          ("the run %s was trained with the %s %s, which differs from %s: expected the"
                  + " same, with SHA-256 %s, found %s")
              .formatted(
                  Printable.escaped(run.toString()),
                  what,
                  Printable.of(language.path(what).asString()),
                  Printable.escaped(expected.toString()),
                  Printable.of(learnedOn),
                  found));
    }
  }

  private static void add(
      Checkpoint from, List<String> parts, SequencedMap<String, SafetensorsWriter.Entry> entries) {
    for (String part : parts) {
      List<TensorInfo> tensors = new ArrayList<>();
      for (TensorInfo info : from.tensors().values()) {
        if (info.name().startsWith(part)) {
          tensors.add(info);
        }
      }
      if (tensors.isEmpty()) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            "the run has no tensors under " + part + ": it belongs to another stage");
      }
      for (TensorInfo info : tensors) {
        DType type = info.shape().length < 2 ? DType.F32 : DType.BF16;
        entries.put(
            info.name(), SafetensorsWriter.Entry.of(type, from.floats(info.name()), info.shape()));
      }
    }
  }

  private static void copy(Path from, Path to) {
    try {
      if (!Files.exists(to) || Files.mismatch(from, to) >= 0) {
        WholeFile.write(to, out -> Files.copy(from, out));
      }
    } catch (IOException e) {
      throw new RadialogException("cannot copy " + from + " to " + to + ": " + e, e);
    }
  }

  private static String notice(ExportConfig config, ExportConfig.Origin origin) {
    List<String> lines = new ArrayList<>();
    lines.add(BASE);
    origin.base().notice().forEach(line -> lines.add("  " + line));
    lines.add("");
    lines.add(ModelConfig.TRAINED);
    lines.add("  Trained by this project's code; Apache License 2.0.");
    origin.init().notice().forEach(line -> lines.add("  " + line));
    (config.folds().isEmpty() ? NIH : OWN_FILMS).lines().forEach(line -> lines.add("  " + line));
    return String.join("\n", lines) + "\n";
  }

  private static final String NIH =
      """
      Trained on radiographs of NIH ChestX-ray14, provided by the NIH Clinical Center without restriction
      on use: X. Wang, Y. Peng, L. Lu, Z. Lu, M. Bagheri, R. M. Summers, "ChestX-ray8: Hospital-scale Chest
      X-ray Database and Benchmarks on Weakly-Supervised Classification and Localization of Common Thorax
      Diseases", IEEE CVPR 2017, pp. 3462-3471.
      """;

  private static final String OWN_FILMS =
      """
      Trained on radiographs that are not the program's; whoever trained it knows their terms of use.
      """;
}
