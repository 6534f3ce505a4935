package org.radialog.train;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.SequencedMap;
import java.util.function.IntUnaryOperator;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.radialog.clinical.Finding;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.loop.Passes;
import org.radialog.loop.Stage;
import org.radialog.torch.AdamW;
import org.radialog.torch.Parameters;
import org.radialog.torch.Schedule;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;

/**
 * Stage 2: the Q-Former, or the MLP, learns to read patches. Two small heads on the mean of its
 * queries or tokens predict findings and view.
 */
final class AlignmentStage implements Stage, AutoCloseable {
  private final AlignmentRecipe recipe;
  private final long seed;
  private final Passes<Film> passes;
  private final Folds.Split split;
  private final PatchFeatures features;
  private final LanguageNetworks networks;
  private final int stepsOfAPass; // an incomplete last batch is left out
  private final AdamW optimizer;
  private final Tensor positiveWeight; // [14]

  AlignmentStage(
      Recipe recipe, Folds.Split split, PatchFeatures features, LanguageNetworks networks) {
    this.recipe = recipe.alignment();
    this.seed = recipe.seed();
    this.passes = new Passes<>(split.train(), seed);
    this.split = split;
    this.features = features;
    this.networks = networks;
    this.stepsOfAPass = split.train().size() / this.recipe.batch();
    this.optimizer = optimizer(networks.parameters());
    this.positiveWeight =
        Torch.tensor(FindingsAndView.positiveWeights(split.train()), Finding.COUNT);
  }

  private static AdamW optimizer(Parameters p) {
    SequencedMap<String, Tensor> learned = new LinkedHashMap<>(p.at("qformer.").named());
    if (learned.isEmpty()) {
      learned.putAll(p.at("projector.").named()); // an MLP
    }
    learned.putAll(p.at("heads.").named());
    return new AdamW(AdamW.Config.TORCH, learned);
  }

  @Override
  public void close() {
    positiveWeight.close();
    optimizer.close();
  }

  @Override
  public String name() {
    return "alignment";
  }

  @Override
  public Plan plan() {
    long steps = (long) stepsOfAPass * recipe.passes();
    long warmUp = Math.round(recipe.warmUp() * steps);
    return new Plan(
        steps,
        stepsOfAPass,
        Math.max(1, stepsOfAPass),
        new Schedule(
            Schedule.Decay.COSINE, recipe.rate(), warmUp, steps, recipe.floor() * recipe.rate()),
        recipe.clip(),
        0,
        seed);
  }

  @Override
  public SequencedMap<String, Tensor> tensors() {
    return networks.tensors();
  }

  @Override
  public AdamW optimizer() {
    return optimizer;
  }

  @Override
  public Tensor loss(long step) {
    List<Film> batch = passes.batch(step, recipe.batch());
    Random copy = new Random(seed + 31 * step);
    return forward(batch, _ -> copy.nextInt(features.copies()), recipe.dropout())
        .loss(1, batch, positiveWeight);
  }

  private FindingsAndView forward(List<Film> films, IntUnaryOperator copy, double dropout) {
    Tensor patches = features.of(films.stream().map(Film::image).toList(), copy); // [B, P, h, w]
    Tensor mean = networks.mean(patches, dropout); // [B, D]
    return new FindingsAndView(
        networks.findings().forward(mean), networks.view().forward(mean)); // [B, 14], [B, 1]
  }

  @Override
  public List<Measure> measures() {
    return List.of(
        new Measure("findings_auroc", Axis.SCORE), new Measure("view_auroc", Axis.SCORE));
  }

  @Override
  public Map<String, OptionalDouble> validate() {
    List<Film> films = split.validation();
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      double[][] probabilities = forward(films, _ -> 0, 0).probabilities();
      return Map.of(
          "findings_auroc", FindingsAndView.meanOfMapped(films, probabilities),
          "view_auroc", FindingsAndView.viewAuroc(films, probabilities));
    }
  }
}
