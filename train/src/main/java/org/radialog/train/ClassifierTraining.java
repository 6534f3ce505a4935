package org.radialog.train;

import static org.bytedeco.pytorch.global.torch.binary_cross_entropy_with_logits;
import static org.bytedeco.pytorch.global.torch.sigmoid;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.SequencedMap;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.WholeFile;
import org.radialog.clinical.Finding;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.NihDataSet;
import org.radialog.data.Truth;
import org.radialog.imaging.Preprocessing;
import org.radialog.metrics.BinaryPredictions;
import org.radialog.torch.AdamW;
import org.radialog.torch.Autocast;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;
import org.radialog.torch.Schedule;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.BioViLT;
import org.radialog.vision.BioViLT.Backbone;
import org.radialog.vision.BioViLT.BatchNorm;
import org.radialog.vision.FindingsClassifier;
import org.radialog.vision.VisionEncoder;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;

/**
 * Stage 1: the image encoder and the findings classifier, on labelled films. One fold of patients
 * is held out; the probabilities of its films are the run's product beside the weights.
 *
 * <p>The loss is the binary cross-entropy over the known labels, plus that of the view (PA or AP)
 * from the mean patch, so that the patches which the language model reads tell the view.
 */
public final class ClassifierTraining {
  /** The networks' sizes in {@code models/mini}. */
  public static final BioViLT.Config VISION =
      BioViLT.Config.of(Backbone.EFFICIENTNET_LITE0, 256, 128);

  /** The classifier's sizes in {@code models/mini}. */
  public static final FindingsClassifier.Config CLASSIFIER =
      new FindingsClassifier.Config(128, new FindingsClassifier.Pooling.Adaptive(1), 128, 14);

  /** Side of the films that the networks are evaluated and used on. */
  public static final int SIDE = 320;

  private static final String BACKBONE = "vision.encoder.encoder.";
  private static final long CHECKPOINT_NANOS = 300_000_000_000L;

  /**
   * What is trained on what.
   *
   * @param data a folder that {@link NihDataSet} reads
   * @param fold the fold of patients to hold out
   * @param init the backbone's ImageNet weights
   * @param folds a table that {@link Folds#read} reads; empty for that of the NIH films
   */
  public record Config(
      Path data,
      int fold,
      Path init,
      Recipe recipe,
      @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Path> folds) {
    /** On the folds of the NIH films. */
    public Config(Path data, int fold, Path init, Recipe recipe) {
      this(data, fold, init, recipe, Optional.empty());
    }
  }

  /**
   * How it is trained.
   *
   * @param smallEpochs epochs on films of {@code smallSide} pixels, before those of {@link #SIDE}
   * @param frozenBlocks the stem and so many blocks of the backbone keep their ImageNet weights; at
   *     -1 the stem learns, too
   * @param rate the highest learning rate of what begins at random
   * @param backboneRate a factor on it for the backbone
   * @param averaging decay of the moving average of the weights, which is what is kept
   * @param viewLoss weight of the view's loss
   */
  public record Recipe(
      int smallEpochs,
      int smallSide,
      int fullEpochs,
      int batch,
      int frozenBlocks,
      double rate,
      double backboneRate,
      double weightDecay,
      double averaging,
      double viewLoss,
      long seed,
      int threads) {
    /** The recipe of {@code models/mini}. */
    public static final Recipe DEFAULT =
        new Recipe(5, 224, 3, 16, -1, 1e-3, 0.4, 0.02, 0.99, 0.3, 1, 1);

    int epochs() {
      return smallEpochs + fullEpochs;
    }

    int side(int epoch) {
      return epoch < smallEpochs ? smallSide : SIDE;
    }

    /** Films are cropped at random, so they are kept a little larger than what is shown. */
    int storedSide(int epoch) {
      return side(epoch) * 23 / 20;
    }
  }

  private final Config config;
  private final Recipe recipe;
  private final Progress progress;
  private final RunFolder run;
  private final Folds.Split split;
  private final Films films;

  private ClassifierTraining(Config config, RunFolder run, Progress progress) {
    this.config = config;
    this.recipe = config.recipe;
    this.progress = progress;
    Torch.threads(recipe.threads);
    List<Film> all = NihDataSet.read(config.data).films();
    this.split = Folds.of(config.folds).split(all, config.fold);
    this.run = run;
    Set<Integer> sides = new HashSet<>(Set.of(SIDE));
    for (int epoch = 0; epoch < recipe.epochs(); epoch++) {
      sides.add(recipe.storedSide(epoch));
    }
    this.films = Films.decode(all, List.copyOf(sides), progress);
  }

  /**
   * Trains, or goes on with the run in {@code runFolder}. At the end the folder holds {@code
   * classifier.safetensors} (keys {@code vision. classifier. view.}, fp32), {@code held-out.csv}
   * and {@code validation.csv}.
   */
  public static void train(Config config, Path runFolder, Progress progress) {
    try (RunFolder run = RunFolder.open(runFolder, config)) {
      new ClassifierTraining(config, run, progress).train();
    }
  }

  /** The networks over one set of parameters. */
  private record Networks(BioViLT vision, FindingsClassifier classifier, Linear view) {
    static Networks of(Parameters p) {
      return new Networks(
          BioViLT.of(p.at("vision."), VISION),
          FindingsClassifier.of(p.at("classifier."), CLASSIFIER),
          view(p));
    }

    static Linear view(Parameters p) {
      return Linear.of(p.at("view."), VISION.patchChannels(), 1);
    }
  }

  private record Logits(Tensor findings, Tensor view) {}

  private static Logits forward(Networks n, Tensor image, BatchNorm statistics) {
    VisionEncoder.Features out = n.vision.forward(image, statistics);
    Tensor projected = out.projected().to(ScalarType.Float); // [B, J, h, w]
    Tensor patch = out.patches().to(ScalarType.Float).mean(new long[] {2, 3}); // [B, 2 P]
    return new Logits(n.classifier.forward(projected), n.view.forward(patch)); // [B, 14], [B, 1]
  }

  private void train() {
    List<Film> trained = split.train();
    int steps = trained.size() / recipe.batch; // of an epoch; a last smaller batch is left out
    Tensor positiveWeight = Torch.tensor(positiveWeights(trained), Finding.COUNT);

    try (Parameters p = initial();
        AdamW optimizer = optimizer(p);
        WeightAverage average = new WeightAverage(p.named(), recipe.averaging)) {
      Networks networks = Networks.of(p);
      Schedule schedule = Schedule.cosine(recipe.rate, steps, (long) steps * recipe.epochs());

      // where an earlier process stopped
      long step = 0;
      double lossSum = 0;
      double seconds = 0;
      var saved = run.checkpoint();
      if (saved.isPresent()) {
        try (Checkpoint checkpoint = saved.get()) {
          Parameters.Source tensors = Parameters.Source.of(checkpoint);
          step = (long) RunFolder.number(checkpoint, "step");
          lossSum = RunFolder.number(checkpoint, "loss_sum");
          seconds = RunFolder.number(checkpoint, "seconds");
          p.load(tensors.at("current."));
          optimizer.load(tensors, (long) RunFolder.number(checkpoint, "optimizer_steps"));
          average.load(tensors.at("average."));
        }
      }
      run.keepRows((int) (step / steps));

      long started = System.nanoTime();
      long lastCheckpoint = started;
      for (int epoch = (int) (step / steps); epoch < recipe.epochs(); epoch++) {
        List<Film> order = shuffled(trained, epoch);
        String name = "epoch " + (epoch + 1) + "/" + recipe.epochs();
        try (Progress.Task task = progress.start(name, steps - step % steps)) {
          while (step < (long) (epoch + 1) * steps) {
            int from = (int) (step % steps) * recipe.batch;
            List<Film> batch = order.subList(from, from + recipe.batch);
            try (Scope _ = new Scope()) {
              Tensor images = augmented(batch, epoch); // [B, 1, S, S]
              Tensor loss;
              try (Autocast _ = Autocast.bf16()) {
                Logits logits = forward(networks, images, BatchNorm.BATCH);
                loss = loss(logits.findings, logits.view, recipe.viewLoss, batch, positiveWeight);
              }
              optimizer.zeroGrad();
              loss.backward();
              optimizer.clipGradNorm(5);
              optimizer.step(schedule.rate(step));
              step++;
              average.update(step);
              lossSum += Torch.item(loss);
            }
            task.step(
                String.format(Locale.ROOT, "loss %.3f", lossSum / (step - (long) epoch * steps)));
            if (System.nanoTime() - lastCheckpoint > CHECKPOINT_NANOS) {
              checkpoint(p, optimizer, average, step, lossSum, seconds + since(started));
              lastCheckpoint = System.nanoTime();
            }
          }
        }
        double[][] validation = probabilities(average, split.validation());
        double[][] heldOut = probabilities(average, split.test());
        report(epoch, seconds + since(started), lossSum / steps, validation, heldOut);
        lossSum = 0;
        checkpoint(p, optimizer, average, step, lossSum, seconds + since(started));
        lastCheckpoint = System.nanoTime();
      }
      WholeFile.write(
          run.file("validation.csv"),
          table(split.validation(), probabilities(average, split.validation())));
      WholeFile.write(
          run.file("held-out.csv"), table(split.test(), probabilities(average, split.test())));
      SafetensorsWriter.write(
          run.file("classifier.safetensors"),
          Map.of(),
          Parameters.entries(average.tensors(), DType.F32));
    }
    positiveWeight.close();
  }

  // The backbone from ImageNet, all else at random.
  private Parameters initial() {
    try (Checkpoint imageNet = Checkpoint.open(config.init)) {
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
                                config.init
                                    + " has no tensor "
                                    + key
                                    + ": expected the ImageNet weights of EfficientNet-Lite0")));
              },
              recipe.seed);
      Networks.of(p);
      p.trainable(name -> !BioViLT.isBuffer(name) && !frozen(name));
      return p;
    }
  }

  private boolean frozen(String name) {
    if (!name.startsWith(BACKBONE) || recipe.frozenBlocks < 0) {
      return false;
    }
    String key = name.substring(BACKBONE.length());
    if (key.startsWith("_blocks.")) {
      return Integer.parseInt(key.substring(8, key.indexOf('.', 8))) < recipe.frozenBlocks;
    }
    return key.startsWith("_conv_stem") || key.startsWith("_bn0");
  }

  private AdamW optimizer(Parameters p) {
    SequencedMap<String, Tensor> backbone = new LinkedHashMap<>();
    SequencedMap<String, Tensor> backboneVectors = new LinkedHashMap<>();
    SequencedMap<String, Tensor> heads = new LinkedHashMap<>();
    SequencedMap<String, Tensor> headVectors = new LinkedHashMap<>();
    p.trainable()
        .forEach((name, tensor) -> {
          boolean vector = tensor.dim() < 2; // norms and biases: no weight decay
          if (name.startsWith(BACKBONE)) {
            (vector ? backboneVectors : backbone).put(name, tensor);
          } else {
            (vector ? headVectors : heads).put(name, tensor);
          }
        });
    return new AdamW(
        AdamW.Config.TORCH.withWeightDecay(recipe.weightDecay),
        List.of(
            new AdamW.Group(backbone, recipe.backboneRate, 1),
            new AdamW.Group(backboneVectors, recipe.backboneRate, 0),
            new AdamW.Group(heads, 1, 1),
            new AdamW.Group(headVectors, 1, 0)));
  }

  private List<Film> shuffled(List<Film> trained, int epoch) {
    List<Film> order = new ArrayList<>(trained);
    Collections.shuffle(order, new Random(recipe.seed * 1_000_003 + epoch));
    return order;
  }

  // [B, 1, S, S]; what happens to a film depends on the seed, the epoch and its name only.
  private Tensor augmented(List<Film> batch, int epoch) {
    int side = recipe.side(epoch);
    int stored = recipe.storedSide(epoch);
    float[] pixels = new float[batch.size() * side * side];
    for (int i = 0; i < batch.size(); i++) {
      Film film = batch.get(i);
      long seed = (recipe.seed * 1_000_003 + epoch) * 1_000_003 + film.image().hashCode();
      Augmentation.DEFAULT.apply(
          films.at(stored, film),
          stored,
          pixels,
          i * side * side,
          side,
          new SplittableRandom(seed));
    }
    return Torch.tensor(pixels, batch.size(), 1, side, side);
  }

  /**
   * The cross-entropy over the known labels and, by {@code viewLoss}, the view.
   *
   * @param findings logits {@code [B, 14]}
   * @param viewLogit that of AP, {@code [B, 1]}
   * @param positiveWeight {@code [14]}
   */
  static Tensor loss(
      Tensor findings, Tensor viewLogit, double viewLoss, List<Film> batch, Tensor positiveWeight) {
    float[] targets = new float[batch.size() * Finding.COUNT];
    float[] known = new float[targets.length];
    float[] ap = new float[batch.size()];
    for (int i = 0; i < batch.size(); i++) {
      Film film = batch.get(i);
      for (Finding finding : Finding.ALL) {
        int at = i * Finding.COUNT + finding.column();
        targets[at] = film.truth(finding) == Truth.PRESENT ? 1 : 0;
        known[at] = film.truth(finding) == Truth.UNKNOWN ? 0 : 1;
      }
      ap[i] = film.view() == View.AP ? 1 : 0;
    }
    Tensor masked =
        FindingsClassifier.loss(
            findings.to(ScalarType.Float),
            Torch.tensor(targets, batch.size(), Finding.COUNT),
            Torch.tensor(known, batch.size(), Finding.COUNT),
            positiveWeight);
    Tensor view =
        binary_cross_entropy_with_logits(
            viewLogit.to(ScalarType.Float), Torch.tensor(ap, batch.size(), 1));
    return masked.add(view, new Scalar(viewLoss));
  }

  // A label that no film here can teach has weight 1; where it is unknown, it is masked out of the
  // loss.
  static float[] positiveWeights(List<Film> trained) {
    float[] weights = new float[Finding.COUNT];
    Arrays.fill(weights, 1);
    for (Finding finding : Finding.ALL) {
      long positive = trained.stream().filter(f -> f.truth(finding) == Truth.PRESENT).count();
      long known = trained.stream().filter(f -> f.truth(finding) != Truth.UNKNOWN).count();
      if (positive > 0 && positive < known) {
        weights[finding.column()] =
            FindingsClassifier.positiveWeights(new long[] {known}, new long[] {positive})[0];
      }
    }
    return weights;
  }

  /** Rows of 14 findings and the view AP, by the averaged weights as they are used later. */
  private double[][] probabilities(WeightAverage average, List<Film> of) {
    double[][] rows = new double[of.size()][];
    SequencedMap<String, Tensor> tensors = average.tensors();
    Parameters.Source source =
        (name, _) -> Optional.ofNullable(tensors.get(name)).map(Torch::floats);
    try (Parameters p = Parameters.of(source);
        BioViLT vision = BioViLT.folded(p.at("vision."), VISION, ScalarType.BFloat16);
        Progress.Task task = progress.start("evaluate", of.size())) {
      Networks n =
          new Networks(
              vision, FindingsClassifier.of(p.at("classifier."), CLASSIFIER), Networks.view(p));
      for (int from = 0; from < of.size(); from += recipe.batch) {
        List<Film> batch = of.subList(from, Math.min(of.size(), from + recipe.batch));
        try (Scope _ = new Scope();
            NoGradGuard _ = new NoGradGuard()) {
          Logits logits = forward(n, whole(batch), BatchNorm.RUNNING);
          float[] findings = Torch.floats(sigmoid(logits.findings)); // [B, 14]
          float[] view = Torch.floats(sigmoid(logits.view)); // [B, 1]
          for (int i = 0; i < batch.size(); i++) {
            double[] row = new double[Finding.COUNT + 1];
            for (int k = 0; k < Finding.COUNT; k++) {
              row[k] = findings[i * Finding.COUNT + k];
            }
            row[Finding.COUNT] = view[i];
            rows[from + i] = row;
            task.step("");
          }
        }
      }
    }
    return rows;
  }

  private Tensor whole(List<Film> batch) {
    float[] pixels = new float[batch.size() * SIDE * SIDE];
    for (int i = 0; i < batch.size(); i++) {
      float[] film = Preprocessing.scaled(films.at(SIDE, batch.get(i)));
      System.arraycopy(film, 0, pixels, i * SIDE * SIDE, film.length);
    }
    return Torch.tensor(pixels, batch.size(), 1, SIDE, SIDE);
  }

  private void report(
      int epoch, double seconds, double loss, double[][] validation, double[][] heldOut) {
    SequencedMap<String, String> row = new LinkedHashMap<>();
    row.put("epoch", String.valueOf(epoch + 1));
    row.put("seconds", String.format(Locale.ROOT, "%.0f", seconds));
    row.put("loss", String.format(Locale.ROOT, "%.4f", loss));
    row.put("validation", cell(meanOfMapped(split.validation(), validation)));
    row.put("held_out", cell(meanOfMapped(split.test(), heldOut)));
    row.put("held_out View", cell(viewAuroc(split.test(), heldOut)));
    for (Finding finding : Finding.ALL) {
      row.put("held_out " + finding.label(), cell(auroc(split.test(), heldOut, finding)));
    }
    run.addRow(row);
    run.plot(
        "findings classifier, fold " + config.fold + " held out",
        "epoch",
        List.of("loss", "validation", "held_out"));
  }

  private static String cell(OptionalDouble value) {
    return value.isPresent() ? String.format(Locale.ROOT, "%.4f", value.getAsDouble()) : "";
  }

  /** The mean AUROC of the labels that the data set knows, without No Finding. */
  static OptionalDouble meanOfMapped(List<Film> of, double[][] rows) {
    return Finding.NIH_MAPPED.stream()
        .map(finding -> auroc(of, rows, finding))
        .filter(OptionalDouble::isPresent)
        .mapToDouble(OptionalDouble::getAsDouble)
        .average();
  }

  private static OptionalDouble auroc(List<Film> of, double[][] rows, Finding finding) {
    int[] known =
        IntStream.range(0, of.size())
            .filter(i -> of.get(i).truth(finding) != Truth.UNKNOWN)
            .toArray();
    boolean[] positive = new boolean[known.length];
    for (int k = 0; k < known.length; k++) {
      positive[k] = of.get(known[k]).truth(finding) == Truth.PRESENT;
    }
    return new BinaryPredictions(
            Arrays.stream(known).mapToDouble(i -> rows[i][finding.column()]).toArray(), positive)
        .auroc();
  }

  static OptionalDouble viewAuroc(List<Film> of, double[][] rows) {
    boolean[] ap = new boolean[of.size()];
    for (int i = 0; i < ap.length; i++) {
      ap[i] = of.get(i).view() == View.AP;
    }
    return new BinaryPredictions(
            Arrays.stream(rows).mapToDouble(row -> row[Finding.COUNT]).toArray(), ap)
        .auroc();
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

  private void checkpoint(
      Parameters p,
      AdamW optimizer,
      WeightAverage average,
      long step,
      double lossSum,
      double seconds) {
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
    p.named().forEach((name, tensor) -> tensors.put("current." + name, tensor));
    tensors.putAll(optimizer.state());
    average.tensors().forEach((name, tensor) -> tensors.put("average." + name, tensor));
    run.saveCheckpoint(
        tensors,
        Map.of(
            "step", String.valueOf(step),
            "optimizer_steps", String.valueOf(optimizer.steps()),
            "loss_sum", String.valueOf(lossSum),
            "seconds", String.valueOf(seconds)));
  }

  private static double since(long nanos) {
    return (System.nanoTime() - nanos) / 1e9;
  }
}
