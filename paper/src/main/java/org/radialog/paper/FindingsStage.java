package org.radialog.paper;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import java.util.Set;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.imaging.Preprocessing;
import org.radialog.loop.Passes;
import org.radialog.loop.Share;
import org.radialog.loop.Stage;
import org.radialog.torch.AdamW;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.BioViLT;
import org.radialog.vision.BioViLT.BatchNorm;
import org.radialog.vision.BioViLT.Statistics;
import org.radialog.vision.DividedBatch;
import org.radialog.vision.FindingsClassifier;
import org.radialog.vision.VisionEncoder;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;

/**
 * Trains the findings classifier of the published versions: an image encoder and two linear layers
 * learn the 14 labels of the reports. Labels that are not mentioned or uncertain count as absent.
 * The weights of the validation with the best macro F1 are kept.
 *
 * <p>B films of a batch, S side in pixels, J channels of the joint space, h w cells.
 */
final class FindingsStage implements Stage, AutoCloseable {
  /**
   * Name of the file with the trained weights, fp32, keys {@code classifier.vision. classifier.}.
   */
  static final String WEIGHTS = "classifier.safetensors";

  private static final double THRESHOLD = 0.5;

  /**
   * A film with its labels.
   *
   * @param file image file
   * @param present findings whose label is 1
   */
  record Labelled(Path file, Set<Finding> present) {}

  private final FindingsRecipe recipe;
  private final long seed;
  private final Passes<Labelled> passes;
  private final List<Labelled> train;
  private final List<Labelled> held;
  private final FilmPixels pixels;
  private final Parameters parameters;
  private final BioViLT vision;
  private final FindingsClassifier head;
  private final AdamW optimizer;
  private final Tensor positiveWeight; // [14]
  private final int stepsPerEpoch; // an incomplete last batch is left out

  /**
   * The configuration of the stage.
   *
   * @param train training films
   * @param held validation films; may be empty
   * @param initial initial tensors of the encoder, under the names of its checkpoint; missing
   *     tensors are initialised randomly
   */
  record Config(
      FindingsRecipe recipe,
      BioViLT.Config vision,
      FindingsClassifier.Config head,
      Preprocessing preprocessing,
      long seed,
      List<Labelled> train,
      List<Labelled> held,
      Parameters.Source initial) {
    Config {
      train = List.copyOf(train);
      held = List.copyOf(held);
      if (train.size() < recipe.batch()) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            "%d films with labels are fewer than a batch of %d (findings.batch of the recipe): expected at least one batch"
                .formatted(train.size(), recipe.batch()));
      }
    }
  }

  /** Creates the stage before its first step. */
  FindingsStage(Config config) {
    this.recipe = config.recipe;
    this.seed = config.seed;
    this.passes = new Passes<>(config.train, seed);
    this.train = config.train;
    this.held = config.held;
    this.pixels = new FilmPixels(config.preprocessing, config.vision.input());
    String encoder = "classifier.vision.";
    Parameters.Source initial = config.initial;
    this.parameters =
        Parameters.of(
            (name, shape) ->
                name.startsWith(encoder)
                    ? initial.values(name.substring(encoder.length()), shape)
                    : Optional.empty(),
            config.seed);
    this.vision = BioViLT.of(parameters.at(encoder), config.vision);
    this.head = FindingsClassifier.of(parameters.at("classifier."), config.head);
    this.parameters.trainable(name -> !BioViLT.isBuffer(name));
    this.optimizer =
        new AdamW(
            new AdamW.Config(AdamW.Flavour.TRANSFORMERS, 0.9, 0.999, recipe.epsilon(), 0),
            parameters.trainable());
    this.positiveWeight = Torch.tensor(positiveWeights(train), Finding.COUNT);
    this.stepsPerEpoch = train.size() / recipe.batch();
  }

  // ln(N / n), or 1 for a label that is present on no film or on every film.
  private static float[] positiveWeights(List<Labelled> films) {
    float[] weights = new float[Finding.COUNT];
    for (Finding finding : Finding.ALL) {
      long positive = films.stream().filter(film -> film.present.contains(finding)).count();
      weights[finding.column()] =
          positive == 0 || positive == films.size()
              ? 1
              : FindingsClassifier.positiveWeights(
                  new long[] {films.size()}, new long[] {positive})[0];
    }
    return weights;
  }

  @Override
  public void close() {
    positiveWeight.close();
    optimizer.close();
    parameters.close();
  }

  @Override
  public String name() {
    return "findings";
  }

  @Override
  public Plan plan() {
    return new Plan(
        (long) stepsPerEpoch * recipe.epochs(),
        stepsPerEpoch,
        stepsPerEpoch,
        _ -> recipe.rate(),
        Double.POSITIVE_INFINITY,
        0,
        seed);
  }

  @Override
  public SequencedMap<String, Tensor> tensors() {
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
    parameters.named().forEach((name, tensor) -> tensors.put("current." + name, tensor));
    return tensors;
  }

  @Override
  public AdamW optimizer() {
    return optimizer;
  }

  @Override
  public Tensor loss(long step) {
    List<Labelled> batch = passes.batch(step, recipe.batch());
    return loss(batch, logits(batch, BatchNorm.BATCH));
  }

  // Every process needs a film.
  @Override
  public boolean divisible(int processes) {
    return processes <= recipe.batch();
  }

  // Batch norm uses the statistics of the whole batch.
  @Override
  public double backward(long step, Share share) {
    List<Labelled> batch = passes.batch(step, recipe.batch());
    List<Labelled> own = share.of(batch);
    if (own.size() == batch.size()) {
      return Stage.super.backward(step, share);
    }
    try (DividedBatch statistics = new DividedBatch(share.group(), batch.size())) {
      Tensor loss =
          loss(own, logits(own, statistics)).mul(new Scalar((double) own.size() / batch.size()));
      loss.backward();
      return Torch.item(loss);
    }
  }

  // [B, 14]
  private Tensor logits(List<Labelled> batch, Statistics statistics) {
    Tensor films = pixels.of(batch.stream().map(Labelled::file).toList()); // [B, C, S, S]
    VisionEncoder.Features seen = vision.forward(films, statistics);
    return head.forward(seen.projected()); // [B, J, h, w] to [B, 14]
  }

  private Tensor loss(List<Labelled> batch, Tensor logits) {
    float[] targets = new float[batch.size() * Finding.COUNT];
    float[] known = new float[targets.length];
    Arrays.fill(known, 1);
    for (int i = 0; i < batch.size(); i++) {
      for (Finding finding : batch.get(i).present) {
        targets[i * Finding.COUNT + finding.column()] = 1;
      }
    }
    return FindingsClassifier.loss(
        logits,
        Torch.tensor(targets, batch.size(), Finding.COUNT),
        Torch.tensor(known, batch.size(), Finding.COUNT),
        positiveWeight);
  }

  @Override
  public List<Measure> measures() {
    return List.of(
        new Measure("validation_loss", Axis.LOSS), new Measure("validation_f1", Axis.SCORE));
  }

  @Override
  public Map<String, OptionalDouble> validate() {
    if (held.isEmpty()) {
      return Map.of();
    }
    int[][] counts = new int[Finding.COUNT][3]; // true positives, false positives, misses
    double loss = 0;
    for (int from = 0; from < held.size(); from += recipe.batch()) {
      List<Labelled> batch = held.subList(from, Math.min(held.size(), from + recipe.batch()));
      try (Scope _ = new Scope();
          NoGradGuard _ = new NoGradGuard()) {
        Tensor logits = logits(batch, BatchNorm.RUNNING);
        loss += batch.size() * Torch.item(loss(batch, logits));
        float[] probabilities = Torch.floats(logits.sigmoid());
        for (int i = 0; i < batch.size(); i++) {
          for (Finding finding : Finding.ALL) {
            boolean predicted = probabilities[i * Finding.COUNT + finding.column()] > THRESHOLD;
            boolean present = batch.get(i).present.contains(finding);
            if (predicted || present) {
              counts[finding.column()][predicted && present ? 0 : predicted ? 1 : 2]++;
            }
          }
        }
      }
    }
    return Map.of(
        "validation_loss", OptionalDouble.of(loss / held.size()),
        "validation_f1", OptionalDouble.of(macroF1(counts)));
  }

  // As in scikit-learn, a label without positives in truth and prediction has an F1 of 0.
  private static double macroF1(int[][] counts) {
    double sum = 0;
    for (int[] of : counts) {
      int all = 2 * of[0] + of[1] + of[2];
      sum += all == 0 ? 0 : 2.0 * of[0] / all;
    }
    return sum / counts.length;
  }

  @Override
  public Optional<Best> best() {
    return held.isEmpty()
        ? Optional.empty()
        : Optional.of(new Best("validation_f1", true, recipe.patience()));
  }

  @Override
  public void save(Path folder) {
    SafetensorsWriter.write(
        folder.resolve(WEIGHTS), Map.of(), Parameters.entries(parameters.named(), DType.F32));
  }
}
