package org.radialog.dialog;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.PromptFormat;
import org.radialog.imaging.DicomRecipe;
import org.radialog.imaging.Guard;
import org.radialog.imaging.ImageRefused;
import org.radialog.model.Llama;
import org.radialog.model.LlamaDecoder;
import org.radialog.model.LlamaWeights;
import org.radialog.model.ModelConfig;
import org.radialog.model.Precision;
import org.radialog.model.TextTokenizer;
import org.radialog.weights.Checkpoint;

/**
 * A loaded RaDialog model: the way in.
 *
 * <pre>{@code
 * try (RaDialog radialog = RaDialog.load(Path.of("models/mini"));
 *      Dialog dialog = radialog.open(Study.of(Radiograph.read(Path.of("chest.png"))))) {
 *   Report report = dialog.report();
 *   Reply reply = dialog.ask("Is there a pleural effusion?", System.out::print);
 *   Report corrected = dialog.correct(Correction.add(PNEUMOTHORAX).remove(EDEMA));
 * }
 * }</pre>
 *
 * <p>Thread-safe: any number of dialogs may run at once. Closing closes them all.
 */
public final class RaDialog implements AutoCloseable {
  /** The folder of packed weights in a model folder. */
  static final String PACKED = "packed";

  private final ModelConfig config;
  private final Precision precision;
  private final Checkpoint base;
  private final TrainedWeights trained;
  private final Optional<Checkpoint> embeddings;
  private final FilmReader films;
  private final Future<TextTokenizer> tokenizer;
  private final Future<LanguageModel> language;
  private final Future<Engine> engine;
  private final Set<Dialog> dialogs = ConcurrentHashMap.newKeySet();
  private boolean closed; // guarded by this

  private RaDialog(
      Path folder, ModelConfig config, Options options, Checkpoint base, TrainedWeights trained) {
    this.config = config;
    this.precision = precision(config, options);
    this.base = base;
    this.trained = trained;
    LlamaWeights weights = weights(config, base);
    this.embeddings =
        config.film().alignment().file().map(file -> Checkpoint.open(folder.resolve(file)));
    // Side by side: a film can be looked at while the language model is still being unpacked.
    this.films =
        new FilmReader(
            config,
            trained,
            embeddings,
            weights.config().hidden(),
            precision == Precision.FP32 ? ScalarType.Float : ScalarType.BFloat16,
            options.control() == Options.Control.ZERO_IMAGE);
    this.tokenizer = inBackground("tokenizer", () -> tokenizer(folder, config, base));
    LanguageModel.Source source =
        new LanguageModel.Source(
            fileName(config),
            key(config, options.control()),
            weights,
            trained.adapter(config, options.control()),
            folder.resolve(PACKED),
            options.cache());
    this.language = inBackground("language", () -> LanguageModel.load(source, precision));
    this.engine =
        inBackground(
            "engine",
            () -> {
              TextTokenizer text = Waiting.forResult(tokenizer);
              LanguageModel model = Waiting.forResult(language);
              return new Engine(model.llama(), model.decoder(), text, ends(text));
            });
  }

  /**
   * Opens a model folder with {@link Options#DEFAULT}.
   *
   * @throws RadialogException if the folder is not a model, is damaged, or of a newer format
   */
  public static RaDialog load(Path folder) {
    return load(folder, Options.DEFAULT);
  }

  /**
   * Opens a model folder. Config, sizes and the headers of the weights are checked here; the
   * networks are then built side by side on other threads, and a fault inside a file shows at the
   * first call that needs it, or in {@link #ready}.
   *
   * @throws RadialogException if the folder is not a model, is damaged, or of a newer format
   */
  public static RaDialog load(Path folder, Options options) {
    ModelConfig config = ModelConfig.read(folder);
    config.film(); // a language model alone is refused here
    Checkpoint base = Checkpoint.open(folder.resolve(config.language().weights()));
    try {
      TrainedWeights trained = TrainedWeights.open(folder);
      try {
        return new RaDialog(folder, config, options, base, trained);
      } catch (RuntimeException | Error e) {
        trained.close();
        throw e;
      }
    } catch (RuntimeException | Error e) {
      base.close();
      throw e;
    }
  }

  /**
   * Checks a model folder: its config and sizes, the digests of its files, and in fp32 the answers
   * of its self test within 1e-4.
   */
  public static Verification verify(Path folder) {
    List<Verification.Check> checks = new ArrayList<>();
    ModelConfig config;
    try {
      config = ModelConfig.read(folder);
    } catch (RadialogException e) {
      checks.add(new Verification.Check("config", false, String.valueOf(e.getMessage())));
      return new Verification(checks);
    }
    checks.add(new Verification.Check("config", true, config.id() + " " + config.version()));
    List<String> damaged = config.damaged(folder);
    checks.add(
        new Verification.Check(
            "digests",
            damaged.isEmpty(),
            damaged.isEmpty()
                ? config.files().size() + " files are what they were"
                : String.join("; ", damaged)));
    checks.add(SelfTestFilm.check(folder, config));
    return new Verification(checks);
  }

  /**
   * What the model of {@code folder} answers in fp32 to the film of the self test: for the config
   * of a new model folder.
   *
   * @throws RadialogException if the folder cannot be loaded
   */
  public static ModelConfig.SelfTest selfTest(Path folder) {
    ModelConfig config = ModelConfig.read(folder);
    if (config.vision().isEmpty()) {
      try (Checkpoint base = Checkpoint.open(folder.resolve(config.language().weights()));
          Llama llama = Llama.of(weights(config, base), Precision.FP32)) {
        return SelfTestFilm.answer(llama);
      }
    }
    try (RaDialog model = load(folder, Options.DEFAULT.with(Precision.FP32))) {
      return SelfTestFilm.answer(model);
    }
  }

  /** A language model without the parts that look at films. */
  record LanguageAlone(Checkpoint base, LanguageModel language) implements AutoCloseable {
    @Override
    public void close() {
      language.close();
      base.close();
    }
  }

  /**
   * The language model of a folder alone, which may hold nothing else.
   *
   * @throws RadialogException if the folder is not a model, or damaged
   */
  static LanguageAlone languageAlone(Path folder, Options options) {
    ModelConfig config = ModelConfig.read(folder);
    Checkpoint base = Checkpoint.open(folder.resolve(config.language().weights()));
    try {
      LanguageModel.Source source =
          new LanguageModel.Source(
              fileName(config),
              key(config, Options.Control.NONE),
              weights(config, base),
              Optional.empty(),
              folder.resolve(PACKED),
              options.cache());
      return new LanguageAlone(base, LanguageModel.load(source, precision(config, options)));
    } catch (RuntimeException | Error e) {
      base.close();
      throw e;
    }
  }

  private static Precision precision(ModelConfig config, Options options) {
    return options
        .precision()
        .or(() -> config.language().precision())
        .orElseGet(LanguageModel::fastest);
  }

  /**
   * Packs the language model of a folder for this machine's vectors, where its precision is
   * quantised, into the folder itself: a start then maps it. A machine with other vectors makes its
   * own copy in its cache.
   *
   * @throws RadialogException if the folder cannot be loaded or written
   */
  static void pack(Path folder, Progress progress) {
    ModelConfig config = ModelConfig.read(folder);
    Precision precision = config.language().precision().orElse(Precision.BF16);
    if (precision != Precision.INT8 && precision != Precision.INT4) {
      return;
    }
    try (Checkpoint base = Checkpoint.open(folder.resolve(config.language().weights()));
        Progress.Task task = progress.start("packed weights", 1)) {
      LanguageModel.Source source =
          new LanguageModel.Source(
              fileName(config),
              key(config, Options.Control.NONE),
              weights(config, base),
              Optional.empty(),
              folder.resolve(PACKED),
              Optional.empty());
      LlamaDecoder.pack(
          folder.resolve(PACKED).resolve(source.file(precision)),
          source.mark(precision),
          source.weights(),
          source.adapter(),
          source.merged(precision),
          precision);
      task.step(precision.label());
    }
  }

  /** Waits until everything is loaded. */
  public void ready() {
    films.ready();
    engine();
  }

  /** The model folder's config. */
  public ModelConfig config() {
    return config;
  }

  /** The arithmetic of the language model's decode step. */
  public Precision precision() {
    return precision;
  }

  /**
   * Begins a dialog. Its film is looked at when the first answer needs it.
   *
   * @throws ImageRefused if the guard refuses the film or its prior
   * @throws IllegalStateException if this is closed
   */
  public Dialog open(Study study) {
    Guard guard = study.force() ? Guard.FORCED : Guard.STRICT;
    DicomRecipe recipe = DicomRecipe.of(config.film().preprocessing().dicom().text());
    List<Guard.Warning> warnings = new ArrayList<>(guard.check(study.film(), recipe));
    study.prior().ifPresent(prior -> warnings.addAll(guard.check(prior, recipe)));
    Dialog dialog = new Dialog(this, study, warnings);
    synchronized (this) {
      if (closed) {
        throw new IllegalStateException("this model is closed");
      }
      dialogs.add(dialog);
    }
    return dialog;
  }

  /** Closes all dialogs, then frees the model. */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    List.copyOf(dialogs).forEach(Dialog::close);
    settle(engine, Engine::close);
    settle(language, LanguageModel::close);
    settle(tokenizer, TextTokenizer::close);
    films.close();
    embeddings.ifPresent(Checkpoint::close);
    trained.close();
    base.close();
  }

  // ---- for dialogs

  void closed(Dialog dialog) {
    dialogs.remove(dialog);
  }

  FilmReader films() {
    return films;
  }

  TextTokenizer tokenizer() {
    return Waiting.forResult(tokenizer);
  }

  Engine engine() {
    return Waiting.forResult(engine);
  }

  LanguageModel language() {
    return Waiting.forResult(language);
  }

  PromptFormat prompts() {
    return config.language().prompt().format();
  }

  PromptFormat.Wording wording() {
    return config.language().wording();
  }

  private static LlamaWeights weights(ModelConfig config, Checkpoint base) {
    return config
        .language()
        .network()
        .map(network -> LlamaWeights.of(network, base))
        .orElseGet(() -> LlamaWeights.of(base));
  }

  private static TextTokenizer tokenizer(Path folder, ModelConfig config, Checkpoint base) {
    return config
        .language()
        .tokenizer()
        .map(file -> TextTokenizer.open(folder.resolve(file)))
        .orElseGet(() -> TextTokenizer.of(base));
  }

  boolean assesses(Finding finding) {
    int label = config.film().classifier().labels().indexOf(finding.label());
    return label >= 0
        && config.film().classifier().evidence().get(label) == ModelConfig.Evidence.TRAINED;
  }

  /** The classifier's word. */
  Findings findings(float[] logits) {
    ModelConfig.Classifier c = config.film().classifier();
    List<Findings.Assessment> all = new ArrayList<>();
    for (Finding finding : Finding.ALL) {
      if (assesses(finding)) {
        int label = c.labels().indexOf(finding.label());
        double probability = 1 / (1 + Math.exp(-logits[label]));
        double threshold = c.thresholds().get(label);
        all.add(
            new Findings.Assessment(
                finding,
                probability > threshold ? Findings.State.PRESENT : Findings.State.ABSENT,
                OptionalDouble.of(probability),
                OptionalDouble.of(threshold),
                false));
      } else {
        all.add(
            new Findings.Assessment(
                finding,
                Findings.State.NOT_ASSESSED,
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                false));
      }
    }
    return new Findings(all);
  }

  private Set<Integer> ends(TextTokenizer text) {
    int[] end = text.encode(prompts().endToken(), true);
    if (end.length != 1) {
      throw new RadialogException(
          "the end token "
              + prompts().endToken()
              + " of the prompt format "
              + prompts().id()
              + " is "
              + end.length
              + " tokens in the vocabulary of "
              + config.language().weights()
              + ", expected one; the language model and the prompt do not belong together");
    }
    return Set.of(end[0]);
  }

  private static String fileName(ModelConfig config) {
    return config.id().replaceAll("[^A-Za-z0-9._-]", "_");
  }

  // The digests say what the weights are, without reading them; `verify` holds the files to them.
  private static String key(ModelConfig config, Options.Control control) {
    return config.files().stream()
        .map(ModelConfig.FileEntry::sha256)
        .sorted()
        .collect(Collectors.joining(" ", control + " ", ""));
  }

  private static <T> Future<T> inBackground(String name, Callable<T> work) {
    FutureTask<T> task = new FutureTask<>(work);
    Thread.ofPlatform().daemon().name("radialog-load-" + name).start(task);
    return task;
  }

  private interface Closing<T> {
    void close(T part);
  }

  // A part that never came up has nothing to free.
  private static <T> void settle(Future<T> part, Closing<T> closing) {
    Waiting.forCompletion(part);
    if (part.state() == Future.State.SUCCESS) {
      closing.close(part.resultNow());
    }
  }
}
