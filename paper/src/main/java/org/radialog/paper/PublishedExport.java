package org.radialog.paper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import org.bytedeco.pytorch.Tensor;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.WholeFile;
import org.radialog.clinical.Finding;
import org.radialog.dialog.RaDialog;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelFolder;
import org.radialog.torch.Parameters;
import org.radialog.torch.Torch;
import org.radialog.vision.BioViLT;
import org.radialog.vision.FindingsClassifier;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;
import org.radialog.weights.TensorInfo;

/** From the runs of {@link PublishedTraining} to a model folder that every command reads. */
final class PublishedExport {
  private static final double THRESHOLD = 0.5; // of the published classifier, for every finding

  private PublishedExport() {}

  /**
   * Writes the folder: base model, trained weights, {@code config.json} and {@code MODEL_CARD.md}.
   * The self test is answered by the model itself in fp32, loaded from the folder.
   *
   * @param positives how many of the training films have each finding
   */
  static void write(
      PublishedSources config,
      Map<Finding, Long> positives,
      PublishedRuns runs,
      Path folder,
      Progress progress) {
    PublishedRecipe recipe = config.recipe();
    try (Progress.Task task = progress.start("export", 3);
        LanguageBase base = LanguageBase.open(config.base())) {
      weights(recipe, base, runs, folder.resolve(ModelConfig.TRAINED));
      base.files().forEach(file -> copy(base.folder().resolve(file), folder.resolve(file)));
      task.step("weights");
      List<String> files = new ArrayList<>(base.files());
      files.add(ModelConfig.TRAINED);
      ModelConfig untested =
          new ModelConfig(
              ModelConfig.FORMAT,
              ModelConfig.FORMAT_READ_BY,
              recipe.id(),
              "1",
              base.license(),
              List.of(
                  "No score of this model is known: evaluate it before anything is read into its"
                      + " texts."),
              List.of(ModelConfig.Section.FINDINGS),
              Optional.of(recipe.preprocessing()),
              Optional.of(recipe.vision()),
              Optional.of(recipe.alignment()),
              Optional.of(
                  new ModelConfig.Classifier(
                      ModelConfig.Encoder.OWN,
                      recipe.classifier().pooling(),
                      recipe.classifier().hidden(),
                      Finding.ALL.stream().map(Finding::label).toList(),
                      Finding.ALL.stream().map(_ -> THRESHOLD).toList(),
                      Optional.empty(),
                      Finding.ALL.stream()
                          .map(finding ->
                              positives.containsKey(finding)
                                  ? ModelConfig.Evidence.TRAINED
                                  : ModelConfig.Evidence.UNTRAINED)
                          .toList())),
              base.with(recipe.adapter(), recipe.prompt()),
              ModelConfig.SelfTest.NONE,
              files.stream().map(file -> ModelConfig.FileEntry.of(folder, file)).toList(),
              List.of());
      ModelFolder.write(folder, untested);
      ModelFolder.write(folder, untested.with(RaDialog.selfTest(folder)));
      task.step("self test");
      WholeFile.write(folder.resolve("MODEL_CARD.md"), card(config, positives, runs));
      task.step("card");
    }
  }

  // Matrices in bf16; vectors, which are small and of which the running variances are sensitive,
  // in fp32.
  private static void weights(
      PublishedRecipe recipe, LanguageBase base, PublishedRuns runs, Path file) {
    SequencedMap<String, SafetensorsWriter.Entry> entries = new LinkedHashMap<>();
    try (Checkpoint findings = Checkpoint.open(runs.findingsWeights());
        Checkpoint language = Checkpoint.open(runs.languageWeights());
        Checkpoint encoder = Checkpoint.open(runs.encoderWeights())) {
      Parameters.Source source =
          Parameters.Source.of(findings)
              .or(Parameters.Source.of(language))
              .or(Parameters.Source.of(encoder).behind("vision."));
      if (recipe.qformer().isPresent()) {
        try (Checkpoint queries = Checkpoint.open(runs.qformerWeights())) {
          add(recipe, base, source.or(Parameters.Source.of(queries).behind("qformer.")), entries);
        }
      } else {
        add(recipe, base, source, entries);
      }
      for (TensorInfo info : language.tensors().values()) {
        if (info.name().startsWith("language.")) {
          put(entries, info.name(), language.floats(info.name()), info.shape());
        }
      }
    }
    SafetensorsWriter.write(file, Map.of("format", "pt"), entries);
  }

  // The networks say which tensors they have.
  private static void add(
      PublishedRecipe recipe,
      LanguageBase base,
      Parameters.Source source,
      SequencedMap<String, SafetensorsWriter.Entry> entries) {
    try (Parameters p = Parameters.of(source)) {
      BioViLT.of(p.at("vision."), recipe.vision());
      BioViLT.of(p.at("classifier.vision."), recipe.vision().forClassifier());
      FindingsClassifier.of(p.at("classifier."), recipe.head());
      recipe.alignment().network(p, recipe.vision(), base.weights().config().hidden());
      for (Map.Entry<String, Tensor> tensor : p.named().entrySet()) {
        put(
            entries,
            tensor.getKey(),
            Torch.floats(tensor.getValue()),
            Torch.shape(tensor.getValue()));
      }
    }
  }

  private static void put(
      SequencedMap<String, SafetensorsWriter.Entry> entries,
      String name,
      float[] values,
      long[] shape) {
    DType type = shape.length < 2 ? DType.F32 : DType.BF16;
    entries.put(name, SafetensorsWriter.Entry.of(type, values, shape));
  }

  private static void copy(Path from, Path to) {
    try {
      Files.createDirectories(to.toAbsolutePath().getParent());
      if (!Files.exists(to) || Files.mismatch(from, to) >= 0) {
        WholeFile.write(to, out -> Files.copy(from, out));
      }
    } catch (IOException e) {
      throw new RadialogException("cannot copy " + from + " to " + to + ": " + e, e);
    }
  }

  private static String card(
      PublishedSources config, Map<Finding, Long> positives, PublishedRuns runs) {
    StringBuilder text = new StringBuilder();
    text.append(
        """
        # %s

        RaDialog (arXiv 2311.18681), trained by the recipe of this name. **For research use only, not for
        diagnosis.** Whoever trained it knows the terms of use of the films, the reports and the language model;
        a model that was trained on credentialed data falls under the data use agreement.

        | | |
        |---|---|
        | data | `%s` |
        | labels | %s |
        | image encoder starts from | %s |
        | language model | `%s` |
        | seed | %d |

        Scores: none are known until it is evaluated (`radialog evaluate --help`). The curves of the training are
        `metrics.csv` and `plot.png` in `%s`, a folder per stage.

        | finding | training films that have it |
        |---|---|
        """
            .formatted(
                config.recipe().id(),
                config.data().getFileName(),
                config
                    .chexbert()
                    .map(file -> "`" + file.getFileName() + "`")
                    .orElse("the data set's"),
                config
                    .vision()
                    .map(file -> "`" + file.getFileName() + "`")
                    .orElse("weights at random"),
                config.base().getFileName(),
                config.recipe().seed(),
                runs.folder().getFileName()));
    for (Finding finding : Finding.ALL) {
      text.append("| %s | %d |%n".formatted(finding.label(), positives.getOrDefault(finding, 0L)));
    }
    return text.toString();
  }
}
