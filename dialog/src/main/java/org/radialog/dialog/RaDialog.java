package org.radialog.dialog;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.WorkInterrupted;
import org.radialog.clinical.Finding;
import org.radialog.clinical.PromptFormat;
import org.radialog.codecs.ImageRefused;
import org.radialog.imaging.DicomRecipe;
import org.radialog.imaging.Guard;
import org.radialog.language.Llama;
import org.radialog.language.LlamaDecoder;
import org.radialog.language.LlamaWeights;
import org.radialog.language.LoraAdapter;
import org.radialog.language.LoraConfig;
import org.radialog.language.Precision;
import org.radialog.published.FileDigests;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelImport;
import org.radialog.text.TextTokenizer;
import org.radialog.torch.NativeLibraries;
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
 *
 * <p>The quantised steps, the fastest, run on the JDK's Vector API: a program starts with {@code
 * --add-modules jdk.incubator.vector}. Without it a model whose precision nobody chose talks in
 * bf16 through libtorch, some six times slower ({@link #precision} tells), and int8 or int4 are
 * refused in one line.
 *
 * <p>On the module path the library is a set of automatic modules, {@code radialog.dialog} for this
 * package; its program starts with {@code --add-modules jdk.incubator.vector,ALL-MODULE-PATH}. The
 * library prints nothing; what it uses logs through SLF4J, whose provider is the program's choice.
 *
 * <p>No argument of the library may be null; {@link NullPointerException} names one that is.
 */
public final class RaDialog implements AutoCloseable {
  private static final List<String> LIBRARIES =
      List.of("tools.jackson.databind", "org.bytedeco.pytorch", "org.bytedeco.openblas");

  /** The folder of packed weights in a model folder. */
  static final String PACKED = "packed";

  private final ModelConfig config;
  private final Precision precision;
  private final int positions;
  private final Checkpoint base;
  private final TrainedWeights trained;
  private final Optional<Checkpoint> embeddings;
  private final FilmReader films;
  private final Future<TextTokenizer> tokenizer;
  private final Future<LanguageModel> language;
  private final Future<Engine> engine;
  private final Set<Dialog> dialogs = ConcurrentHashMap.newKeySet();
  private boolean closed; // guarded by this
  private boolean freed; // guarded by this

  private RaDialog(
      Path folder, ModelConfig config, Options options, Checkpoint base, TrainedWeights trained) {
    this.config = config;
    this.precision = precision(config, options);
    this.base = base;
    this.trained = trained;
    LlamaWeights weights = weights(config, base);
    this.positions = weights.config().maxPositions();
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
        source(folder, config, weights, trained.adapter(config, options.control()), options);
    this.language = inBackground("language", () -> LanguageModel.load(source, precision));
    this.engine =
        inBackground(
            "engine",
            () -> {
              TextTokenizer text = Waiting.forResult(tokenizer);
              LanguageModel model = Waiting.forResult(language);
              return new Engine(model.network(), text, ends(text), options.limits());
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
   * @throws RadialogException if the folder is not a model, is damaged, or of a newer format, or if
   *     it needs the Vector API and the process has none
   * @throws WorkInterrupted if the thread is interrupted, which it then stays; nothing is left open
   */
  public static RaDialog load(Path folder, Options options) {
    Objects.requireNonNull(folder, "folder");
    Objects.requireNonNull(options, "options");
    requireLibraries();
    NativeLibraries.unpack();
    try {
      return opened(folder, options);
    } catch (RadialogException e) {
      throw WorkInterrupted.behind(e, "loading " + folder)
          .map(RadialogException.class::cast)
          .orElse(e);
    }
  }

  // Our jars are automatic modules: they need others, and cannot say so to the module system.
  private static void requireLibraries() {
    if (!RaDialog.class.getModule().isNamed()) {
      return;
    }
    for (String library : LIBRARIES) {
      if (ModuleLayer.boot().findModule(library).isEmpty()) {
        throw new RadialogException(
            "the module "
                + library
                + " was not resolved: on the module path start java with --add-modules"
                + " jdk.incubator.vector,ALL-MODULE-PATH");
      }
    }
  }

  private static RaDialog opened(Path folder, Options options) {
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

  /** {@link #verify(Path, Options)} without a cache. */
  public static Verification verify(Path folder) {
    return verify(folder, Options.DEFAULT);
  }

  /**
   * Checks a model folder: its config and sizes, the digests of its files, that packed weights in
   * it and in the cache of {@code options} are what its files say, and in fp32 the answers of its
   * self test within 1e-4.
   */
  public static Verification verify(Path folder, Options options) {
    Objects.requireNonNull(folder, "folder");
    Objects.requireNonNull(options, "options");
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
    checks.add(packed(folder, config, options));
    checks.add(SelfTestFilm.check(folder, config));
    return new Verification(checks);
  }

  private static Verification.Check packed(Path folder, ModelConfig config, Options options) {
    try (Checkpoint base = Checkpoint.open(folder.resolve(config.language().weights()))) {
      if (config.language().adapter().isEmpty()) {
        return LanguageModel.check(
            source(folder, config, weights(config, base), Optional.empty(), options));
      }
      try (TrainedWeights trained = TrainedWeights.open(folder)) {
        return LanguageModel.check(
            source(
                folder,
                config,
                weights(config, base),
                trained.adapter(config, Options.Control.NONE),
                options));
      }
    } catch (RadialogException e) {
      return new Verification.Check("packed weights", false, e.getMessage());
    }
  }

  /**
   * What the model of {@code folder} answers in fp32 to the film of the self test: for the config
   * of a new model folder.
   *
   * @throws RadialogException if the folder cannot be loaded
   */
  public static ModelConfig.SelfTest selfTest(Path folder) {
    Objects.requireNonNull(folder, "folder");
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

  /**
   * Makes a model folder from published files: packs it for this machine and asks it the question
   * of the self test before the folder takes its name.
   *
   * @return the config of the new folder
   * @throws RadialogException if the files are no whole model, this process cannot run the
   *     precision or the folder cannot be written; then there is no folder
   */
  public static ModelConfig importFrom(ModelImport.Request request, Progress progress) {
    Objects.requireNonNull(request, "request");
    Objects.requireNonNull(progress, "progress");
    request.quantize().ifPresent(LanguageModel::requireRunnable);
    return ModelImport.run(request, RaDialog::prove, progress);
  }

  private static ModelConfig.SelfTest prove(Path folder, Progress progress) {
    pack(folder, progress);
    try (Progress.Task task = progress.start("self test", 1)) {
      ModelConfig.SelfTest answer = selfTest(folder);
      task.step(folder.toString());
      return answer;
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
    NativeLibraries.unpack();
    ModelConfig config = ModelConfig.read(folder);
    Checkpoint base = Checkpoint.open(folder.resolve(config.language().weights()));
    try {
      LanguageModel.Source source =
          source(folder, config, weights(config, base), Optional.empty(), options);
      return new LanguageAlone(base, LanguageModel.load(source, precision(config, options)));
    } catch (RuntimeException | Error e) {
      base.close();
      throw e;
    }
  }

  private static Precision precision(ModelConfig config, Options options) {
    Precision precision =
        options
            .precision()
            .or(() -> config.language().precision())
            .orElseGet(LanguageModel::fastest);
    LanguageModel.requireRunnable(precision);
    return precision;
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
    LanguageModel.requireRunnable(precision);
    try (Checkpoint base = Checkpoint.open(folder.resolve(config.language().weights()));
        Progress.Task task = progress.start("packed weights", 1)) {
      LanguageModel.Source source =
          source(folder, config, weights(config, base), Optional.empty(), Options.DEFAULT);
      LlamaDecoder.pack(
          folder.resolve(PACKED).resolve(source.file(precision)),
          source.mark(source.claimed(), precision),
          source.weights(),
          source.adapter(),
          source.merged(precision),
          precision);
      task.step(precision.label());
    }
  }

  /**
   * Waits until everything is loaded.
   *
   * @throws RadialogException if a file turns out to be damaged
   * @throws WorkInterrupted if the thread is interrupted, which it then stays; the model goes on
   *     loading
   */
  public void ready() {
    Waiting.interruptibly(films.networks(), "waiting for the model");
    Waiting.interruptibly(engine, "waiting for the model");
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
   * Begins a dialog. Its film is looked at when the first answer needs it. What is probably no
   * frontal chest film opens, so that its findings can be looked at; a turn with text on it is
   * refused.
   *
   * @throws ImageRefused if the guard refuses the film or its prior
   * @throws IllegalStateException if this is closed
   */
  public Dialog open(Study study) {
    Objects.requireNonNull(study, "study");
    Guard guard = study.guard();
    DicomRecipe recipe = DicomRecipe.of(config.film().preprocessing().dicom().text());
    List<Guard.Warning> ofFilm = guard.check(study.film(), recipe);
    List<Guard.Warning> ofPrior =
        study.prior().map(prior -> guard.check(prior, recipe)).orElse(List.of());
    Dialog dialog = new Dialog(this, study, ofFilm, ofPrior);
    synchronized (this) {
      if (closed) {
        throw new IllegalStateException("this model is closed");
      }
      dialogs.add(dialog);
    }
    return dialog;
  }

  /**
   * Closes all dialogs, then frees the model. As {@link Dialog#close} it waits for no listener:
   * where one is in the middle of a turn, the model is freed at that turn's end.
   */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    List.copyOf(dialogs).forEach(Dialog::close);
    freeWhereUnused();
  }

  private void freeWhereUnused() {
    synchronized (this) {
      if (!closed || freed || !dialogs.isEmpty()) {
        return;
      }
      freed = true;
    }
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
    freeWhereUnused();
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

  /** Tokens that the language model can look at together. */
  int positions() {
    return positions;
  }

  PromptFormat prompts() {
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

  /** The classifier's word, label by label. */
  Findings findings(float[] logits) {
    ModelConfig.Classifier c = config.film().classifier();
    List<Findings.Assessment> all = new ArrayList<>();
    for (Finding finding : Finding.ALL) {
      if (assesses(finding)) {
        int label = c.labels().indexOf(finding.label());
        double probability = 1 / (1 + Math.exp(-logits[label]));
        double threshold = c.thresholds().get(label);
        all.add(Findings.Assessment.of(finding, probability, threshold, OptionalDouble.empty()));
      } else {
        all.add(Findings.Assessment.unknown(finding));
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

  private static LanguageModel.Source source(
      Path folder,
      ModelConfig config,
      LlamaWeights weights,
      Optional<LoraAdapter> adapter,
      Options options) {
    List<ModelConfig.FileEntry> files =
        config.files().stream()
            .filter(file ->
                file.path().equals(config.language().weights())
                    || (adapter.isPresent() && file.path().equals(ModelConfig.TRAINED)))
            .sorted(Comparator.comparing(ModelConfig.FileEntry::path))
            .toList();
    String settings =
        adapter.map(LoraAdapter::config).map(RaDialog::settings).orElse("")
            + (options.control() == Options.Control.RANDOM_ADAPTER ? " at random" : "");
    var key =
        new FutureTask<>(() ->
            String.join(
                " ",
                FileDigests.of(
                    files.stream().map(file -> folder.resolve(file.path())).toList(),
                    options.cache())));
    return new LanguageModel.Source(
        fileName(config),
        files.stream().map(ModelConfig.FileEntry::sha256).collect(Collectors.joining(" "))
            + settings,
        () -> {
          key.run(); // the first time
          return Waiting.forResult(key) + settings;
        },
        weights,
        adapter,
        folder.resolve(PACKED),
        options.cache());
  }

  private static String settings(LoraConfig adapter) {
    return " r %d alpha %s %s"
        .formatted(adapter.r(), adapter.alpha(), new TreeSet<>(adapter.targets()));
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
