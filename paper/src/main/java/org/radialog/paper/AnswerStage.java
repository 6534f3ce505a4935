package org.radialog.paper;

import static org.bytedeco.pytorch.global.torch.cat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.SequencedMap;
import java.util.Set;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.language.Llama;
import org.radialog.loop.Passes;
import org.radialog.loop.Share;
import org.radialog.loop.Stage;
import org.radialog.metrics.Interval;
import org.radialog.torch.AdamW;
import org.radialog.torch.Lanes;
import org.radialog.torch.LossScale;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.Alignment;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;

/**
 * The language stage of the published versions. It trains an adapter and the linear layers between
 * image and language model on answers; in the second version also the image encoder.
 *
 * <p>B dialogs of a piece, T tokens, Q image tokens, C channels of the features, h w cells, D width
 * of the language model.
 */
final class AnswerStage implements Stage, AutoCloseable {
  /** Name of the file with the trained weights, fp32. */
  static final String WEIGHTS = "language.safetensors";

  private static final int POOL =
      8; // number of batches whose dialogs are sorted by length together

  /** The source of the features of films, {@code [B, C, h, w]}. */
  @FunctionalInterface
  interface Images {
    Tensor of(List<Path> files);
  }

  /**
   * The networks of this stage, which share one set of parameters.
   *
   * @param parameters tensors under {@code vision. qformer. projector. language.}; those that
   *     require a gradient are trained
   */
  record Networks(
      Parameters parameters, Images images, Alignment alignment, Llama llama, boolean divisible) {
    /** The image tokens of films, {@code [B, Q, D]}. */
    Tensor imageTokens(List<Path> films) {
      return alignment.forward(images.of(films));
    }
  }

  /**
   * A film with its own report.
   *
   * @param dialog the request for the report, and the report
   * @param findings the findings whose label is 1
   */
  record Reported(VicunaLayout.Conversation dialog, Set<Finding> findings) {}

  /**
   * What a validation looks at; both lists may be empty.
   *
   * @param dialogs dialogs for the loss
   * @param films films about which reports are written, if the recipe asks for them
   */
  record Validation(List<VicunaLayout.Conversation> dialogs, List<Reported> films) {
    Validation {
      dialogs = List.copyOf(dialogs);
      films = List.copyOf(films);
    }
  }

  private final AnswerRecipe recipe;
  private final long seed;
  private final Passes<VicunaLayout.Conversation> passes;
  private final VicunaLayout layout;
  private final List<VicunaLayout.Conversation> train;
  private final List<VicunaLayout.Tokens> held;
  private final Networks networks;
  private final List<Tensor> trained;
  private final AdamW optimizer;
  private final Optional<LossScale> lossScale; // for fp16 only
  private final Optional<SampleReports> reports;
  private final long stepsPerPass; // an incomplete last batch is left out

  private long done; // steps
  private long pool = -1; // index of the current group of batches
  private List<List<VicunaLayout.Tokens>> batches = List.of();

  /**
   * Creates the stage before its first step.
   *
   * @param train training dialogs
   * @throws RadialogException if there are fewer training dialogs than the batch size
   */
  AnswerStage(
      AnswerRecipe recipe,
      long seed,
      VicunaLayout layout,
      List<VicunaLayout.Conversation> train,
      Validation validation,
      Networks networks) {
    this.recipe = recipe;
    this.seed = seed;
    this.passes = new Passes<>(train, seed);
    this.layout = layout;
    this.train = List.copyOf(train);
    this.held = tokens(validation.dialogs);
    this.networks = networks;
    this.stepsPerPass = train.size() / recipe.batch();
    if (stepsPerPass == 0) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "%d dialogs are fewer than a batch of %d (language.batch of the recipe): expected at least one batch"
              .formatted(train.size(), recipe.batch()));
    }
    this.trained = List.copyOf(networks.parameters().trainable().values());
    this.optimizer = optimizer(networks.parameters(), recipe);
    this.lossScale =
        recipe.precision() == AnswerRecipe.BasePrecision.FP16
            ? Optional.of(new LossScale())
            : Optional.empty();
    this.reports =
        recipe
            .reports()
            .map(told ->
                new SampleReports(
                    films(validation.films),
                    recipe.piece(),
                    told.longest(),
                    layout.tokenizer(),
                    layout.tokenizer().endOfTurn()));
  }

  private List<SampleReports.Film> films(List<Reported> reported) {
    return reported.stream()
        .flatMap(film ->
            layout.tokens(film.dialog).stream()
                .map(tokens -> new SampleReports.Film(tokens, film.findings)))
        .toList();
  }

  private static AdamW optimizer(Parameters p, AnswerRecipe recipe) {
    List<AdamW.Group> groups = new ArrayList<>();
    groups.add(new AdamW.Group(p.at("language.").trainable(), 1, 1));
    groups.add(new AdamW.Group(p.at("projector.").trainable(), recipe.projectorRate(), 1));
    if (recipe.visionRate() > 0) {
      groups.add(new AdamW.Group(p.at("vision.").trainable(), recipe.visionRate(), 1));
    }
    return new AdamW(AdamW.Config.TORCH.withWeightDecay(recipe.weightDecay()), groups);
  }

  @Override
  public void close() {
    optimizer.close();
  }

  @Override
  public String name() {
    return "language";
  }

  @Override
  public Plan plan() {
    long total = stepsPerPass * recipe.epochs();
    return new Plan(
        recipe.steps() == 0 ? total : Math.min(total, recipe.steps()),
        0,
        recipe.validateEvery(),
        recipe.schedule(total),
        recipe.clip(),
        0,
        seed);
  }

  @Override
  public SequencedMap<String, Tensor> tensors() {
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
    changing().forEach((name, tensor) -> tensors.put("current." + name, tensor));
    return tensors;
  }

  // The trained parameters, and the running statistics of a trained encoder.
  private SequencedMap<String, Tensor> changing() {
    SequencedMap<String, Tensor> all = networks.parameters().named();
    SequencedMap<String, Tensor> learning = networks.parameters().trainable();
    all.keySet()
        .removeIf(name ->
            !learning.containsKey(name)
                && !(recipe.visionRate() > 0 && name.startsWith("vision.")));
    return all;
  }

  @Override
  public AdamW optimizer() {
    return optimizer;
  }

  @Override
  public Optional<LossScale> lossScale() {
    return lossScale;
  }

  /** The mean cross-entropy over the answer tokens of the batch, as one graph. */
  @Override
  public Tensor loss(long step) {
    return loss(batch(step));
  }

  @Override
  public boolean divisible(int processes) {
    return networks.divisible();
  }

  // Every token of the batch has the same weight, independent of its share and its piece.
  @Override
  public double backward(long step, Share share) {
    List<VicunaLayout.Tokens> batch = batch(step);
    int all = answers(batch);
    List<VicunaLayout.Tokens> own = share.of(batch);
    double scale = lossScale.map(s -> s.state().factor()).orElse(1.0);
    double sum = 0;
    for (int from = 0; from < own.size(); from += recipe.piece()) {
      List<VicunaLayout.Tokens> piece =
          own.subList(from, Math.min(own.size(), from + recipe.piece()));
      double weight = (double) answers(piece) / all;
      try (Scope _ = new Scope()) {
        if (recipe.checkpointing()) {
          sum +=
              networks
                  .llama()
                  .backward(
                      embeddings(piece),
                      labels(piece),
                      weight * scale,
                      dropoutSeed(step, share.rank() * batch.size() + from));
        } else if (networks.divisible()) {
          sum +=
              Lanes.backward(
                  trained, piece, part -> loss(part).mul(new Scalar(answers(part) * scale / all)));
        } else {
          Tensor loss = loss(piece).mul(new Scalar(weight * scale));
          loss.backward();
          sum += Torch.item(loss);
        }
      }
    }
    return sum / scale;
  }

  private static int answers(List<VicunaLayout.Tokens> some) {
    return some.stream().mapToInt(VicunaLayout.Tokens::answers).sum();
  }

  // Layers draw at seeds that follow each other, so those of pieces are far apart.
  private long dropoutSeed(long step, int from) {
    return ((seed * 1_000_003 + step) * 1_000_003 + from) << 16;
  }

  private List<VicunaLayout.Tokens> batch(long step) {
    networks.llama().training(true);
    if (step / POOL != pool) {
      pool = step / POOL;
      batches = batchesOf(pool);
    }
    return batches.get((int) (step % POOL));
  }

  /** Batches of dialogs of similar length, in random order. */
  private List<List<VicunaLayout.Tokens>> batchesOf(long number) {
    List<VicunaLayout.Tokens> some = new ArrayList<>();
    int size = POOL * recipe.batch();
    long at = number * size;
    while (some.size() < size) { // a dialog without usable tokens is replaced by a later one
      some.addAll(tokens(List.of(inTurn(at))));
      at++;
      if (at - number * size > size + train.size()) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            "no dialog has an answer within %d tokens (language.longest of the recipe)"
                .formatted(recipe.longest()));
      }
    }
    some.sort(Comparator.comparingInt(VicunaLayout.Tokens::length));
    List<List<VicunaLayout.Tokens>> batches = new ArrayList<>();
    for (int from = 0; from < size; from += recipe.batch()) {
      batches.add(List.copyOf(some.subList(from, from + recipe.batch())));
    }
    Collections.shuffle(batches, new Random(seed * 1_000_003 + number));
    return batches;
  }

  // Every pass uses each dialog once.
  private VicunaLayout.Conversation inTurn(long n) {
    return passes.order(n / train.size()).get((int) (n % train.size()));
  }

  private List<VicunaLayout.Tokens> tokens(List<VicunaLayout.Conversation> dialogs) {
    return dialogs.stream().flatMap(dialog -> layout.tokens(dialog).stream()).toList();
  }

  private Tensor loss(List<VicunaLayout.Tokens> piece) {
    return networks.llama().loss(embeddings(piece), labels(piece));
  }

  private static int longest(List<VicunaLayout.Tokens> piece) {
    return piece.stream().mapToInt(VicunaLayout.Tokens::length).max().orElseThrow();
  }

  // [B, T]
  private static int[][] labels(List<VicunaLayout.Tokens> piece) {
    int[][] labels = new int[piece.size()][longest(piece)];
    for (int i = 0; i < piece.size(); i++) {
      Arrays.fill(labels[i], Llama.IGNORED);
      System.arraycopy(piece.get(i).labels(), 0, labels[i], 0, piece.get(i).length());
    }
    return labels;
  }

  // [B, T, D]: the tokens' rows, and the image's in their places
  private Tensor embeddings(List<VicunaLayout.Tokens> piece) {
    int b = piece.size();
    int t = longest(piece);
    int queries = layout.imageTokens();
    int[] ids = new int[b * t];
    for (int i = 0; i < b; i++) {
      System.arraycopy(piece.get(i).ids(), 0, ids, i * t, piece.get(i).length());
    }
    Tensor text = networks.llama().embed(ids).view(b, t, -1); // [B·T, D] to [B, T, D]
    Tensor image =
        networks.imageTokens(piece.stream().map(VicunaLayout.Tokens::film).toList()); // [B, Q, D]
    TensorVector rows = new TensorVector();
    for (int i = 0; i < b; i++) {
      int own = piece.get(i).imageAt();
      int behind = own + queries;
      Tensor row = text.narrow(0, i, 1); // [1, T, D]
      rows.push_back(
          cat(
              new TensorVector(
                  row.narrow(1, 0, own),
                  image.narrow(0, i, 1),
                  row.narrow(1, behind, (long) t - behind)),
              1));
    }
    return cat(rows, 0); // [B, T, D]
  }

  @Override
  public void stepped(long steps) {
    done = steps;
  }

  @Override
  public List<Measure> measures() {
    List<Measure> measures = new ArrayList<>();
    measures.add(new Measure(AnswerRecipe.LOSS, Axis.LOSS));
    if (reports.isPresent()) {
      measures.add(new Measure(AnswerRecipe.CLINICAL_F1, Axis.SCORE));
      measures.add(new Measure(AnswerRecipe.CLINICAL_F1_MICRO, Axis.SCORE));
    }
    return measures;
  }

  @Override
  public Optional<Best> best() {
    return recipe.best().map(told -> new Best(told.measure(), told.highest(), told.patience()));
  }

  @Override
  public Map<String, OptionalDouble> validate() {
    return validate(() -> {});
  }

  @Override
  public Map<String, OptionalDouble> validate(Runnable busy) {
    networks.llama().training(false);
    Map<String, OptionalDouble> measured = new HashMap<>();
    measured.put(AnswerRecipe.LOSS, heldLoss());
    reports
        .filter(sample -> !sample.isEmpty() && recipe.writesReports(done, plan().steps()))
        .ifPresent(sample -> {
          Map<String, Interval> scores =
              sample
                  .agreement(sample.write(networks.llama(), networks::imageTokens, busy))
                  .scores()
                  .averages();
          measured.put(AnswerRecipe.CLINICAL_F1, value(scores, "macro_f1_14"));
          measured.put(AnswerRecipe.CLINICAL_F1_MICRO, value(scores, "micro_f1_14"));
        });
    return measured;
  }

  private static OptionalDouble value(Map<String, Interval> scores, String name) {
    return OptionalDouble.of(Objects.requireNonNull(scores.get(name), name).value());
  }

  // The mean over the answer tokens.
  private OptionalDouble heldLoss() {
    double sum = 0;
    long count = 0;
    for (int from = 0; from < held.size(); from += recipe.piece()) {
      List<VicunaLayout.Tokens> piece =
          held.subList(from, Math.min(held.size(), from + recipe.piece()));
      int answers = answers(piece);
      try (Scope _ = new Scope();
          NoGradGuard _ = new NoGradGuard()) {
        sum += answers * Torch.item(loss(piece));
        count += answers;
      }
    }
    return count == 0 ? OptionalDouble.empty() : OptionalDouble.of(sum / count);
  }

  @Override
  public void save(Path folder) {
    SafetensorsWriter.write(
        folder.resolve(WEIGHTS), Map.of(), Parameters.entries(changing(), DType.F32));
  }
}
