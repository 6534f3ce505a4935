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
 * The first run: the image encoder and the findings classifier, on labelled films. One fold of
 * patients is held out; the probabilities of its films are the run's product beside the weights.
 */
public final class ClassifierTraining {
  /** Name of the file with the weights, fp32, keys {@code vision. classifier. view.}. */
  static final String WEIGHTS = "classifier.safetensors";

  /** Name of the file with the probabilities of the films of the fold that was held out. */
  static final String HELD_OUT = "held-out.csv";

  /** Name of the file with the probabilities of the films that only validation saw. */
  static final String VALIDATION = "validation.csv";

  /**
   * What is trained on what.
   *
   * @param data a folder that {@link NihDataSet} reads
   * @param fold the fold of patients to hold out
   * @param folds a table that {@link Folds#read} reads; empty for that of the NIH films
   * @param init the backbone's ImageNet weights
   * @param recipe of which the parts of this stage are used
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

  /** What decides the result, as the run folder keeps it. */
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
   * Trains, or goes on with the run in {@code runFolder}. At the end the folder holds {@code
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
