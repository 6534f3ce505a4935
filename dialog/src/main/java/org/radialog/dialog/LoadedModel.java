package org.radialog.dialog;

import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.RadialogException;
import org.radialog.clinical.PromptFormat;
import org.radialog.imaging.Radiograph;
import org.radialog.language.LlamaConfig;
import org.radialog.language.LlamaInput;
import org.radialog.language.Precision;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelFolder;
import org.radialog.text.TextTokenizer;
import org.radialog.torch.Bf16;
import org.radialog.weights.Checkpoint;

/**
 * The parts of a model folder in memory: film reader, tokenizer, language model and engine, with
 * their files. Each is built on a separate thread and waited for when it is requested. The dialogs
 * of a {@link RaDialog} share them; code that measures or scores a model accesses them here.
 */
public final class LoadedModel implements AutoCloseable {
  private final ModelConfig config;
  private final Precision precision;
  private final int positions;
  private final Checkpoint base;
  private final TrainedWeights trained;
  private final AlignmentInput input;
  private final FilmReader films;
  private final Future<TextTokenizer> tokenizer;
  private final Future<LanguageModel> language;
  private final Future<Engine> engine;

  private LoadedModel(
      Path folder, ModelConfig config, Options options, Checkpoint base, TrainedWeights trained) {
    this.config = config;
    this.precision = LanguageModel.precision(config, options);
    this.base = base;
    this.trained = trained;
    LlamaConfig network = LanguageModel.weights(config, base).config();
    this.positions = network.maxPositions();
    this.input = AlignmentInput.open(config.film().alignment().input(), folder, config.id());
    // In parallel: a film can be read while the language model is still being unpacked.
    this.films =
        new FilmReader(
            config,
            input,
            () -> {
              // Asked here, in its own thread: the answer has to wait for libtorch.
              ScalarType type = precision == Precision.FP32 ? ScalarType.Float : Bf16.orFloat();
              FilmNetworks made =
                  FilmNetworks.of(
                      config.film(), input.looks(), trained.source(), network.hidden(), type);
              trained.unload(); // the networks hold copies
              return made.with(options.decorator().alignment(made.alignment()));
            },
            precision != Precision.FP32,
            options.films());
    this.tokenizer = inBackground("tokenizer", () -> tokenizer(folder, config, base));
    LanguageModel.Source source =
        LanguageModel.source(folder, config, base, trained.adapter(config), options);
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

  // Checks the config, the sizes and the headers of the weights.
  static LoadedModel open(Path folder, Options options) {
    ModelConfig config = ModelFolder.open(folder).config();
    config.film(); // refuses a folder with only a language model
    Checkpoint base = Checkpoint.open(folder.resolve(config.language().weights()));
    try {
      TrainedWeights trained = TrainedWeights.open(folder, options.decorator().classifier());
      try {
        return new LoadedModel(folder, config, options, base, trained);
      } catch (RuntimeException | Error e) {
        trained.close();
        throw e;
      }
    } catch (RuntimeException | Error e) {
      base.close();
      throw e;
    }
  }

  private static TextTokenizer tokenizer(Path folder, ModelConfig config, Checkpoint base) {
    return config
        .language()
        .tokenizer()
        .map(file -> TextTokenizer.open(folder.resolve(file)))
        .orElseGet(() -> TextTokenizer.of(base));
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
              + ", expected one; the language model and the prompt format do not belong"
              + " together");
    }
    return Set.of(end[0]);
  }

  private static <T> Future<T> inBackground(String name, Callable<T> work) {
    FutureTask<T> task = new FutureTask<>(work);
    Thread.ofPlatform().daemon().name("radialog-load-" + name).start(task);
    return task;
  }

  /** Waits until everything is loaded, unless the thread is interrupted. */
  void ready() {
    Waiting.interruptibly(films.networks(), "waiting for the model");
    Waiting.interruptibly(engine, "waiting for the model");
  }

  /** The model folder's config. */
  public ModelConfig config() {
    return config;
  }

  /** The arithmetic of a decode step of the language model. */
  public Precision precision() {
    return precision;
  }

  FilmReader films() {
    return films;
  }

  /**
   * The image tokens of a film.
   *
   * @throws RadialogException if the model knows only films by name and not this one
   */
  public LlamaInput.Embeddings image(Radiograph film) {
    return films.read(film, Optional.empty()).image();
  }

  /** Milliseconds from pixels to findings and image tokens. */
  public double encodeMillis(Radiograph film) {
    return films.read(film, Optional.empty()).millis();
  }

  /** The tokenizer of the language model. */
  public TextTokenizer tokenizer() {
    return Waiting.forResult(tokenizer);
  }

  /** The language model; one call at a time, while no dialog runs. */
  public LanguageModel language() {
    return Waiting.forResult(language);
  }

  /** The engine that generates the text of dialogs. */
  public Engine engine() {
    return Waiting.forResult(engine);
  }

  // While the model is being loaded, no turn is in progress.
  void requireRoom() {
    if (engine.state() == Future.State.SUCCESS) {
      engine.resultNow().requireRoom();
    }
  }

  /** Number of positions of the language model. */
  public int positions() {
    return positions;
  }

  /** The prompt format that the model was trained with. */
  public PromptFormat prompts() {
    return config.language().wording();
  }

  /** Ends the engine and frees all parts that were built. */
  @Override
  public void close() {
    closePart(engine, Engine::close);
    closePart(language, LanguageModel::close);
    closePart(tokenizer, TextTokenizer::close);
    films.close();
    input.close();
    trained.close();
    base.close();
  }

  private interface Closing<T> {
    void close(T part);
  }

  // Waits for the part; one that never came up has nothing to free.
  private static <T> void closePart(Future<T> part, Closing<T> closing) {
    Waiting.forCompletion(part);
    if (part.state() == Future.State.SUCCESS) {
      closing.close(part.resultNow());
    }
  }
}
