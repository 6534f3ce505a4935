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
 * Trains a complete model: the encoder on further films if the recipe says so, the classifiers of
 * all folds, which provide probabilities for every film from a classifier that was not trained on
 * it, then the language model, and finally the model folder. Each part is a separate run under
 * {@code runs}. An interrupted training is resumed by the same call; completed parts are skipped.
 */
public final class ModelTraining {
  /**
   * The configuration of a training.
   *
   * @param data folders in the layout of {@link org.radialog.data.NihDataSet}
   * @param further folders with further films in this layout, for encoder and classifier
   * @param fold fold of patients that is held out from the whole model
   * @param init ImageNet weights of the backbone
   * @param base language model, GGUF
   * @param folds table in the format of {@link Folds#read}; empty for the folds of the NIH films
   * @param recipe networks and stages
   * @param version version of the model
   * @param commit commit of the training code, for the model card
   */
  public record Config(
      List<Path> data,
      List<Path> further,
      int fold,
      Optional<Path> folds,
      Path init,
      Path base,
      Recipe recipe,
      String version,
      String commit) {
    /** Copies the lists. */
    public Config {
      data = List.copyOf(data);
      further = List.copyOf(further);
    }
  }

  private ModelTraining() {}

  private static Path pretrained(Config config, Path runs, Progress progress) {
    Path run = runs.resolve("pretraining");
    if (!Files.exists(run.resolve(ClassifierTraining.WEIGHTS))) {
      ClassifierTraining.pretrain(
          new ClassifierTraining.Config(
              config.data, config.further, config.fold, config.folds, config.init, config.recipe),
          run,
          progress);
    }
    return run.resolve(ClassifierTraining.WEIGHTS);
  }

  /**
   * Trains a model and writes it to {@code folder}.
   *
   * @param runs parent folder of the runs {@code classifier-K} and {@code language}
   */
  public static void train(Config config, Path runs, Path folder, Progress progress) {
    Checkpoint.open(config.init)
        .close(); // checked now, because some inputs are needed only after hours
    try (Checkpoint base = Checkpoint.open(config.base)) {
      TextTokenizer.of(base).close();
    }
    Path start =
        config.recipe.pretraining().isPresent() ? pretrained(config, runs, progress) : config.init;
    SortedMap<Integer, Path> classifiers = new TreeMap<>();
    List<Path> outOfFold = new ArrayList<>();
    for (int fold = 0; fold < Folds.of(config.folds).count(); fold++) {
      Path run = runs.resolve("classifier-" + fold);
      classifiers.put(fold, run);
      if (fold != config.fold) {
        outOfFold.add(run.resolve(ClassifierTraining.HELD_OUT));
      }
      // Of the other classifiers, only what they say of the films of their folds is needed.
      if (!Files.exists(
          run.resolve(
              fold == config.fold ? ClassifierTraining.WEIGHTS : ClassifierTraining.HELD_OUT))) {
        ClassifierTraining.train(
            new ClassifierTraining.Config(
                config.data, config.further, fold, config.folds, start, config.recipe),
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
