package org.radialog.train;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.sigmoid;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.SequencedMap;
import java.util.stream.Stream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.radialog.base.Printable;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.PromptFormat;
import org.radialog.clinical.SmolLm2Format;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.NihDataSet;
import org.radialog.instruct.InstructDataSet;
import org.radialog.instruct.InstructDialog;
import org.radialog.instruct.InstructMix;
import org.radialog.language.Llama;
import org.radialog.language.LlamaLinear;
import org.radialog.language.LlamaWeights;
import org.radialog.language.Precision;
import org.radialog.published.ModelConfig;
import org.radialog.text.TextTokenizer;
import org.radialog.torch.AdamW;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;
import org.radialog.torch.Schedule;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.QFormer;
import org.radialog.vision.QueryProjector;
import org.radialog.vision.TokenOrder;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;

/**
 * Stages 2 and 3: what the language model needs to read films, on the encoder of {@link
 * ClassifierTraining}, which is frozen here.
 *
 * <pre>
 *   film ── encoder (frozen) ── patches ── Q-Former ─┬─ mean of the queries ── findings, view   (2)
 *                                                    └─ projector ── LoRA'd Llama ── dialog     (3)
 * </pre>
 *
 * <p>B films or dialogs of a batch · P channels of a patch · h w cells · Q queries · T tokens · D
 * width of the language model.
 */
public final class LanguageTraining {
  /** The encoder of {@code models/mini}, as {@link ClassifierTraining#VISION}. */
  public static final ModelConfig.Vision VISION =
      new ModelConfig.Vision(
          ModelConfig.Backbone.EFFICIENTNET_LITE0,
          ModelConfig.BatchNorm.RUNNING,
          ClassifierTraining.VISION.patchDim(),
          ClassifierTraining.VISION.jointDim(),
          false);

  /** The alignment of {@code models/mini}. */
  public static final ModelConfig.QFormer ALIGNMENT =
      new ModelConfig.QFormer(
          32, 4, 256, 4, 1024, 2, ModelConfig.Source.PATCHES, ModelConfig.TokenOrder.PATCHES);

  /** The adapter of {@code models/mini}: all linear layers. */
  public static final ModelConfig.Adapter ADAPTER =
      new ModelConfig.Adapter(
          16, 32, Stream.of(LlamaLinear.values()).map(LlamaLinear::target).toList());

  /** The wording of the dialogs. */
  public static final PromptFormat PROMPT = SmolLm2Format.FORMAT;

  /** What a run teaches and {@code language.safetensors} holds. */
  static final List<String> PARTS = List.of("qformer.", "projector.", "language.");

  private static final int POOL = 8; // batches that are sorted by length together
  private static final long CHECKPOINT_NANOS = 300_000_000_000L;

  /**
   * What is trained on what.
   *
   * @param data a folder that {@link NihDataSet} reads
   * @param fold the fold of patients to hold out
   * @param classifier {@code classifier.safetensors} of a classifier run that held the same fold
   *     out
   * @param base the language model, GGUF
   * @param outOfFold {@code held-out.csv} of the classifier runs of the other folds: what a
   *     classifier that never saw a film says of it; none at all, and the labels stand in
   * @param folds a table that {@link Folds#read} reads; empty for that of the NIH films
   */
  public record Config(
      Path data,
      int fold,
      Path classifier,
      Path base,
      List<Path> outOfFold,
      Recipe recipe,
      @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Path> folds) {
    public Config {
      outOfFold = List.copyOf(outOfFold);
    }

    /** On the folds of the NIH films. */
    public Config(
        Path data, int fold, Path classifier, Path base, List<Path> outOfFold, Recipe recipe) {
      this(data, fold, classifier, base, outOfFold, recipe, Optional.empty());
    }
  }

  /**
   * How it is trained.
   *
   * @param augmentedCopies copies of each film beside itself
   * @param alignmentPasses passes over the training films in stage 2
   * @param alignmentBatch films of a batch there
   * @param alignmentRate highest learning rate there
   * @param dialogs of stage 3 altogether
   * @param batch dialogs of a batch there
   * @param rate highest learning rate of the adapter
   * @param queryRate a factor on it for Q-Former and projector
   * @param warmUp share of the steps in which the rate rises
   * @param floor share of the highest rate at the end
   * @param dropout of the Q-Former
   * @param validateEvery steps of stage 3 between validations
   * @param validationDialogs of patients that nothing is learned from
   * @param minutes after which stage 3 ends even if not all dialogs were seen, its schedule running
   *     by the clock where that is ahead of the steps; 0 for no limit. A run with a limit is not
   *     repeatable to the bit.
   * @param threads of one operation; 0 for as many as the library takes by itself, so that a run
   *     may go on with another number
   * @param from {@code language.safetensors} of an earlier run on the same classifier to learn on
   *     from, in stage 3 at once; at most one. Another seed draws other dialogs
   */
  public record Recipe(
      int augmentedCopies,
      int alignmentPasses,
      int alignmentBatch,
      double alignmentRate,
      int dialogs,
      int batch,
      double rate,
      double queryRate,
      double warmUp,
      double floor,
      double dropout,
      int validateEvery,
      int validationDialogs,
      double minutes,
      long seed,
      int threads,
      List<Path> from) {
    /** The recipe of {@code models/mini}. */
    public static final Recipe DEFAULT =
        new Recipe(2, 12, 32, 1e-3, 4000, 8, 5e-4, 0.6, 0.03, 0.1, 0.1, 50, 64, 0, 1, 1, List.of());

    public Recipe {
      from = List.copyOf(from);
      if (from.size() > 1) {
        throw new RadialogException("a run learns on from one earlier run, got " + from);
      }
    }

    int steps() {
      return dialogs / batch;
    }
  }

  private enum Stage {
    ALIGNMENT(0),
    LANGUAGE(1),
    DONE(2);

    private final int number; // in a checkpoint

    Stage(int number) {
      this.number = number;
    }
  }

  private final Config config;
  private final Recipe recipe;
  private final Progress progress;
  private final RunFolder run;
  private final Folds.Split split;
  private final Map<String, double[]> outOfFold;

  // where the run stands
  private Stage stage = Stage.ALIGNMENT;
  private long step; // of the stage
  private double lossSum; // since the last row of the table
  private long lossSteps;
  private double seconds; // of the stage, in earlier processes
  private long rows;
  private long started = System.nanoTime();
  private long lastCheckpoint = System.nanoTime();

  private LanguageTraining(Config config, RunFolder run, Progress progress) {
    this.config = config;
    this.recipe = config.recipe;
    this.progress = progress;
    if (recipe.threads > 0) {
      Torch.threads(recipe.threads);
    }
    this.split = Folds.of(config.folds).split(NihDataSet.read(config.data).films(), config.fold);
    this.outOfFold = Probabilities.read(config.outOfFold);
    this.run = run;
    requireInputs();
  }

  // What a later stage needs is looked at before the first one begins: hours lie between them.
  private void requireInputs() {
    List<Film> missing =
        split.train().stream().filter(film -> !outOfFold.containsKey(film.image())).toList();
    if (!outOfFold.isEmpty() && !missing.isEmpty()) {
      throw new RadialogException(
          "%d of %d films that are learned from have no probabilities, the first is %s: expected them in %s, one held-out.csv of each fold but %d (--out-of-fold)"
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
              "%s has no tensors under %s: expected classifier.safetensors of a classifier run"
                  .formatted(Printable.escaped(config.classifier.toString()), part));
        }
      }
    }
    try (Checkpoint gguf = Checkpoint.open(config.base);
        TextTokenizer _ = TextTokenizer.of(gguf)) {
      LlamaWeights.of(gguf);
    }
    for (Path earlier : recipe.from) {
      Checkpoint.open(earlier).close();
    }
  }

  /**
   * Trains, or goes on with the run in {@code runFolder}. At the end the folder holds {@code
   * language.safetensors} (keys {@code qformer. projector. language.}, fp32).
   */
  public static void train(Config config, Path runFolder, Progress progress) {
    try (RunFolder run = RunFolder.open(runFolder, config)) {
      new LanguageTraining(config, run, progress).train();
    }
  }

  /** The networks over one set of parameters. */
  private record Networks(QueryProjector alignment, Linear findings, Linear view, Llama llama)
      implements AutoCloseable {
    static Networks of(Parameters p, LlamaWeights base) {
      QFormer queries =
          QFormer.of(
              p.at("qformer."),
              new QFormer.Config(
                  ALIGNMENT.queries(),
                  ALIGNMENT.layers(),
                  ALIGNMENT.hidden(),
                  ALIGNMENT.heads(),
                  ALIGNMENT.mlp(),
                  ALIGNMENT.crossAttentionEvery(),
                  ClassifierTraining.VISION.patchChannels(),
                  TokenOrder.PATCHES));
      return new Networks(
          QueryProjector.of(p.at("projector."), queries, base.config().hidden()),
          Linear.of(p.at("heads.findings."), ALIGNMENT.hidden(), Finding.COUNT),
          Linear.of(p.at("heads.view."), ALIGNMENT.hidden(), 1),
          Llama.adapted(base, ADAPTER.network(), p.at("language."), Precision.BF16));
    }

    @Override
    public void close() {
      llama.close();
    }
  }

  private void train() {
    List<Film> seen = new ArrayList<>(split.train());
    seen.addAll(split.validation());
    try (PatchFeatures features =
            PatchFeatures.compute(
                seen, recipe.augmentedCopies, recipe.seed, config.classifier, progress);
        Checkpoint gguf = Checkpoint.open(config.base);
        TextTokenizer tokenizer = TextTokenizer.of(gguf);
        Parameters p = Parameters.fresh(recipe.seed);
        Networks networks = Networks.of(p, LlamaWeights.of(gguf))) {
      p.trainable(name -> true);
      try (AdamW alignment = alignmentOptimizer(p);
          AdamW language = languageOptimizer(p)) {
        resume(p, Map.of(Stage.ALIGNMENT, alignment, Stage.LANGUAGE, language));
        if (stage == Stage.ALIGNMENT) {
          align(networks, features, p, alignment);
          begin(Stage.LANGUAGE);
          checkpoint(p, language);
        }
        if (stage == Stage.LANGUAGE) {
          teach(networks, features, tokenizer, p, language);
          begin(Stage.DONE);
          checkpoint(p, language);
        }
        SequencedMap<String, Tensor> product = p.named();
        product.keySet().removeIf(name -> name.startsWith("heads."));
        SafetensorsWriter.write(
            run.file("language.safetensors"), Map.of(), Parameters.entries(product, DType.F32));
      }
    }
  }

  // ---------------------------------------------------------------- stage 2

  private void align(Networks networks, PatchFeatures features, Parameters p, AdamW optimizer) {
    List<Film> trained = split.train();
    int steps = trained.size() / recipe.alignmentBatch; // of a pass
    Schedule schedule = schedule(recipe.alignmentRate, (long) steps * recipe.alignmentPasses);
    try (Tensor positiveWeight =
        Torch.tensor(ClassifierTraining.positiveWeights(trained), Finding.COUNT)) {
      while (step < schedule.total()) {
        int pass = (int) (step / steps);
        List<Film> order = new ArrayList<>(trained);
        Collections.shuffle(order, new Random(recipe.seed * 1_000_003 + pass));
        String name = "alignment " + (pass + 1) + "/" + recipe.alignmentPasses;
        try (Progress.Task task = progress.start(name, steps - step % steps)) {
          do {
            int from = (int) (step % steps) * recipe.alignmentBatch;
            List<Film> batch = order.subList(from, from + recipe.alignmentBatch);
            Random copy = new Random(recipe.seed + 31 * step);
            Torch.seed(recipe.seed * 1_000_003 + step);
            try (Scope _ = new Scope()) {
              Tensor patches =
                  features.of(images(batch), i -> copy.nextInt(features.copies())); // [B, P, h, w]
              Tensor queries = networks.alignment.qformer().forward(patches, recipe.dropout);
              Tensor mean = queries.mean(1); // [B, Q, hidden] to [B, hidden]
              Tensor loss =
                  ClassifierTraining.loss(
                      networks.findings.forward(mean),
                      networks.view.forward(mean),
                      1,
                      batch,
                      positiveWeight);
              optimizer.zeroGrad();
              loss.backward();
              optimizer.clipGradNorm(1);
              optimizer.step(schedule.rate(step));
              stepped(Torch.item(loss));
            }
            task.step(String.format(Locale.ROOT, "loss %.3f", lossSum / lossSteps));
            checkpointIfDue(p, optimizer);
          } while (step % steps != 0);
        }
        double[][] probabilities = probabilities(networks, features, split.validation());
        SequencedMap<String, String> row = row(schedule.rate(step - 1));
        row.put(
            "findings_auroc",
            cell(ClassifierTraining.meanOfMapped(split.validation(), probabilities)));
        row.put(
            "view_auroc", cell(ClassifierTraining.viewAuroc(split.validation(), probabilities)));
        addRow(row);
        checkpoint(p, optimizer);
      }
    }
  }

  /** Rows of 14 findings and the view AP, from the queries' mean. */
  private static double[][] probabilities(
      Networks networks, PatchFeatures features, List<Film> films) {
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      Tensor mean =
          networks.alignment.qformer().forward(features.of(images(films), i -> 0)).mean(1);
      float[] findings = Torch.floats(sigmoid(networks.findings.forward(mean))); // [B, 14]
      float[] view = Torch.floats(sigmoid(networks.view.forward(mean))); // [B, 1]
      double[][] rows = new double[films.size()][Finding.COUNT + 1];
      for (int i = 0; i < rows.length; i++) {
        for (int k = 0; k < Finding.COUNT; k++) {
          rows[i][k] = findings[i * Finding.COUNT + k];
        }
        rows[i][Finding.COUNT] = view[i];
      }
      return rows;
    }
  }

  private static List<String> images(List<Film> films) {
    return films.stream().map(Film::image).toList();
  }

  // ---------------------------------------------------------------- stage 3

  private void teach(
      Networks networks,
      PatchFeatures features,
      TextTokenizer tokenizer,
      Parameters p,
      AdamW optimizer) {
    double[] thresholds = Probabilities.thresholds(split.train(), split.train(), outOfFold);
    InstructDataSet dialogs =
        new InstructDataSet(split.train(), outOfFold, thresholds, InstructMix.DEFAULT, recipe.seed);
    List<TokenDialog> validation =
        tokens(
            new InstructDataSet(
                    split.validation(), Map.of(), thresholds, InstructMix.DEFAULT, recipe.seed)
                .dialogs(0, recipe.validationDialogs),
            tokenizer);
    long steps = recipe.steps();
    Schedule schedule = schedule(recipe.rate, steps);
    long pool = -1;
    List<List<TokenDialog>> batches = List.of();
    boolean over = false;
    try (Progress.Task task = progress.start("language", steps - step)) {
      while (step < steps && !over) {
        if (step / POOL != pool) {
          pool = step / POOL;
          batches = pool(dialogs, pool, tokenizer);
        }
        List<TokenDialog> batch = batches.get((int) (step % POOL));
        Random copy = new Random(recipe.seed + 31 * step);
        Torch.seed(recipe.seed * 1_000_003 + step);
        long at = position(steps);
        over = at >= steps;
        double rate = schedule.rate(at);
        try (Scope _ = new Scope()) {
          Tensor patches =
              features.of(
                  batch.stream().map(TokenDialog::image).toList(),
                  i -> copy.nextInt(features.copies())); // [B, P, h, w]
          Tensor loss = loss(networks, patches, batch, recipe.dropout);
          optimizer.zeroGrad();
          loss.backward();
          optimizer.clipGradNorm(1);
          optimizer.step(rate);
          stepped(Torch.item(loss));
        }
        task.step(String.format(Locale.ROOT, "loss %.3f rate %.1e", lossSum / lossSteps, rate));
        if (step % recipe.validateEvery == 0 || step == steps || over) {
          SequencedMap<String, String> row = row(rate);
          validate(networks, features, validation, row);
          addRow(row);
          checkpoint(p, optimizer);
        }
        checkpointIfDue(p, optimizer);
      }
    }
  }

  // The step of the schedule that the run has reached by steps or by the clock.
  private long position(long steps) {
    double share = recipe.minutes == 0 ? 0 : elapsed() / (60 * recipe.minutes);
    return Math.max(step, Math.min(steps, (long) (share * steps)));
  }

  /** Batches of dialogs of about the same length, in random order. */
  private List<List<TokenDialog>> pool(
      InstructDataSet dialogs, long pool, TextTokenizer tokenizer) {
    long size = (long) POOL * recipe.batch;
    List<TokenDialog> sorted = tokens(dialogs.dialogs(pool * size, (pool + 1) * size), tokenizer);
    List<List<TokenDialog>> batches = batches(sorted);
    Collections.shuffle(batches, new Random(recipe.seed * 1_000_003 + pool));
    return batches;
  }

  private List<List<TokenDialog>> batches(List<TokenDialog> dialogs) {
    List<TokenDialog> sorted = new ArrayList<>(dialogs);
    sorted.sort(Comparator.comparingInt(TokenDialog::length));
    List<List<TokenDialog>> batches = new ArrayList<>();
    for (int from = 0; from < sorted.size(); from += recipe.batch) {
      batches.add(sorted.subList(from, Math.min(sorted.size(), from + recipe.batch)));
    }
    return batches;
  }

  private static List<TokenDialog> tokens(List<InstructDialog> dialogs, TextTokenizer tokenizer) {
    return dialogs.stream()
        .map(dialog -> TokenDialog.of(dialog, PROMPT, tokenizer, ALIGNMENT.queries()))
        .toList();
  }

  /**
   * The mean cross-entropy of the tokens that the model is to write.
   *
   * @param patches {@code [B, P, h, w]}
   */
  private static Tensor loss(
      Networks networks, Tensor patches, List<TokenDialog> batch, double dropout) {
    int b = batch.size();
    int t = batch.stream().mapToInt(TokenDialog::length).max().orElseThrow();
    int at = batch.getFirst().imageAt(); // our own words before the image: alike in all dialogs
    int[] ids = new int[b * t];
    int[][] labels = new int[b][t];
    for (int i = 0; i < b; i++) {
      TokenDialog dialog = batch.get(i);
      System.arraycopy(dialog.ids(), 0, ids, i * t, dialog.length());
      Arrays.fill(labels[i], Llama.IGNORED);
      System.arraycopy(dialog.labels(), 0, labels[i], 0, dialog.length());
    }
    Tensor text = networks.llama.embed(ids).view(b, t, -1); // [B·T, D] to [B, T, D]
    Tensor image = networks.alignment.forward(patches, dropout); // [B, Q, D]
    int behind = at + ALIGNMENT.queries();
    Tensor embeddings =
        cat(
            new TensorVector(
                text.narrow(1, 0, at), image, text.narrow(1, behind, (long) t - behind)),
            1); // [B, T, D]
    return networks.llama.loss(embeddings, labels);
  }

  private void validate(
      Networks networks,
      PatchFeatures features,
      List<TokenDialog> dialogs,
      SequencedMap<String, String> row) {
    for (boolean named : new boolean[] {true, false}) {
      double sum = 0;
      long count = 0;
      List<TokenDialog> kind = dialogs.stream().filter(d -> d.named() == named).toList();
      for (List<TokenDialog> batch : batches(kind)) {
        try (Scope _ = new Scope();
            NoGradGuard _ = new NoGradGuard()) {
          Tensor patches = features.of(batch.stream().map(TokenDialog::image).toList(), i -> 0);
          int answers = batch.stream().mapToInt(TokenDialog::answers).sum();
          sum += answers * Torch.item(loss(networks, patches, batch, 0));
          count += answers;
        }
      }
      row.put(
          named ? "validation_named" : "validation_image_only",
          count == 0 ? "" : String.format(Locale.ROOT, "%.4f", sum / count));
    }
  }

  // ---------------------------------------------------------------- the run

  private AdamW alignmentOptimizer(Parameters p) {
    SequencedMap<String, Tensor> parameters = new LinkedHashMap<>(p.at("qformer.").named());
    parameters.putAll(p.at("heads.").named());
    return new AdamW(AdamW.Config.TORCH, parameters);
  }

  private AdamW languageOptimizer(Parameters p) {
    SequencedMap<String, Tensor> image = new LinkedHashMap<>(p.at("qformer.").named());
    image.putAll(p.at("projector.").named());
    return new AdamW(
        AdamW.Config.TORCH,
        List.of(
            new AdamW.Group(image, recipe.queryRate, 1),
            new AdamW.Group(p.at("language.").named(), 1, 1)));
  }

  private Schedule schedule(double rate, long steps) {
    long warmUp = Math.round(recipe.warmUp * steps);
    return new Schedule(Schedule.Decay.COSINE, rate, warmUp, steps, recipe.floor * rate);
  }

  private double elapsed() {
    return seconds + (System.nanoTime() - started) / 1e9;
  }

  private void begin(Stage next) {
    stage = next;
    step = 0;
    lossSum = 0;
    lossSteps = 0;
    seconds = 0;
    started = System.nanoTime();
  }

  private void stepped(double loss) {
    step++;
    lossSum += loss;
    lossSteps++;
  }

  private SequencedMap<String, String> row(double rate) {
    SequencedMap<String, String> row = new LinkedHashMap<>();
    row.put("row", String.valueOf(rows + 1));
    row.put("stage", stage.name().toLowerCase(Locale.ROOT));
    row.put("step", String.valueOf(step));
    row.put("seconds", String.format(Locale.ROOT, "%.0f", elapsed()));
    row.put("rate", String.format(Locale.ROOT, "%.2e", rate));
    row.put("loss", String.format(Locale.ROOT, "%.4f", lossSum / lossSteps));
    for (String other :
        List.of("findings_auroc", "view_auroc", "validation_named", "validation_image_only")) {
      row.put(other, "");
    }
    return row;
  }

  private void addRow(SequencedMap<String, String> row) {
    run.addRow(row);
    rows++;
    lossSum = 0;
    lossSteps = 0;
    run.plot(
        "alignment, then language model, fold " + config.fold + " held out",
        "row",
        List.of(
            "loss", "findings_auroc", "view_auroc", "validation_named", "validation_image_only"));
  }

  private static String cell(OptionalDouble value) {
    return value.isPresent() ? String.format(Locale.ROOT, "%.4f", value.getAsDouble()) : "";
  }

  private void resume(Parameters p, Map<Stage, AdamW> optimizers) {
    var saved = run.checkpoint();
    if (saved.isEmpty() && !recipe.from.isEmpty()) {
      try (Checkpoint earlier = Checkpoint.open(recipe.from.getFirst())) {
        for (String part : PARTS) {
          p.at(part).load(Parameters.Source.of(earlier));
        }
      }
      stage = Stage.LANGUAGE;
    }
    if (saved.isPresent()) {
      try (Checkpoint checkpoint = saved.get()) {
        Parameters.Source tensors = Parameters.Source.of(checkpoint);
        double number = RunFolder.number(checkpoint, "stage");
        stage = Stream.of(Stage.values()).filter(s -> s.number == number).findFirst().orElseThrow();
        step = (long) RunFolder.number(checkpoint, "step");
        lossSum = RunFolder.number(checkpoint, "loss_sum");
        lossSteps = (long) RunFolder.number(checkpoint, "loss_steps");
        seconds = RunFolder.number(checkpoint, "seconds");
        rows = (long) RunFolder.number(checkpoint, "rows");
        p.load(tensors.at("current."));
        AdamW optimizer = optimizers.get(stage);
        if (optimizer != null) {
          optimizer.load(tensors, (long) RunFolder.number(checkpoint, "optimizer_steps"));
        }
      }
    }
    run.keepRows((int) rows);
    started = System.nanoTime();
    lastCheckpoint = started;
  }

  private void checkpointIfDue(Parameters p, AdamW optimizer) {
    if (System.nanoTime() - lastCheckpoint > CHECKPOINT_NANOS) {
      checkpoint(p, optimizer);
    }
  }

  private void checkpoint(Parameters p, AdamW optimizer) {
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
    p.named().forEach((name, tensor) -> tensors.put("current." + name, tensor));
    tensors.putAll(optimizer.state());
    run.saveCheckpoint(
        tensors,
        Map.of(
            "stage", String.valueOf(stage.number),
            "step", String.valueOf(step),
            "loss_sum", String.valueOf(lossSum),
            "loss_steps", String.valueOf(lossSteps),
            "seconds", String.valueOf(elapsed()),
            "rows", String.valueOf(rows),
            "optimizer_steps", String.valueOf(optimizer.steps())));
    lastCheckpoint = System.nanoTime();
  }
}
