package org.radialog.train;

import static org.bytedeco.pytorch.global.torch.cat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.radialog.data.Folds;
import org.radialog.language.Llama;
import org.radialog.loop.Share;
import org.radialog.loop.Stage;
import org.radialog.tasks.Calls;
import org.radialog.tasks.InstructDataSet;
import org.radialog.tasks.InstructDialog;
import org.radialog.text.TextTokenizer;
import org.radialog.torch.AdamW;
import org.radialog.torch.Lanes;
import org.radialog.torch.Parameters;
import org.radialog.torch.Schedule;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.QFormer;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;

/**
 * Stage 3: trains Q-Former and projector, or the MLP, and the adapter of the language model on
 * dialogs about the films. The loss is the mean cross-entropy over the tokens of the answers.
 *
 * <p>B dialogs of a batch, P channels of a patch, h w cells, N image tokens, T tokens, D width of
 * the language model.
 */
final class DialogStage implements Stage, AutoCloseable {
  /**
   * Name of the file with the trained weights, fp32, keys {@code qformer. projector. language.}.
   */
  static final String WEIGHTS = "language.safetensors";

  private static final List<String> PARTS = List.of("qformer.", "projector.", "language.");

  private static final int POOL =
      8; // number of batches whose dialogs are sorted by length together

  private final LanguageRecipe recipe;
  private final ModelSpec model;
  private final long seed;
  private final PatchFeatures features;
  private final TextTokenizer tokenizer;
  private final LanguageNetworks networks;
  private final List<Tensor> trained;
  private final AdamW optimizer;
  private final InstructDataSet dialogs;
  private final List<TokenDialog> validation;

  private long pool = -1; // index of the current group of batches
  private List<List<TokenDialog>> batches = List.of();

  /**
   * Creates the stage before its first step.
   *
   * @param calls how the probabilities are read
   * @param probabilities 14 per film, calibrated, or an empty map, as for {@link InstructDataSet}
   */
  DialogStage(
      Recipe recipe,
      Folds.Split split,
      Calls calls,
      Map<String, double[]> probabilities,
      PatchFeatures features,
      TextTokenizer tokenizer,
      LanguageNetworks networks) {
    this.recipe = recipe.language();
    this.model = recipe.model();
    this.seed = recipe.seed();
    this.features = features;
    this.tokenizer = tokenizer;
    this.networks = networks;
    this.dialogs =
        new InstructDataSet(split.train(), probabilities, calls, this.recipe.mix(), seed);
    this.validation =
        tokens(
            new InstructDataSet(split.validation(), Map.of(), calls, this.recipe.mix(), seed)
                .dialogs(0, this.recipe.validationDialogs()));
    this.trained = List.copyOf(networks.parameters().trainable().values());
    this.optimizer = optimizer(networks.parameters());
  }

  /**
   * The parts that are trained and stored in {@link #WEIGHTS}; an MLP has only {@code projector.}.
   */
  static List<String> parts(ModelSpec model) {
    return model.alignment() instanceof QFormer.Config ? PARTS : PARTS.subList(1, PARTS.size());
  }

  private AdamW optimizer(Parameters p) {
    SequencedMap<String, Tensor> image = new LinkedHashMap<>(p.at("qformer.").named());
    image.putAll(p.at("projector.").named());
    return new AdamW(
        AdamW.Config.TORCH,
        List.of(
            new AdamW.Group(image, recipe.queryRate(), 1),
            new AdamW.Group(p.at("language.").named(), 1, 1)));
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
    long steps = recipe.steps();
    long warmUp = Math.round(recipe.warmUp() * steps);
    return new Plan(
        steps,
        0,
        recipe.validateEvery(),
        new Schedule(
            Schedule.Decay.COSINE, recipe.rate(), warmUp, steps, recipe.floor() * recipe.rate()),
        recipe.clip(),
        recipe.minutes(),
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
    return loss(batch(step), recipe.dropout());
  }

  @Override
  public boolean divisible(int processes) {
    return true;
  }

  // Each token of the batch has the same weight, in whichever share it is.
  @Override
  public double backward(long step, Share share) {
    List<Seen> batch = batch(step);
    double all = answers(batch);
    return Lanes.backward(
        trained,
        share.of(batch), // empty if there are fewer dialogs than processes
        part -> loss(part, recipe.dropout()).mul(new Scalar(answers(part) / all)));
  }

  private static int answers(List<Seen> batch) {
    return batch.stream().mapToInt(seen -> seen.dialog.answers()).sum();
  }

  /** A dialog about one copy of its film. */
  private record Seen(TokenDialog dialog, int copy) {
    static Seen original(TokenDialog dialog) {
      return new Seen(dialog, 0);
    }
  }

  // The choice of a film's copy does not depend on how the batch is divided.
  private List<Seen> batch(long step) {
    if (step / POOL != pool) {
      pool = step / POOL;
      batches = batchesOf(pool);
    }
    Random random = new Random(seed + 31 * step);
    return batches.get((int) (step % POOL)).stream()
        .map(dialog -> new Seen(dialog, random.nextInt(features.copies())))
        .toList();
  }

  /** Batches of dialogs of similar length, in random order. */
  private List<List<TokenDialog>> batchesOf(long number) {
    long size = (long) POOL * recipe.batch();
    List<List<TokenDialog>> some =
        batches(tokens(dialogs.dialogs(number * size, (number + 1) * size)));
    Collections.shuffle(some, new Random(seed * 1_000_003 + number));
    return some;
  }

  private List<List<TokenDialog>> batches(List<TokenDialog> dialogs) {
    List<TokenDialog> sorted = new ArrayList<>(dialogs);
    sorted.sort(Comparator.comparingInt(TokenDialog::length));
    List<List<TokenDialog>> batches = new ArrayList<>();
    for (int from = 0; from < sorted.size(); from += recipe.batch()) {
      batches.add(sorted.subList(from, Math.min(sorted.size(), from + recipe.batch())));
    }
    return batches;
  }

  private List<TokenDialog> tokens(List<InstructDialog> some) {
    return some.stream()
        .map(dialog -> TokenDialog.of(dialog, model.format(), tokenizer, model.imageTokens()))
        .toList();
  }

  /** The mean cross-entropy over the tokens that the model has to predict. */
  private Tensor loss(List<Seen> seen, double dropout) {
    List<TokenDialog> batch = seen.stream().map(Seen::dialog).toList();
    int b = batch.size();
    int t = batch.stream().mapToInt(TokenDialog::length).max().orElseThrow();
    int[] ids = new int[b * t];
    int[][] labels = new int[b][t];
    for (int i = 0; i < b; i++) {
      TokenDialog dialog = batch.get(i);
      System.arraycopy(dialog.ids(), 0, ids, i * t, dialog.length());
      Arrays.fill(labels[i], Llama.IGNORED);
      System.arraycopy(dialog.labels(), 0, labels[i], 0, dialog.length());
    }
    Tensor text = networks.llama().embed(ids).view(b, t, -1); // [B·T, D] to [B, T, D]
    return networks.llama().loss(withImages(text, seen, dropout), labels);
  }

  /** Puts the image tokens in their place, in the dialogs about a film, {@code [B, T, D]}. */
  private Tensor withImages(Tensor text, List<Seen> seen, double dropout) {
    int[] rows =
        IntStream.range(0, seen.size())
            .filter(i -> seen.get(i).dialog.image().isPresent())
            .toArray();
    if (rows.length == 0) {
      return text;
    }
    List<Seen> films = Arrays.stream(rows).mapToObj(seen::get).toList();
    Tensor patches =
        features.of(
            films.stream().flatMap(one -> one.dialog.image().stream()).toList(),
            i -> films.get(i).copy); // [b, P, h, w]
    Tensor image = networks.alignment().forward(patches, dropout); // [b, N, D]
    if (!recipe.image()) {
      image = image.mul(new Scalar(0)); // as with the control zero_image
    }
    long t = text.size(1);
    int at = films.getFirst().dialog.imageAt(); // the text before the image is the same in all
    int behind = at + model.imageTokens();
    boolean all = rows.length == seen.size();
    Tensor index = Torch.tensor(rows, rows.length);
    Tensor about = all ? text : text.index_select(0, index); // [b, T, D]
    Tensor shown =
        cat(
            new TensorVector(about.narrow(1, 0, at), image, about.narrow(1, behind, t - behind)),
            1); // [b, T, D]
    return all ? shown : text.index_copy(0, index, shown);
  }

  @Override
  public List<Measure> measures() {
    return List.of(
        new Measure("validation_named", Axis.LOSS),
        new Measure("validation_image_only", Axis.LOSS));
  }

  @Override
  public Map<String, OptionalDouble> validate() {
    return Map.of("validation_named", meanLoss(true), "validation_image_only", meanLoss(false));
  }

  /**
   * The mean loss over the dialogs whose prompt does ({@code named}) or does not contain the
   * findings.
   */
  private OptionalDouble meanLoss(boolean named) {
    double sum = 0;
    long count = 0;
    List<TokenDialog> kind = validation.stream().filter(d -> d.named() == named).toList();
    for (List<TokenDialog> batch : batches(kind)) {
      try (Scope _ = new Scope();
          NoGradGuard _ = new NoGradGuard()) {
        int answers = batch.stream().mapToInt(TokenDialog::answers).sum();
        sum += answers * Torch.item(loss(batch.stream().map(Seen::original).toList(), 0));
        count += answers;
      }
    }
    return count == 0 ? OptionalDouble.empty() : OptionalDouble.of(sum / count);
  }

  @Override
  public void save(Path folder) {
    SequencedMap<String, Tensor> product = networks.parameters().named();
    product.keySet().removeIf(name -> PARTS.stream().noneMatch(name::startsWith));
    SafetensorsWriter.write(
        folder.resolve(WEIGHTS), Map.of(), Parameters.entries(product, DType.F32));
  }
}
