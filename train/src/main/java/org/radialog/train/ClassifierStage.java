package org.radialog.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import java.util.SortedSet;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
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
import org.radialog.data.RadiologistClass;
import org.radialog.data.RadiologistRead;
import org.radialog.imaging.Preprocessing;
import org.radialog.loop.Passes;
import org.radialog.loop.RunFolder;
import org.radialog.loop.Stage;
import org.radialog.loop.WeightAverage;
import org.radialog.metrics.BinaryPredictions;
import org.radialog.torch.AdamW;
import org.radialog.torch.Autocast;
import org.radialog.torch.Bf16;
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
 * Stage 1: encoder and findings classifier, and the pretraining of both. The loss is the binary
 * cross-entropy over the known labels, plus that for the view (PA or AP), which is predicted from
 * the mean patch so that the patches for the language model contain the view, plus those of the
 * {@link TrainingHeads}.
 */
final class ClassifierStage implements Stage, AutoCloseable {
  private static final String BACKBONE = "vision.encoder.encoder.";

  /** The side of the smallest films that are trained on, in pixels. */
  static final int SOFT = 128;

  private final String name;
  private final ClassifierRecipe recipe;
  private final ModelSpec.Image image;
  private final long seed;
  private final Inputs inputs;
  private final Passes<Example> small;
  private final Passes<Example> full;
  private final int smallSteps; // in one pass; an incomplete last batch is left out
  private final int fullSteps;
  private final Progress progress;

  private final Parameters parameters;
  private final Networks networks;
  private final AdamW optimizer;
  private final WeightAverage average;
  private final Tensor positiveWeight; // [14]

  /** The probabilities computed with the current average of the weights. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Predictions(double[][] validation, double[][] heldOut) {}

  private Optional<Predictions> predictions = Optional.empty();

  /**
   * What a stage learns from.
   *
   * @param small examples of the passes at the small side
   * @param full examples of the passes at full size
   * @param films the pixels of all examples, within {@link #sides}
   * @param split whose films of {@code validation} and {@code test} measure the result
   * @param read the radiologists' classes of the films of {@code split}
   * @param whole the pixels of the films of {@code split}, as they are measured
   */
  record Inputs(
      List<Example> small,
      List<Example> full,
      Films films,
      Folds.Split split,
      RadiologistRead read,
      Films whole) {}

  /** The networks, which share one set of parameters. */
  private record Networks(
      BioViLT vision, FindingsClassifier classifier, Linear view, TrainingHeads heads) {
    static Networks of(Parameters p, ModelSpec.Image image) {
      return with(BioViLT.of(p.at("vision."), image.vision()), p, image);
    }

    static Networks with(BioViLT vision, Parameters p, ModelSpec.Image image) {
      return new Networks(
          vision,
          FindingsClassifier.of(p.at("classifier."), image.head()),
          image.viewHead(p.at("view.")),
          TrainingHeads.of(p, image.patchChannels()));
    }

    Seen forward(Tensor films, BioViLT.Statistics statistics) {
      VisionEncoder.Features out = vision.forward(films, statistics);
      Tensor projected = out.projected().to(ScalarType.Float); // [B, J, h, w]
      Tensor patch = out.patches().to(ScalarType.Float).mean(new long[] {2, 3}); // [B, 2 P]
      return new Seen(
          new FindingsAndView(classifier.forward(projected), view.forward(patch)), patch);
    }
  }

  /** The outputs and the mean patch {@code [B, 2 P]} of films. */
  private record Seen(FindingsAndView outputs, Tensor patch) {}

  /**
   * Creates the stage before its first step.
   *
   * @param name of the stage
   * @param init ImageNet weights of the backbone, or the result of another such stage
   */
  ClassifierStage(
      String name,
      ClassifierRecipe recipe,
      ModelSpec.Image image,
      long seed,
      Inputs inputs,
      Path init,
      Progress progress) {
    this.name = name;
    this.recipe = recipe;
    this.image = image;
    this.seed = seed;
    this.inputs = inputs;
    this.small = new Passes<>(inputs.small, seed);
    this.full = new Passes<>(inputs.full, seed);
    this.smallSteps = inputs.small.size() / recipe.batch();
    this.fullSteps = inputs.full.size() / recipe.batch();
    this.progress = progress;
    this.parameters = initial(init, image, recipe, seed);
    this.networks = Networks.of(parameters, image);
    this.optimizer = optimizer(parameters, recipe);
    this.average = new WeightAverage(parameters.named(), recipe.averaging());
    this.positiveWeight = Torch.tensor(positiveWeights(recipe, inputs), Finding.COUNT);
  }

  private static float[] positiveWeights(ClassifierRecipe recipe, Inputs inputs) {
    if (recipe.positiveWeights()) {
      List<Example> all = recipe.fullEpochs() > 0 ? inputs.full : inputs.small;
      return FindingsAndView.positiveWeights(
          all.stream().filter(example -> !example.lungs()).map(Example::film).toList());
    }
    float[] equal = new float[Finding.COUNT];
    Arrays.fill(equal, 1);
    return equal;
  }

  /**
   * The sides at which films are stored for a recipe, for a model with inputs of side {@code full}.
   */
  static List<Integer> sides(ClassifierRecipe recipe, int full) {
    SortedSet<Integer> sides = new TreeSet<>();
    if (recipe.smallEpochs() > 0) {
      sides.add(Films.storedSide(recipe.smallSide()));
    }
    if (recipe.fullEpochs() > 0) {
      sides.add(Films.storedSide(full));
    }
    if (recipe.softened() > 0) {
      sides.add(SOFT);
    }
    return List.copyOf(sides);
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
    return name;
  }

  @Override
  public Plan plan() {
    long steps = (long) smallSteps * recipe.smallEpochs() + (long) fullSteps * recipe.fullEpochs();
    boolean even = smallSteps == fullSteps || recipe.smallEpochs() == 0;
    return new Plan(
        steps,
        even ? fullSteps : 0,
        recipe.validateEvery() == 0 ? Math.max(1, fullSteps) : recipe.validateEvery(),
        Schedule.cosine(recipe.rate(), recipe.smallEpochs() > 0 ? smallSteps : fullSteps, steps),
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
    long before = (long) smallSteps * recipe.smallEpochs();
    boolean first = step < before;
    // The passes at full size are drawn as those that follow the small ones.
    List<Example> batch =
        first
            ? small.batch(step, recipe.batch())
            : full.batch(step - before + (long) recipe.smallEpochs() * fullSteps, recipe.batch());
    long epoch = first ? step / smallSteps : recipe.smallEpochs() + (step - before) / fullSteps;
    int side = first ? recipe.smallSide() : image.side();
    Map<Boolean, List<Example>> parts =
        batch.stream().collect(Collectors.partitioningBy(Example::lungs));
    Tensor loss = Torch.tensor(new float[1]).squeeze(); // []
    try (Autocast _ = Autocast.fast()) {
      List<Example> whole = parts.getOrDefault(false, List.of());
      if (!whole.isEmpty()) {
        List<Film> films = whole.stream().map(Example::film).toList();
        Seen seen = seen(whole, epoch, side, BatchNorm.BATCH);
        loss =
            loss.add(seen.outputs.loss(recipe.viewLoss(), films, positiveWeight))
                .add(networks.heads.minedLoss(seen.patch, whole), new Scalar(recipe.minedLoss()));
      }
      List<Example> lungs = parts.getOrDefault(true, List.of());
      if (!lungs.isEmpty()) {
        Seen seen = seen(lungs, epoch, side, new BioViLT.ForeignBatch());
        loss =
            loss.add(
                networks.heads.lungsLoss(seen.patch, lungs, positiveWeight),
                new Scalar(recipe.lungsLoss()));
      }
      return loss;
    }
  }

  // A single film has no statistics of a batch.
  private Seen seen(List<Example> films, long epoch, int side, BioViLT.Statistics statistics) {
    return networks.forward(
        augmented(films, epoch, side), films.size() > 1 ? statistics : BatchNorm.RUNNING);
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
    for (String part : List.of("validation", "held_out")) {
      measures.add(new Measure(part + " opacity", Axis.SCORE));
      measures.add(new Measure(part + " normal", Axis.SCORE));
    }
    measures.add(new Measure("held_out View", Axis.NONE));
    Finding.ALL.forEach(f -> measures.add(new Measure("held_out " + f.label(), Axis.NONE)));
    return measures;
  }

  @Override
  public Map<String, OptionalDouble> validate() {
    Predictions now = predictions();
    Folds.Split split = inputs.split;
    Map<String, OptionalDouble> measured = new LinkedHashMap<>();
    measured.put("validation", FindingsAndView.meanOfMapped(split.validation(), now.validation));
    measured.put("held_out", FindingsAndView.meanOfMapped(split.test(), now.heldOut));
    measured.putAll(againstRadiologists("validation", split.validation(), now.validation));
    measured.putAll(againstRadiologists("held_out", split.test(), now.heldOut));
    measured.put("held_out View", FindingsAndView.viewAuroc(split.test(), now.heldOut));
    for (Finding finding : Finding.ALL) {
      measured.put(
          "held_out " + finding.label(), FindingsAndView.auroc(split.test(), now.heldOut, finding));
    }
    return measured;
  }

  // The AUROC of opacities and of normal films by the radiologists' classes, where there are any.
  private Map<String, OptionalDouble> againstRadiologists(
      String part, List<Film> of, double[][] rows) {
    int[] read =
        IntStream.range(0, of.size())
            .filter(i -> inputs.read.seen(of.get(i)).isPresent())
            .toArray();
    List<Film> films = Arrays.stream(read).mapToObj(i -> inputs.read.confirmed(of.get(i))).toList();
    double[][] seen = Arrays.stream(read).mapToObj(i -> rows[i]).toArray(double[][]::new);
    boolean[] opacity = new boolean[read.length];
    for (int i = 0; i < read.length; i++) {
      opacity[i] =
          inputs.read.seen(of.get(read[i])).equals(Optional.of(RadiologistClass.LUNG_OPACITY));
    }
    double[] scores =
        Arrays.stream(seen).mapToDouble(row -> row[Finding.LUNG_OPACITY.column()]).toArray();
    return Map.of(
        part + " opacity",
        new BinaryPredictions(scores, opacity).auroc(),
        part + " normal",
        FindingsAndView.auroc(films, seen, Finding.NO_FINDING));
  }

  @Override
  public void save(Path folder) {
    Predictions now = predictions();
    Folds.Split split = inputs.split;
    WholeFile.write(
        folder.resolve(ClassifierTraining.VALIDATION), table(split.validation(), now.validation));
    WholeFile.write(folder.resolve(ClassifierTraining.HELD_OUT), table(split.test(), now.heldOut));
    SafetensorsWriter.write(
        folder.resolve(ClassifierTraining.WEIGHTS),
        Map.of(),
        Parameters.entries(average.tensors(), DType.F32));
  }

  // From an earlier stage everything that it has; else the backbone from ImageNet, all other layers
  // randomly.
  private static Parameters initial(
      Path init, ModelSpec.Image image, ClassifierRecipe recipe, long seed) {
    try (Checkpoint file = Checkpoint.open(init)) {
      Parameters.Source source = Parameters.Source.of(file);
      boolean trained = file.tensors().keySet().stream().anyMatch(key -> key.startsWith(BACKBONE));
      Parameters p = Parameters.of(trained ? source : imageNet(source, init), seed);
      Networks.of(p, image);
      int frozen = recipe.frozenBlocks();
      p.trainable(name -> !BioViLT.isBuffer(name) && !frozen(name, frozen));
      return p;
    }
  }

  private static Parameters.Source imageNet(Parameters.Source file, Path init) {
    return (name, shape) -> {
      if (!name.startsWith(BACKBONE)) {
        return Optional.empty();
      }
      String key = name.substring(BACKBONE.length());
      return Optional.of(
          file.values(key, shape)
              .orElseThrow(() ->
                  new RadialogException(
                      Kind.REFUSED_WEIGHTS,
                      Printable.escaped(init.toString())
                          + " has no tensor "
                          + key
                          + ": expected the ImageNet weights of EfficientNet-Lite0, or"
                          + " classifier.safetensors of a run")));
    };
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
  private Tensor augmented(List<Example> batch, long epoch, int side) {
    int stored = Films.storedSide(side);
    float[] pixels = new float[batch.size() * side * side];
    for (int i = 0; i < batch.size(); i++) {
      Film film = batch.get(i).film();
      long drawn = (seed * 1_000_003 + epoch) * 1_000_003 + film.image().hashCode();
      SplittableRandom random = new SplittableRandom(drawn);
      boolean soft = recipe.softened() > 0 && random.nextDouble() < recipe.softened();
      Films.Square square = inputs.films.within(soft ? SOFT : stored, film);
      Augmentation.DEFAULT.apply(
          square.pixels(), square.side(), pixels, i * side * side, side, random);
    }
    return Torch.tensor(pixels, batch.size(), 1, side, side);
  }

  private Predictions predictions() {
    Predictions now =
        predictions.orElseGet(() ->
            new Predictions(
                probabilities(inputs.split.validation()), probabilities(inputs.split.test())));
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
        BioViLT vision = BioViLT.folded(p.at("vision."), image.vision(), Bf16.orFloat());
        Progress.Task task = progress.start("evaluate", of.size())) {
      Networks n = Networks.with(vision, p, image);
      for (int from = 0; from < of.size(); from += recipe.batch()) {
        List<Film> batch = of.subList(from, Math.min(of.size(), from + recipe.batch()));
        try (Scope _ = new Scope();
            NoGradGuard _ = new NoGradGuard()) {
          double[][] some = n.forward(whole(batch), BatchNorm.RUNNING).outputs.probabilities();
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
    int side = recipe.measuredSide(image.side());
    float[] pixels = new float[batch.size() * side * side];
    for (int i = 0; i < batch.size(); i++) {
      float[] film = Preprocessing.scaled(inputs.whole.at(side, batch.get(i)));
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
