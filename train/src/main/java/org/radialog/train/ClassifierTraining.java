package org.radialog.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.Sha256;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.RadiologistRead;
import org.radialog.loop.Ranges;
import org.radialog.loop.TrainingLoop;
import org.radialog.torch.TorchThreads;

/**
 * The first runs train the image encoder and the findings classifier on labelled films.
 *
 * <p>{@link #pretrain} learns from further films, of patients who have no fold: its result is the
 * same for all folds. {@link #train} then holds out one fold of patients; besides the weights, the
 * run produces the probabilities for the films of this fold.
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
   * @param data folders in the layout of {@link org.radialog.data.NihDataSet}
   * @param further folders with further films in this layout, for the passes at the small side
   * @param fold fold of patients to be held out
   * @param folds table in the format of {@link Folds#read}; empty for the folds of the NIH films
   * @param init ImageNet weights of the backbone, or {@code classifier.safetensors} of a
   *     pretraining
   * @param recipe recipe, of which only the parts for this stage are used
   */
  public record Config(
      List<Path> data,
      List<Path> further,
      int fold,
      Optional<Path> folds,
      Path init,
      Recipe recipe) {
    /** Copies the lists. */
    public Config {
      data = List.copyOf(data);
      further = List.copyOf(further);
    }

    private Kept kept(ClassifierRecipe used) {
      return new Kept(
          data,
          further,
          fold,
          folds,
          init,
          Sha256.of(init),
          recipe.seed(),
          recipe.threads(),
          recipe.model().image(),
          used);
    }
  }

  /** The settings that determine the result, stored in the run folder. */
  private record Kept(
      List<Path> data,
      List<Path> further,
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
    ClassifierRecipe recipe = config.recipe.classifier();
    try (TrainingLoop loop = TrainingLoop.open(runFolder, config.kept(recipe), progress);
        TorchThreads _ = config.recipe.operationThreads()) {
      RadiologistRead main = RadiologistRead.read(config.data);
      Folds folds = Folds.of(config.folds);
      Folds.Split split = folds.split(main.films(), config.fold);
      Set<String> held = patients(Stream.of(split.validation(), split.test()));
      List<Example> full = Example.of(main, split.train(), recipe.radiologists());
      List<Example> all = new ArrayList<>(full);
      if (recipe.smallEpochs() > 0) {
        all.addAll(further(config, recipe, held));
      }
      Ranges.batch("classifier.batch", recipe.batch(), full.size());
      run(
          loop,
          "classifier",
          "findings classifier, fold " + config.fold + " held out",
          config,
          recipe,
          new Sources(main, split, all, full),
          progress);
    }
  }

  /**
   * Pretrains on the further films of patients who have no fold, or resumes the run in {@code
   * runFolder}. It is validated on the films of {@code data} that are not in the held-out fold.
   * Afterwards the folder contains {@code classifier.safetensors}.
   *
   * @throws RadialogException if the recipe has no pretraining, or there are no further films
   */
  public static void pretrain(Config config, Path runFolder, Progress progress) {
    ClassifierRecipe recipe =
        config
            .recipe
            .pretraining()
            .orElseThrow(() ->
                new RadialogException(
                    Kind.REFUSED_DATA,
                    "the recipe %s has no pretraining: expected one in its field pretraining"
                        .formatted(config.recipe.id())));
    try (TrainingLoop loop = TrainingLoop.open(runFolder, config.kept(recipe), progress);
        TorchThreads _ = config.recipe.operationThreads()) {
      RadiologistRead main = RadiologistRead.read(config.data);
      Folds folds = Folds.of(config.folds);
      List<Film> validation =
          main.films().stream().filter(film -> folds.of(film) != config.fold).toList();
      List<Example> all = further(config, recipe, folds.patients().keySet());
      Ranges.batch("pretraining.batch", recipe.batch(), all.size());
      run(
          loop,
          "pretraining",
          "pretraining",
          config,
          recipe,
          new Sources(main, new Folds.Split(List.of(), validation, List.of()), all, List.of()),
          progress);
    }
  }

  private record Sources(
      RadiologistRead main, Folds.Split split, List<Example> small, List<Example> full) {}

  private static void run(
      TrainingLoop loop,
      String name,
      String title,
      Config config,
      ClassifierRecipe recipe,
      Sources sources,
      Progress progress) {
    ModelSpec.Image image = config.recipe.model().image();
    List<Film> measured =
        Stream.of(sources.split.validation(), sources.split.test()).flatMap(List::stream).toList();
    List<Film> learned = sources.small.stream().map(Example::film).toList();
    List<Integer> sides = ClassifierStage.sides(recipe, image.side());
    try (ClassifierStage stage =
        new ClassifierStage(
            name,
            recipe,
            image,
            config.recipe.seed(),
            new ClassifierStage.Inputs(
                sources.small,
                sources.full,
                Films.decodeWithin(learned, sides, progress),
                sources.split,
                sources.main,
                recipe.measuredSoft()
                    ? Films.soften(
                        measured, ClassifierStage.SOFT, recipe.measuredSide(image.side()), progress)
                    : Films.decode(measured, List.of(recipe.measuredSide(image.side())), progress)),
            config.init,
            progress)) {
      loop.run(title, List.of(stage));
    }
  }

  // The further films that the recipe learns from, without those of some patients.
  private static List<Example> further(
      Config config, ClassifierRecipe recipe, Set<String> without) {
    List<Example> examples = new ArrayList<>();
    for (Path folder : config.further) {
      RadiologistRead source = RadiologistRead.read(folder);
      if (source.lungsOnly() && recipe.lungsLoss() == 0) {
        continue; // nothing would be learned from them
      }
      List<Film> films =
          source.films().stream().filter(film -> !without.contains(film.patient())).toList();
      examples.addAll(Example.of(source, films, recipe.radiologists()));
    }
    return examples;
  }

  private static Set<String> patients(Stream<List<Film>> films) {
    Set<String> patients = new HashSet<>();
    films.forEach(some -> some.forEach(film -> patients.add(film.patient())));
    return patients;
  }
}
