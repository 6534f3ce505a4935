package org.radialog.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import java.util.SplittableRandom;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.Printable;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.WholeFile;
import org.radialog.clinical.Finding;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.imaging.Preprocessing;
import org.radialog.torch.AdamW;
import org.radialog.torch.Autocast;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;
import org.radialog.torch.Schedule;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.BioViLT;
import org.radialog.vision.BioViLT.BatchNorm;
import org.radialog.vision.FindingsClassifier;
import org.radialog.vision.VisionEncoder;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;

/**
 * Stage 1: encoder and findings classifier. The loss is the binary cross-entropy over the known
 * labels, plus that for the view (PA or AP), which is predicted from the mean patch so that the
 * patches for the language model contain the view.
 */
final class ClassifierStage implements Stage, AutoCloseable {
  private static final String BACKBONE = "vision.encoder.encoder.";

  private final ClassifierRecipe recipe;
  private final ModelSpec.Image image;
  private final long seed;
  private final Passes<Film> passes;
  private final Folds.Split split;
  private final Films films;
  private final Progress progress;
  private final int stepsOfAnEpoch; // an incomplete last batch is left out

  private final Parameters parameters;
  private final Networks networks;
  private final AdamW optimizer;
  private final WeightAverage average;
  private final Tensor positiveWeight; // [14]

  /** The probabilities computed with the current average of the weights. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Predictions(double[][] validation, double[][] heldOut) {}

  private Optional<Predictions> predictions = Optional.empty();

  /** The networks, which share one set of parameters. */
  private record Networks(BioViLT vision, FindingsClassifier classifier, Linear view) {
    static Networks of(Parameters p, ModelSpec.Image image) {
      return with(BioViLT.of(p.at("vision."), image.vision()), p, image);
    }

    static Networks with(BioViLT vision, Parameters p, ModelSpec.Image image) {
      return new Networks(
          vision,
          FindingsClassifier.of(p.at("classifier."), image.head()),
          image.viewHead(p.at("view.")));
    }

    FindingsAndView forward(Tensor films, BatchNorm statistics) {
      VisionEncoder.Features out = vision.forward(films, statistics);
      Tensor projected = out.projected().to(ScalarType.Float); // [B, J, h, w]
      Tensor patch = out.patches().to(ScalarType.Float).mean(new long[] {2, 3}); // [B, 2 P]
      return new FindingsAndView(classifier.forward(projected), view.forward(patch));
    }
  }

  /**
   * Creates the stage before its first step.
   *
   * @param films all films of {@code split}, at the sides required by the recipe
   */
  ClassifierStage(Recipe recipe, Folds.Split split, Films films, Path init, Progress progress) {
    this.recipe = recipe.classifier();
    this.image = recipe.model().image();
    this.seed = recipe.seed();
    this.passes = new Passes<>(split.train(), seed);
    this.split = split;
    this.films = films;
    this.progress = progress;
    this.stepsOfAnEpoch = split.train().size() / this.recipe.batch();
    this.parameters = initial(init, image, recipe);
    this.networks = Networks.of(parameters, image);
    this.optimizer = optimizer(parameters, this.recipe);
    this.average = new WeightAverage(parameters.named(), this.recipe.averaging());
    this.positiveWeight =
        Torch.tensor(FindingsAndView.positiveWeights(split.train()), Finding.COUNT);
  }

  @Override
  public void close() {
    positiveWeight.close();
    average.close();
    optimizer.close();
    parameters.close();
  }

  @Override
  public String name() {
    return "classifier";
  }

  @Override
  public Plan plan() {
    long steps = (long) stepsOfAnEpoch * recipe.epochs();
    return new Plan(
        steps,
        stepsOfAnEpoch,
        stepsOfAnEpoch,
        Schedule.cosine(recipe.rate(), stepsOfAnEpoch, steps),
        recipe.clip(),
        0,
        seed);
  }

  @Override
  public SequencedMap<String, Tensor> tensors() {
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
    parameters.named().forEach((name, tensor) -> tensors.put("current." + name, tensor));
    average.tensors().forEach((name, tensor) -> tensors.put("average." + name, tensor));
    return tensors;
  }

  @Override
  public AdamW optimizer() {
    return optimizer;
  }

  @Override
  public Tensor loss(long step) {
    int epoch = (int) (step / stepsOfAnEpoch);
    List<Film> batch = passes.batch(step, recipe.batch());
    Tensor pixels = augmented(batch, epoch); // [B, 1, S, S]
    try (Autocast _ = Autocast.bf16()) {
      return networks
          .forward(pixels, BatchNorm.BATCH)
          .loss(recipe.viewLoss(), batch, positiveWeight);
    }
  }

  @Override
  public void stepped(long done) {
    average.update(done);
    predictions = Optional.empty();
  }

  @Override
  public List<Measure> measures() {
    List<Measure> measures = new ArrayList<>();
    measures.add(new Measure("validation", Axis.SCORE));
    measures.add(new Measure("held_out", Axis.SCORE));
    measures.add(new Measure("held_out View", Axis.NONE));
    Finding.ALL.forEach(f -> measures.add(new Measure("held_out " + f.label(), Axis.NONE)));
    return measures;
  }

  @Override
  public Map<String, OptionalDouble> validate() {
    Predictions now = predictions();
    Map<String, OptionalDouble> measured = new LinkedHashMap<>();
    measured.put("validation", FindingsAndView.meanOfMapped(split.validation(), now.validation));
    measured.put("held_out", FindingsAndView.meanOfMapped(split.test(), now.heldOut));
    measured.put("held_out View", FindingsAndView.viewAuroc(split.test(), now.heldOut));
    for (Finding finding : Finding.ALL) {
      measured.put(
          "held_out " + finding.label(), FindingsAndView.auroc(split.test(), now.heldOut, finding));
    }
    return measured;
  }

  @Override
  public void save(Path folder) {
    Predictions now = predictions();
    WholeFile.write(
        folder.resolve(ClassifierTraining.VALIDATION), table(split.validation(), now.validation));
    WholeFile.write(folder.resolve(ClassifierTraining.HELD_OUT), table(split.test(), now.heldOut));
    SafetensorsWriter.write(
        folder.resolve(ClassifierTraining.WEIGHTS),
        Map.of(),
        Parameters.entries(average.tensors(), DType.F32));
  }

  // The backbone is initialised from ImageNet, all other layers randomly.
  private static Parameters initial(Path init, ModelSpec.Image image, Recipe recipe) {
    try (Checkpoint imageNet = Checkpoint.open(init)) {
      Parameters.Source backbone = Parameters.Source.of(imageNet);
      Parameters p =
          Parameters.of(
              (name, shape) -> {
                if (!name.startsWith(BACKBONE)) {
                  return Optional.empty();
                }
                String key = name.substring(BACKBONE.length());
                return Optional.of(
                    backbone
                        .values(key, shape)
                        .orElseThrow(() ->
                            new RadialogException(
                                Kind.REFUSED_WEIGHTS,
                                Printable.escaped(init.toString())
                                    + " has no tensor "
                                    + key
                                    + ": expected the ImageNet weights of EfficientNet-Lite0")));
              },
              recipe.seed());
      Networks.of(p, image);
      int frozen = recipe.classifier().frozenBlocks();
      p.trainable(name -> !BioViLT.isBuffer(name) && !frozen(name, frozen));
      return p;
    }
  }

  private static boolean frozen(String name, int blocks) {
    if (!name.startsWith(BACKBONE) || blocks < 0) {
      return false;
    }
    String key = name.substring(BACKBONE.length());
    if (key.startsWith("_blocks.")) {
      return Integer.parseInt(key.substring(8, key.indexOf('.', 8))) < blocks;
    }
    return key.startsWith("_conv_stem") || key.startsWith("_bn0");
  }

  private static AdamW optimizer(Parameters p, ClassifierRecipe recipe) {
    SequencedMap<String, Tensor> backbone = new LinkedHashMap<>();
    SequencedMap<String, Tensor> backboneVectors = new LinkedHashMap<>();
    SequencedMap<String, Tensor> heads = new LinkedHashMap<>();
    SequencedMap<String, Tensor> headVectors = new LinkedHashMap<>();
    p.trainable()
        .forEach((name, tensor) -> {
          boolean vector = tensor.dim() < 2; // norms and biases have no weight decay
          if (name.startsWith(BACKBONE)) {
            (vector ? backboneVectors : backbone).put(name, tensor);
          } else {
            (vector ? headVectors : heads).put(name, tensor);
          }
        });
    return new AdamW(
        AdamW.Config.TORCH.withWeightDecay(recipe.weightDecay()),
        List.of(
            new AdamW.Group(backbone, recipe.backboneRate(), 1),
            new AdamW.Group(backboneVectors, recipe.backboneRate(), 0),
            new AdamW.Group(heads, 1, 1),
            new AdamW.Group(headVectors, 1, 0)));
  }

  // [B, 1, S, S]; the augmentation of a film depends only on the seed, the epoch and its name.
  private Tensor augmented(List<Film> batch, int epoch) {
    int side = recipe.side(epoch, image.side());
    int stored = Films.storedSide(side);
    float[] pixels = new float[batch.size() * side * side];
    for (int i = 0; i < batch.size(); i++) {
      Film film = batch.get(i);
      long drawn = (seed * 1_000_003 + epoch) * 1_000_003 + film.image().hashCode();
      Augmentation.DEFAULT.apply(
          films.at(stored, film),
          stored,
          pixels,
          i * side * side,
          side,
          new SplittableRandom(drawn));
    }
    return Torch.tensor(pixels, batch.size(), 1, side, side);
  }

  private Predictions predictions() {
    Predictions now =
        predictions.orElseGet(
            () -> new Predictions(probabilities(split.validation()), probabilities(split.test())));
    predictions = Optional.of(now);
    return now;
  }

  /**
   * Rows of the probabilities of 14 findings and of the view AP, with the averaged weights as at
   * inference.
   */
  private double[][] probabilities(List<Film> of) {
    double[][] rows = new double[of.size()][];
    SequencedMap<String, Tensor> tensors = average.tensors();
    Parameters.Source source =
        (name, _) -> Optional.ofNullable(tensors.get(name)).map(Torch::floats);
    try (Parameters p = Parameters.of(source);
        BioViLT vision = BioViLT.folded(p.at("vision."), image.vision(), ScalarType.BFloat16);
        Progress.Task task = progress.start("evaluate", of.size())) {
      Networks n = Networks.with(vision, p, image);
      for (int from = 0; from < of.size(); from += recipe.batch()) {
        List<Film> batch = of.subList(from, Math.min(of.size(), from + recipe.batch()));
        try (Scope _ = new Scope();
            NoGradGuard _ = new NoGradGuard()) {
          double[][] some = n.forward(whole(batch), BatchNorm.RUNNING).probabilities();
          for (int i = 0; i < batch.size(); i++) {
            rows[from + i] = some[i];
            task.step("");
          }
        }
      }
    }
    return rows;
  }

  private Tensor whole(List<Film> batch) {
    int side = image.side();
    float[] pixels = new float[batch.size() * side * side];
    for (int i = 0; i < batch.size(); i++) {
      float[] film = Preprocessing.scaled(films.at(side, batch.get(i)));
      System.arraycopy(film, 0, pixels, i * side * side, film.length);
    }
    return Torch.tensor(pixels, batch.size(), 1, side, side);
  }

  private static String table(List<Film> of, double[][] rows) {
    List<SequencedMap<String, String>> table = new ArrayList<>();
    for (int i = 0; i < rows.length; i++) {
      SequencedMap<String, String> row = new LinkedHashMap<>();
      row.put("image", of.get(i).image());
      for (Finding finding : Finding.ALL) {
        row.put(finding.label(), String.format(Locale.ROOT, "%.5f", rows[i][finding.column()]));
      }
      row.put("AP", String.format(Locale.ROOT, "%.5f", rows[i][Finding.COUNT]));
      table.add(row);
    }
    return RunFolder.csv(table);
  }
}
