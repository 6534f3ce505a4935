package org.radialog.train;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.radialog.base.Progress;
import org.radialog.data.Folds;
import org.radialog.text.TextTokenizer;
import org.radialog.weights.Checkpoint;

/**
 * A whole model from nothing: the classifiers of all folds, which give probabilities of every film
 * by one that never saw it, then the language model, then the folder. Each part is a run of its own
 * under {@code runs}: a killed training goes on with the same call, and what has ended is not done
 * again.
 */
public final class ModelTraining {
  /**
   * What a model is made of.
   *
   * @param data a folder that {@link org.radialog.data.NihDataSet} reads
   * @param fold the fold of patients that the model never sees
   * @param init the backbone's ImageNet weights
   * @param base the language model, GGUF
   * @param folds a table that {@link Folds#read} reads; empty for that of the NIH films
   * @param recipe networks and stages
   * @param version of the model
   * @param commit of this code, for the card
   */
  public record Config(
      Path data,
      int fold,
      Optional<Path> folds,
      Path init,
      Path base,
      Recipe recipe,
      String version,
      String commit) {}

  private ModelTraining() {}

  /**
   * Trains and writes {@code folder}.
   *
   * @param runs where {@code classifier-K} and {@code language} go
   */
  public static void train(Config config, Path runs, Path folder, Progress progress) {
    Checkpoint.open(config.init).close(); // hours lie before some of these are needed
    try (Checkpoint base = Checkpoint.open(config.base)) {
      TextTokenizer.of(base).close();
    }
    SortedMap<Integer, Path> classifiers = new TreeMap<>();
    List<Path> outOfFold = new ArrayList<>();
    for (int fold = 0; fold < Folds.of(config.folds).count(); fold++) {
      Path run = runs.resolve("classifier-" + fold);
      classifiers.put(fold, run);
      if (fold != config.fold) {
        outOfFold.add(run.resolve(ClassifierTraining.HELD_OUT));
      }
      if (!Files.exists(run.resolve(ClassifierTraining.WEIGHTS))) {
        ClassifierTraining.train(
            new ClassifierTraining.Config(
                config.data, fold, config.folds, config.init, config.recipe),
            run,
            progress);
      }
    }
    Path language = runs.resolve("language");
    if (!Files.exists(language.resolve(DialogStage.WEIGHTS))) {
      LanguageTraining.train(
          new LanguageTraining.Config(
              config.data,
              config.fold,
              config.folds,
              runs.resolve("classifier-" + config.fold).resolve(ClassifierTraining.WEIGHTS),
              config.base,
              outOfFold,
              Optional.empty(),
              config.recipe),
          language,
          progress);
    }
    ModelExport.write(
        new ExportConfig(
            config.data,
            config.fold,
            config.folds,
            classifiers,
            language,
            config.base,
            config.version,
            config.commit),
        folder,
        progress);
  }
}
