package org.radialog.paper;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import java.util.function.Function;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.loop.Passes;
import org.radialog.loop.Share;
import org.radialog.loop.Stage;
import org.radialog.text.WordPiece;
import org.radialog.torch.AdamW;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.QFormer;
import org.radialog.vision.QFormerObjective;
import org.radialog.vision.QFormerText;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;

/**
 * The alignment stage of the first version: trains a Q-Former on films and their reports (ITC, ITM
 * and LM losses of BLIP-2) with a frozen image encoder. The weights are saved under the names of
 * the published checkpoint.
 *
 * <p>B films of a batch, b of them in this process, C channels of the features, h w cells.
 */
final class QFormerStage implements Stage, AutoCloseable {
  /**
   * Name of the file with the trained weights, fp32, under the names of the published checkpoint.
   */
  static final String WEIGHTS = "qformer.safetensors";

  private static final List<String> MEASURES =
      List.of("validation", "validation_itc", "validation_itm", "validation_lm");

  private final QFormerRecipe recipe;
  private final long seed;
  private final Passes<TextFilm> passes;
  private final List<TextFilm> train;
  private final List<TextFilm> held;
  private final FrozenEncoder encoder;
  private final WordPiece tokenizer;
  private final Parameters parameters;
  private final QFormerObjective learning;
  private final QFormerObjective knowing; // for validation, without dropout
  private final AdamW optimizer;
  private final int stepsPerPass; // an incomplete last batch is left out

  /**
   * The configuration of the stage.
   *
   * @param train training films
   * @param held validation films; may be empty
   * @param words vocabulary of the tokeniser, [DEC] last
   * @param initial initial tensors under the published names; missing tensors are initialised
   *     randomly
   */
  record Config(
      QFormerRecipe recipe,
      QFormer.Config queries,
      int channels,
      long seed,
      List<TextFilm> train,
      List<TextFilm> held,
      List<String> words,
      Parameters.Source initial) {
    Config {
      train = List.copyOf(train);
      held = List.copyOf(held);
      words = List.copyOf(words);
      if (train.size() < recipe.batch()) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            "%d films with a findings section are fewer than a batch of %d (qformer.batch of the recipe): expected at least one batch"
                .formatted(train.size(), recipe.batch()));
      }
      if (words.isEmpty() || !words.getLast().equals("[DEC]")) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            "the vocabulary ends with %s, expected [DEC]"
                .formatted(words.isEmpty() ? "nothing" : Printable.of(words.getLast())));
      }
    }
  }

  /**
   * Creates the stage before its first step.
   *
   * @param encoder the image encoder, which the caller has to close
   */
  QFormerStage(Config config, FrozenEncoder encoder) {
    this.recipe = config.recipe;
    this.seed = config.seed;
    this.passes = new Passes<>(config.train, seed);
    this.train = config.train;
    this.held = config.held;
    this.encoder = encoder;
    this.tokenizer = WordPiece.of(config.words);
    this.parameters = Parameters.of(config.initial, config.seed);
    QFormer queries = QFormer.of(parameters, config.queries, config.channels);
    QFormerText.Config sizes =
        new QFormerText.Config(
            config.words.size(), QFormerText.Config.PUBLISHED.positions(), recipe.embed());
    int begin = config.words.size() - 1;
    this.learning =
        QFormerObjective.of(
            QFormerText.of(queries, parameters, sizes, recipe.dropout()), parameters, begin);
    this.knowing =
        QFormerObjective.of(QFormerText.of(queries, parameters, sizes), parameters, begin);
    this.parameters.trainable(name -> true);
    this.optimizer = optimizer(parameters, recipe);
    this.stepsPerPass = train.size() / recipe.batch();
  }

  // Vectors, biases and norms have no weight decay, following the naming rule of the original.
  private static AdamW optimizer(Parameters p, QFormerRecipe recipe) {
    SequencedMap<String, Tensor> matrices = new LinkedHashMap<>();
    SequencedMap<String, Tensor> others = new LinkedHashMap<>();
    p.trainable()
        .forEach((name, tensor) -> {
          boolean exempt =
              tensor.dim() < 2
                  || name.contains("bias")
                  || name.contains("ln")
                  || name.contains("bn");
          (exempt ? others : matrices).put(name, tensor);
        });
    return new AdamW(
        AdamW.Config.TORCH.withWeightDecay(recipe.weightDecay()),
        List.of(new AdamW.Group(matrices, 1, 1), new AdamW.Group(others, 1, 0)));
  }

  @Override
  public void close() {
    optimizer.close();
    parameters.close();
    tokenizer.close();
  }

  @Override
  public String name() {
    return "qformer";
  }

  @Override
  public Plan plan() {
    return new Plan(
        (long) stepsPerPass * recipe.passes(),
        stepsPerPass,
        stepsPerPass,
        recipe.schedule(stepsPerPass),
        recipe.clip(),
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
    return losses(learning, passes.batch(step, recipe.batch()), Share.WHOLE).total();
  }

  // Every process needs a film.
  @Override
  public boolean divisible(int processes) {
    return processes <= recipe.batch();
  }

  @Override
  public double backward(long step, Share share) {
    QFormerObjective.Losses losses = losses(learning, passes.batch(step, recipe.batch()), share);
    losses.total().backward();
    // The contrastive loss is that of the whole batch in every process.
    return Torch.item(share.rank() == 0 ? losses.total() : losses.match().add(losses.language()));
  }

  private QFormerObjective.Losses losses(
      QFormerObjective objective, List<TextFilm> batch, Share share) {
    Tensor features =
        encoder.of(share.of(batch).stream().map(TextFilm::file).toList()); // [b, C, h, w]
    List<int[]> texts =
        batch.stream().map(film -> tokenizer.encode(film.text(), recipe.longest())).toList();
    return objective.losses(
        share.group(), features, share.parts(texts), QFormerObjective.Negatives.DRAWN);
  }

  @Override
  public List<Measure> measures() {
    return MEASURES.stream().map(name -> new Measure(name, Axis.LOSS)).toList();
  }

  // Every validation uses the same negatives and, as in training, only complete batches.
  @Override
  public Map<String, OptionalDouble> validate() {
    List<Function<QFormerObjective.Losses, Tensor>> parts =
        List.of(
            QFormerObjective.Losses::total,
            QFormerObjective.Losses::contrast,
            QFormerObjective.Losses::match,
            QFormerObjective.Losses::language);
    double[] sums = new double[parts.size()];
    int batches = held.size() / recipe.batch();
    Torch.seed(seed);
    for (int i = 0; i < batches; i++) {
      try (Scope _ = new Scope();
          NoGradGuard _ = new NoGradGuard()) {
        QFormerObjective.Losses losses =
            losses(
                knowing, held.subList(i * recipe.batch(), (i + 1) * recipe.batch()), Share.WHOLE);
        for (int part = 0; part < sums.length; part++) {
          sums[part] += Torch.item(parts.get(part).apply(losses));
        }
      }
    }
    Map<String, OptionalDouble> measured = new LinkedHashMap<>();
    for (int part = 0; part < sums.length && batches > 0; part++) {
      measured.put(MEASURES.get(part), OptionalDouble.of(sums[part] / batches));
    }
    return measured;
  }

  @Override
  public void save(Path folder) {
    SafetensorsWriter.write(
        folder.resolve(WEIGHTS), Map.of(), Parameters.entries(parameters.named(), DType.F32));
  }
}
