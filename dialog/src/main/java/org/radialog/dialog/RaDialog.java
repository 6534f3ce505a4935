package org.radialog.dialog;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.WorkInterrupted;
import org.radialog.clinical.Finding;
import org.radialog.codecs.ImageRefused;
import org.radialog.imaging.DicomRecipe;
import org.radialog.imaging.Guard;
import org.radialog.language.Llama;
import org.radialog.language.LlamaLoading;
import org.radialog.language.Precision;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelFolder;
import org.radialog.published.ModelImport;
import org.radialog.text.TextTokenizer;
import org.radialog.torch.NativeLibraries;
import org.radialog.weights.Checkpoint;

/**
 * A loaded RaDialog model, the entry point of the library.
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
 * <p>Thread-safe: any number of dialogs may run at once. Closing the model closes them all.
 *
 * <p>The quantised decode steps, which are the fastest, use the Vector API of the JDK, so a program
 * should be started with {@code --add-modules jdk.incubator.vector}. Without it, a model for which
 * no precision was chosen decodes in bf16 through libtorch, about six times slower (see {@link
 * #precision}), and int8 and int4 are refused with a one-line message.
 *
 * <p>On the module path the library is a set of automatic modules, {@code radialog.dialog} for this
 * package; start the program with {@code --add-modules jdk.incubator.vector,ALL-MODULE-PATH}. The
 * library prints nothing. Its dependencies log through SLF4J, whose provider the program chooses.
 *
 * <p>No argument of the library may be null; otherwise a {@link NullPointerException} names the
 * argument.
 */
public final class RaDialog implements AutoCloseable {
  private static final List<String> LIBRARIES =
      List.of("tools.jackson.databind", "org.bytedeco.pytorch", "org.bytedeco.openblas");

  private final ModelConfig config;
  private final LoadedModel loaded;
  private final Set<AutoCloseable> dialogs = ConcurrentHashMap.newKeySet();
  private boolean closed; // guarded by this
  private boolean freed; // guarded by this

  private RaDialog(LoadedModel loaded) {
    this.config = loaded.config();
    this.loaded = loaded;
  }

  /**
   * Opens a model folder with {@link Options#DEFAULT}.
   *
   * @throws RadialogException if the folder is not a model, is damaged, or has a newer format
   */
  public static RaDialog load(Path folder) {
    return load(folder, Options.DEFAULT);
  }

  /**
   * Opens a model folder. Config, sizes and headers of the weights are checked here. The networks
   * are then built in parallel on other threads; a fault inside a file is reported by the first
   * call that needs it, or by {@link #ready}.
   *
   * @throws RadialogException if the folder is not a model, is damaged, or has a newer format, or
   *     if it needs the Vector API and the process does not have it
   * @throws WorkInterrupted if the thread is interrupted; its interrupted status stays set and
   *     nothing is left open
   */
  public static RaDialog load(Path folder, Options options) {
    Objects.requireNonNull(folder, "folder");
    Objects.requireNonNull(options, "options");
    requireLibraries();
    NativeLibraries.unpack();
    try {
      return new RaDialog(LoadedModel.open(folder, options));
    } catch (RadialogException e) {
      throw WorkInterrupted.behind(e, "loading " + folder)
          .map(RadialogException.class::cast)
          .orElse(e);
    }
  }

  // Our jars are automatic modules: they need other modules, but cannot declare them.
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

  /** {@link #verify(Path, Options)} without a cache. */
  public static Verification verify(Path folder) {
    return verify(folder, Options.DEFAULT);
  }

  /**
   * Checks a model folder: its config and sizes, the digests of its files, that the packed weights
   * in the folder and in the cache of {@code options} match its files, and that the fp32 outputs of
   * its self test agree within 1e-4.
   */
  public static Verification verify(Path folder, Options options) {
    Objects.requireNonNull(folder, "folder");
    Objects.requireNonNull(options, "options");
    List<Verification.Check> checks = new ArrayList<>();
    ModelFolder opened;
    try {
      opened = ModelFolder.open(folder);
    } catch (RadialogException e) {
      checks.add(new Verification.Check("config", false, String.valueOf(e.getMessage())));
      return new Verification(checks);
    }
    ModelConfig config = opened.config();
    checks.add(new Verification.Check("config", true, config.id() + " " + config.version()));
    List<String> damaged = opened.damaged();
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
            LanguageModel.source(folder, config, base, Optional.empty(), options));
      }
      try (TrainedWeights trained = TrainedWeights.open(folder, Optional.empty())) {
        return LanguageModel.check(
            LanguageModel.source(folder, config, base, trained.adapter(config), options));
      }
    } catch (RadialogException e) {
      return new Verification.Check("packed weights", false, e.getMessage());
    }
  }

  /**
   * The fp32 outputs of the model in {@code folder} for the film of the self test, for the config
   * of a new model folder.
   *
   * @throws RadialogException if the folder cannot be loaded
   */
  public static ModelConfig.SelfTest selfTest(Path folder) {
    Objects.requireNonNull(folder, "folder");
    ModelConfig config = ModelFolder.open(folder).config();
    if (config.vision().isEmpty()) {
      try (Checkpoint base = Checkpoint.open(folder.resolve(config.language().weights()));
          Llama llama = LlamaLoading.of(LanguageModel.weights(config, base), Precision.FP32)) {
        return SelfTestFilm.answer(llama);
      }
    }
    try (RaDialog model = load(folder, Options.DEFAULT.with(Precision.FP32))) {
      return SelfTestFilm.answer(model);
    }
  }

  /**
   * Creates a model folder from published files, packs it for this machine and runs the self test
   * before the folder gets its name.
   *
   * @return the config of the new folder
   * @throws RadialogException if the files are not a complete model, this process cannot run the
   *     precision or the folder cannot be written; then no folder is created
   */
  public static ModelConfig importFrom(ModelImport.Request request, Progress progress) {
    Objects.requireNonNull(request, "request");
    Objects.requireNonNull(progress, "progress");
    request.quantize().ifPresent(LanguageModel::requireRunnable);
    return ModelImport.run(request, RaDialog::prove, progress);
  }

  private static ModelConfig.SelfTest prove(Path folder, Progress progress) {
    LanguageModel.pack(folder, progress);
    try (Progress.Task task = progress.start("self test", 1)) {
      ModelConfig.SelfTest answer = selfTest(folder);
      task.step(folder.toString());
      return answer;
    }
  }

  /**
   * Waits until everything is loaded.
   *
   * @throws RadialogException if a file turns out to be damaged
   * @throws WorkInterrupted if the thread is interrupted; its interrupted status stays set and the
   *     model continues to load
   */
  public void ready() {
    loaded.ready();
  }

  /** The model folder's config. */
  public ModelConfig config() {
    return config;
  }

  /** The tokenizer of the language model. */
  public TextTokenizer tokenizer() {
    return loaded.tokenizer();
  }

  /** The arithmetic of a decode step of the language model. */
  public Precision precision() {
    return loaded.precision();
  }

  /**
   * Opens a dialog. Its film is read when the first answer needs it. If it is probably not a
   * frontal chest film, the dialog is opened so that the findings can be shown, but turns with text
   * are refused.
   *
   * @throws ImageRefused if the guard refuses the film or its prior
   * @throws IllegalStateException if this is closed
   */
  public Dialog open(Study study) {
    Objects.requireNonNull(study, "study");
    Guard guard = study.guard();
    DicomRecipe recipe = config.film().preprocessing().dicom();
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
   * Resumes a stored dialog ({@link Dialog#conversation}), for example after a restart. If the
   * decode steps are quantised and the conversation has its tokens, the next answer is
   * bit-identical to that of a dialog that was never closed.
   *
   * @throws ImageRefused if the guard refuses the film or its prior
   * @throws RadialogException if the conversation belongs to another model, or is too long for this
   *     one
   * @throws IllegalStateException if this is closed
   */
  public Dialog open(Study study, Conversation conversation) {
    Objects.requireNonNull(conversation, "conversation");
    Dialog dialog = open(study);
    try {
      dialog.resume(conversation);
      return dialog;
    } catch (RuntimeException | Error e) {
      dialog.close();
      throw e;
    }
  }

  /**
   * Opens a conversation without a film, in which {@code said} was said before.
   *
   * @throws RadialogException if it is too long for this model
   * @throws IllegalStateException if this is closed
   */
  public TextDialog openWithoutFilm(List<TextDialog.Exchange> said) {
    Objects.requireNonNull(said, "said");
    TextDialog dialog;
    synchronized (this) {
      if (closed) {
        throw new IllegalStateException("this model is closed");
      }
      dialog = new TextDialog(this);
      dialogs.add(dialog);
    }
    try {
      dialog.resume(said);
      return dialog;
    } catch (RuntimeException | Error e) {
      dialog.close();
      throw e;
    }
  }

  /**
   * Closes all dialogs, then frees the model. Like {@link Dialog#close}, it does not wait for
   * listeners: if a listener is in the middle of a turn, the model is freed at the end of that
   * turn.
   */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    for (AutoCloseable dialog : List.copyOf(dialogs)) {
      switch (dialog) {
        case Dialog ofFilm -> ofFilm.close();
        case TextDialog ofText -> ofText.close();
        default -> throw new IllegalStateException("unknown dialog " + dialog);
      }
    }
    freeWhereUnused();
  }

  private void freeWhereUnused() {
    synchronized (this) {
      if (!closed || freed || !dialogs.isEmpty()) {
        return;
      }
      freed = true;
    }
    loaded.close();
  }

  // ---- for dialogs

  void closed(AutoCloseable dialog) {
    dialogs.remove(dialog);
    freeWhereUnused();
  }

  /** The parts that dialogs share. */
  public LoadedModel loaded() {
    return loaded;
  }

  boolean assesses(Finding finding) {
    return switch (config.film().classifier().evidence(finding.label())) {
      case TRAINED -> true;
      case WEAK, UNTRAINED -> false;
    };
  }

  /** The findings of the classifier, label by label. */
  Findings findings(float[] logits) {
    ModelConfig.Classifier c = config.film().classifier();
    List<Findings.Assessment> all = new ArrayList<>();
    for (Finding finding : Finding.ALL) {
      Findings.Grounds grounds = Findings.Grounds.of(c, finding);
      if (assesses(finding)) {
        int label = c.labels().indexOf(finding.label());
        double probability = 1 / (1 + Math.exp(-logits[label]));
        double threshold = c.thresholds().get(label);
        OptionalDouble possible =
            c.possible()
                .map(each -> OptionalDouble.of(each.get(label)))
                .orElse(OptionalDouble.empty());
        all.add(Findings.Assessment.of(finding, probability, threshold, possible).on(grounds));
      } else {
        all.add(Findings.Assessment.unknown(finding).on(grounds));
      }
    }
    return new Findings(all);
  }
}
