package org.radialog.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.radialog.base.Printable;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.Sha256;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.NihDataSet;
import org.radialog.data.RadiologistRead;
import org.radialog.language.LlamaWeights;
import org.radialog.loop.Ranges;
import org.radialog.loop.TrainingLoop;
import org.radialog.loop.Workers;
import org.radialog.loop.Workers.Spread;
import org.radialog.tasks.Calls;
import org.radialog.text.TextTokenizer;
import org.radialog.torch.Parameters;
import org.radialog.torch.ProcessGroup;
import org.radialog.torch.TorchThreads;
import org.radialog.weights.Checkpoint;

/**
 * The second run, with two stages, trains the connection between the language model and the frozen
 * encoder of {@link ClassifierTraining}.
 *
 * <pre>
 *   film ── encoder (frozen) ── patches ── Q-Former ─┬─ mean of the queries ── findings, view   (2)
 *                                                    └─ projector ── LoRA'd Llama ── dialog     (3)
 * </pre>
 */
public final class LanguageTraining {
  /**
   * The configuration of a run.
   *
   * @param data folders in the layout of {@link NihDataSet}
   * @param fold fold of patients to be held out
   * @param folds table in the format of {@link Folds#read}; empty for the folds of the NIH films
   * @param classifier {@code classifier.safetensors} of a classifier run with the same held-out
   *     fold
   * @param base language model, GGUF
   * @param outOfFold files {@code held-out.csv} of the classifier runs for the other folds, whose
   *     probabilities come from a classifier that was not trained on the film; if empty, the labels
   *     are used instead
   * @param from {@code language.safetensors} of an earlier run with the same classifier, from which
   *     training continues directly in the language stage; a recipe with another seed draws other
   *     dialogs
   * @param recipe recipe, of which only the parts for these stages are used
   */
  public record Config(
      List<Path> data,
      int fold,
      Optional<Path> folds,
      Path classifier,
      Path base,
      List<Path> outOfFold,
      Optional<Path> from,
      Recipe recipe) {
    public Config {
      data = List.copyOf(data);
      outOfFold = List.copyOf(outOfFold);
    }

    private Kept kept() {
      return new Kept(
          data,
          fold,
          folds,
          classifier,
          Sha256.of(classifier),
          base,
          Sha256.of(base),
          outOfFold,
          from,
          recipe.id(),
          recipe.seed(),
          recipe.threads(),
          recipe.model(),
          recipe.alignment(),
          recipe.language());
    }
  }

  /** The settings that determine the result, stored in the run folder. */
  private record Kept(
      List<Path> data,
      int fold,
      Optional<Path> folds,
      Path classifier,
      String classifierSha256,
      Path base,
      String baseSha256,
      List<Path> outOfFold,
      Optional<Path> from,
      String id,
      long seed,
      int threads,
      ModelSpec model,
      AlignmentRecipe alignment,
      LanguageRecipe language) {}

  private LanguageTraining() {}

  /**
   * Trains, or resumes the run in {@code runFolder}. Afterwards the folder contains {@code
   * language.safetensors}.
   *
   * @throws RadialogException before the first stage, if an input of a later stage is missing
   */
  public static void train(Config config, Path runFolder, Progress progress) {
    train(config, runFolder, progress, Spread.alone());
  }

  /**
   * Trains in several processes, each of which calls this. Process 0 trains the alignment stage
   * alone.
   *
   * @throws RadialogException as {@link #train(Config, Path, Progress)}
   */
  public static void train(Config config, Path runFolder, Progress progress, Spread spread) {
    Workers.run(
        spread,
        group -> train(config, runFolder, group.rank() == 0 ? progress : Progress.NONE, group));
  }

  private static void train(Config config, Path runFolder, Progress progress, ProcessGroup group) {
    Recipe recipe = config.recipe;
    try (TrainingLoop loop = TrainingLoop.open(runFolder, config.kept(), progress, group);
        TorchThreads _ = recipe.operationThreads()) {
      RadiologistRead data = RadiologistRead.read(config.data);
      Folds folds = Folds.of(config.folds);
      Folds.Split split = folds.split(data.films(), config.fold);
      Map<String, double[]> outOfFold = Probabilities.read(config.outOfFold);
      requireInputs(config, split, outOfFold);
      // What the exported model will call, by the same films.
      Optional<Reading> reading =
          outOfFold.isEmpty()
              ? Optional.empty()
              : Optional.of(
                  Reading.of(
                      ScoredFilms.of(data, recipe.classifier().radiologists())
                          .only(film -> folds.of(film) != config.fold),
                      outOfFold,
                      folds::of));
      Calls calls = reading.map(Reading::calls).orElse(Calls.OF_LABELS);
      Map<String, double[]> calibrated =
          reading.map(read -> read.calibration().of(outOfFold)).orElse(outOfFold);
      if (recipe.alignment().passes() > 0) {
        Ranges.batch("alignment.batch", recipe.alignment().batch(), split.train().size());
      }
      List<Film> seen = new ArrayList<>(split.train());
      seen.addAll(split.validation());
      try (PatchFeatures features =
              PatchFeatures.compute(
                  seen,
                  recipe.alignment().augmentedCopies(),
                  recipe.seed(),
                  recipe.model().image(),
                  config.classifier,
                  progress);
          Checkpoint gguf = Checkpoint.open(config.base);
          TextTokenizer tokenizer = TextTokenizer.of(gguf);
          LanguageNetworks networks = LanguageNetworks.of(recipe, LlamaWeights.of(gguf));
          AlignmentStage alignment = new AlignmentStage(recipe, split, features, networks);
          DialogStage language =
              new DialogStage(recipe, split, calls, calibrated, features, tokenizer, networks)) {
        config.from.ifPresent(
            earlier -> load(earlier, DialogStage.parts(recipe.model()), networks.parameters()));
        loop.run(
            "alignment, then language model, fold " + config.fold + " held out",
            config.from.isPresent() ? List.of(language) : List.of(alignment, language));
      }
    }
  }

  private static void load(Path earlier, List<String> parts, Parameters p) {
    try (Checkpoint weights = Checkpoint.open(earlier)) {
      for (String part : parts) {
        p.at(part).load(Parameters.Source.of(weights));
      }
    }
  }

  // Checks the inputs of later stages before the first stage, because hours may pass between them.
  private static void requireInputs(
      Config config, Folds.Split split, Map<String, double[]> outOfFold) {
    List<Film> missing =
        split.train().stream().filter(film -> !outOfFold.containsKey(film.image())).toList();
    if (!outOfFold.isEmpty() && !missing.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          ("%d of %d training films have no probabilities, the first is %s: expected them"
                  + " in %s, one held-out.csv for each fold except %d (--out-of-fold)")
              .formatted(
                  missing.size(),
                  split.train().size(),
                  Printable.of(missing.getFirst().image()),
                  config.outOfFold,
                  config.fold));
    }
    try (Checkpoint classifier = Checkpoint.open(config.classifier)) {
      for (String part : List.of("vision.", "classifier.")) {
        if (classifier.tensors().keySet().stream().noneMatch(name -> name.startsWith(part))) {
          throw new RadialogException(
              Kind.REFUSED_WEIGHTS,
              "%s has no tensors under %s: expected classifier.safetensors of a classifier run"
                  .formatted(Printable.escaped(config.classifier.toString()), part));
        }
      }
    }
    try (Checkpoint gguf = Checkpoint.open(config.base);
        TextTokenizer _ = TextTokenizer.of(gguf)) {
      LlamaWeights.of(gguf);
    }
    config.from.ifPresent(earlier -> Checkpoint.open(earlier).close());
  }
}
