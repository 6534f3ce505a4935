package org.radialog.train;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.radialog.base.Progress;
import org.radialog.base.Sha256;
import org.radialog.data.Folds;
import org.radialog.data.NihDataSet;
import org.radialog.torch.TorchThreads;

/**
 * The first run trains the image encoder and the findings classifier on labelled films. One fold of
 * patients is held out; besides the weights, the run produces the probabilities for the films of
 * this fold.
 */
public final class ClassifierTraining {
  /** Name of the file with the weights, fp32, keys {@code vision. classifier. view.}. */
  static final String WEIGHTS = "classifier.safetensors";

  /** Name of the file with the probabilities for the films of the held-out fold. */
  static final String HELD_OUT = "held-out.csv";

  /** Name of the file with the probabilities for the validation films. */
  static final String VALIDATION = "validation.csv";

  /**
   * The configuration of a run.
   *
   * @param data folder in the layout of {@link NihDataSet}
   * @param fold fold of patients to be held out
   * @param folds table in the format of {@link Folds#read}; empty for the folds of the NIH films
   * @param init ImageNet weights of the backbone
   * @param recipe recipe, of which only the parts for this stage are used
   */
  public record Config(Path data, int fold, Optional<Path> folds, Path init, Recipe recipe) {
    private Kept kept() {
      return new Kept(
          data,
          fold,
          folds,
          init,
          Sha256.of(init),
          recipe.seed(),
          recipe.threads(),
          recipe.model().image(),
          recipe.classifier());
    }
  }

  /** The settings that determine the result, stored in the run folder. */
  private record Kept(
      Path data,
      int fold,
      Optional<Path> folds,
      Path init,
      String initSha256,
      long seed,
      int threads,
      ModelSpec.Image image,
      ClassifierRecipe classifier) {}

  private ClassifierTraining() {}

  /**
   * Trains, or resumes the run in {@code runFolder}. Afterwards the folder contains {@code
   * classifier.safetensors}, {@code held-out.csv} and {@code validation.csv}.
   */
  public static void train(Config config, Path runFolder, Progress progress) {
    Recipe recipe = config.recipe;
    try (TrainingLoop loop = TrainingLoop.open(runFolder, config.kept(), progress);
        TorchThreads _ = recipe.operationThreads()) {
      var all = NihDataSet.read(config.data).films();
      Folds.Split split = Folds.of(config.folds).split(all, config.fold);
      Ranges.batch("classifier.batch", recipe.classifier().batch(), split.train().size());
      Films films = Films.decode(all, sides(recipe), progress);
      try (ClassifierStage stage =
          new ClassifierStage(recipe, split, films, config.init, progress)) {
        loop.run("findings classifier, fold " + config.fold + " held out", List.of(stage));
      }
    }
  }

  private static List<Integer> sides(Recipe recipe) {
    int full = recipe.model().image().side();
    Set<Integer> sides = new HashSet<>(Set.of(full));
    for (int epoch = 0; epoch < recipe.classifier().epochs(); epoch++) {
      sides.add(Films.storedSide(recipe.classifier().side(epoch, full)));
    }
    return List.copyOf(sides);
  }
}
