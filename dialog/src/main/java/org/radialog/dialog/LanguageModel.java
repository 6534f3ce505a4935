package org.radialog.dialog;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.WholeFile;
import org.radialog.kernels.PackedMatrix;
import org.radialog.kernels.VectorApi;
import org.radialog.language.LanguageDecoder;
import org.radialog.language.LanguageNetwork;
import org.radialog.language.Llama;
import org.radialog.language.LlamaConfig;
import org.radialog.language.LlamaDecoder;
import org.radialog.language.LlamaLinear;
import org.radialog.language.LlamaLoading;
import org.radialog.language.LlamaWeights;
import org.radialog.language.LoraAdapter;
import org.radialog.language.LoraConfig;
import org.radialog.language.Precision;
import org.radialog.published.FileDigests;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelFolder;
import org.radialog.torch.NativeLibraries;
import org.radialog.weights.Checkpoint;

/**
 * The language model: libtorch for prompts and, where the precision is quantised, plain Java for
 * the steps.
 */
public final class LanguageModel implements AutoCloseable {
  private final Llama llama;
  private final Optional<LlamaDecoder> quantised;
  private final Optional<Thread> warming;
  private final Optional<Checkpoint> base; // closed with this

  private LanguageModel(
      Llama llama,
      Optional<LlamaDecoder> quantised,
      Optional<Thread> warming,
      Optional<Checkpoint> base) {
    this.llama = llama;
    this.quantised = quantised;
    this.warming = warming;
    this.base = base;
  }

  /**
   * The language model of a folder, which may contain only a language model, without its adapter.
   *
   * @throws RadialogException if the folder is not a model, or is damaged
   */
  public static LanguageModel open(Path folder, Options options) {
    NativeLibraries.unpack();
    ModelConfig config = ModelFolder.open(folder).config();
    Checkpoint base = Checkpoint.open(folder.resolve(config.language().weights()));
    try {
      LanguageModel model =
          load(source(folder, config, base, Optional.empty(), options), precision(config, options));
      return new LanguageModel(model.llama, model.quantised, model.warming, Optional.of(base));
    } catch (RuntimeException | Error e) {
      base.close();
      throw e;
    }
  }

  /**
   * A language model of weights that are in no model folder.
   *
   * @param name of the weights; those of one name are the same
   * @param weights stay open as long as the model is used
   * @param precision {@code INT8} or {@code INT4}
   * @param folder for the packed weights, which are generated if they are missing
   * @throws RadialogException if the folder cannot be written
   */
  public static LanguageModel of(
      String name, LlamaWeights weights, Precision precision, Path folder) {
    return load(
        new Source(name, name, () -> name, weights, Optional.empty(), folder, Optional.of(folder)),
        precision);
  }

  /** The folder of packed weights within a model folder. */
  static final String PACKED = "packed";

  // Bytes of bf16 matrices that prefill may keep in addition to the packed ones.
  private static final long HELD = 1L << 30;

  /**
   * The source of the language model.
   *
   * @param name of the model, used for its files in a cache
   * @param claimed a key for the content of the weights, as stated by the model folder
   * @param key the same key computed from the files, which takes time
   * @param packed folder of the model that may contain packed weights, never written here: they
   *     belong to the content that the folder states
   * @param cache for packed weights, if any: they are used only if {@code key} matches
   */
  record Source(
      String name,
      String claimed,
      Supplier<String> key,
      LlamaWeights weights,
      Optional<LoraAdapter> adapter,
      Path packed,
      Optional<Path> cache) {
    /** The file name of packed weights. */
    String file(Precision precision) {
      return switch (precision) {
        case INT8, INT4 -> name + "-" + precision.label() + ".packed";
        case FP32, BF16 -> name + "-" + precision.label() + ".safetensors";
      };
    }

    // Rounding to 4 bits would lose an adapter, so it is applied separately; 8 bits preserve it.
    boolean merged(Precision precision) {
      return precision != Precision.INT4;
    }

    String mark(String content, Precision precision) {
      return content + (adapter.isEmpty() ? "" : merged(precision) ? " merged" : " beside");
    }
  }

  static LanguageModel load(Source source, Precision precision) {
    return switch (precision) {
      case FP32, BF16 ->
          new LanguageModel(
              prefill(source, precision), Optional.empty(), Optional.empty(), Optional.empty());
      case INT8, INT4 -> {
        // The kernels are compiled while the weights for prefill are still being read.
        LlamaDecoder decoder = quantised(source, precision);
        Thread warming =
            Thread.ofPlatform().daemon().name("radialog-warm-up").start(decoder::warmUp);
        try {
          yield new LanguageModel(
              matrixBytes(source.weights.config(), Precision.BF16) > HELD
                  ? LlamaLoading.over(decoder)
                  : prefill(source, Precision.BF16),
              Optional.of(decoder),
              Optional.of(warming),
              Optional.empty());
        } catch (RuntimeException | Error e) {
          end(decoder, warming);
          throw e;
        }
      }
    };
  }

  static LlamaWeights weights(ModelConfig config, Checkpoint base) {
    return config
        .language()
        .network()
        .map(network -> LlamaWeights.of(network, base))
        .orElseGet(() -> LlamaWeights.of(base));
  }

  private static String fileName(ModelConfig config) {
    return config.id().replaceAll("[^A-Za-z0-9._-]", "_");
  }

  /**
   * Of the model in {@code folder}, whose weights {@code base} holds.
   *
   * @param own adapter of the model, if it has one
   */
  static Source source(
      Path folder,
      ModelConfig config,
      Checkpoint base,
      Optional<LoraAdapter> own,
      Options options) {
    Optional<LoraAdapter> adapter = own.map(options.decorator()::adapter);
    List<ModelConfig.FileEntry> files =
        config.files().stream()
            .filter(file ->
                file.path().equals(config.language().weights())
                    || (adapter.isPresent() && file.path().equals(ModelConfig.TRAINED)))
            .sorted(Comparator.comparing(ModelConfig.FileEntry::path))
            .toList();
    String settings =
        adapter.map(LoraAdapter::config).map(LanguageModel::settings).orElse("")
            + (adapter.equals(own) ? "" : " of " + options.decorator().id());
    var key =
        new FutureTask<>(() ->
            String.join(
                " ",
                FileDigests.of(
                    files.stream().map(file -> folder.resolve(file.path())).toList(),
                    options.cache())));
    return new Source(
        fileName(config),
        files.stream().map(ModelConfig.FileEntry::sha256).collect(Collectors.joining(" "))
            + settings,
        () -> {
          key.run(); // the first time
          return Waiting.forResult(key) + settings;
        },
        weights(config, base),
        adapter,
        folder.resolve(PACKED),
        options.cache());
  }

  private static String settings(LoraConfig adapter) {
    return " r %d alpha %s %s"
        .formatted(adapter.r(), adapter.alpha(), new TreeSet<>(adapter.targets()));
  }

  /** The precision with which the model of a folder is loaded. */
  static Precision precision(ModelConfig config, Options options) {
    Precision precision =
        options
            .precision()
            .or(() -> config.language().precision())
            .orElseGet(LanguageModel::fastest);
    requireRunnable(precision);
    return precision;
  }

  /**
   * Packs the language model of a folder for the vector size of this machine, if its precision is
   * quantised, into the folder itself, so that a start can map it. A machine with another vector
   * size makes its own copy in its cache.
   *
   * @throws RadialogException if the folder cannot be loaded or written
   */
  static void pack(Path folder, Progress progress) {
    ModelConfig config = ModelFolder.open(folder).config();
    Precision precision = config.language().precision().orElse(Precision.BF16);
    if (precision != Precision.INT8 && precision != Precision.INT4) {
      return;
    }
    requireRunnable(precision);
    try (Checkpoint base = Checkpoint.open(folder.resolve(config.language().weights()));
        Progress.Task task = progress.start("packed weights", 1)) {
      Source source = source(folder, config, base, Optional.empty(), Options.DEFAULT);
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

  // All matrices except the embedding table, of which a step reads one row.
  private static long matrixBytes(LlamaConfig c, Precision precision) {
    long values = (long) c.vocab() * c.hidden();
    for (LlamaLinear linear : LlamaLinear.values()) {
      values += (long) c.layers() * linear.rows(c) * linear.columns(c);
    }
    return values * (precision == Precision.FP32 ? Float.BYTES : Short.BYTES);
  }

  /**
   * The fastest precision of decode steps on this CPU: quantised if it has suitable vector
   * instructions and this process has the Vector API.
   */
  static Precision fastest() {
    return VectorApi.present() && PackedMatrix.VECTOR_BYTES >= 32 ? Precision.INT8 : Precision.BF16;
  }

  /**
   * Refuses a precision whose kernels this process cannot run.
   *
   * @throws RadialogException if it is quantised and the process does not have the Vector API
   */
  static void requireRunnable(Precision precision) {
    switch (precision) {
      case FP32, BF16 -> {}
      case INT8, INT4 -> VectorApi.require("the precision " + precision.label());
    }
  }

  /** The network for prefill. */
  Llama llama() {
    return llama;
  }

  /** Multiplications per prompt token, without attention and head. */
  public long multiplications() {
    LlamaConfig c = llama.config();
    long all = 0;
    for (LlamaLinear linear : LlamaLinear.values()) {
      all += (long) c.layers() * linear.rows(c) * linear.columns(c);
    }
    return all;
  }

  /** Bytes of weights that a decode step reads. */
  public long weightBytes() {
    return quantised
        .map(LlamaDecoder::weightBytes)
        .orElseGet(() -> matrixBytes(llama.config(), llama.precision()));
  }

  /** The network for prefill and decode steps. */
  public LanguageNetwork network() {
    return quantised.isPresent() ? LanguageNetwork.of(llama, quantised.get()) : llama;
  }

  /** The decoder. */
  LanguageDecoder decoder() {
    return quantised.isPresent() ? quantised.get() : llama;
  }

  private static LlamaDecoder quantised(Source source, Precision precision) {
    Optional<LlamaDecoder> shipped =
        packed(source, source.packed, source.mark(source.claimed, precision), precision);
    if (shipped.isPresent()) {
      return shipped.get();
    }
    if (source.cache.isPresent()) {
      Path cache = source.cache.get();
      String mark = source.mark(source.key.get(), precision);
      Optional<LlamaDecoder> kept = packed(source, cache, mark, precision);
      if (kept.isPresent()) {
        return kept.get();
      }
      WholeFile.sweep(cache);
      try {
        LlamaDecoder.pack(
            cache.resolve(source.file(precision)),
            mark,
            source.weights,
            source.adapter,
            source.merged(precision),
            precision);
      } catch (RadialogException e) {
        // If the cache cannot be written (full, read-only), every start is slower, but works.
      }
      Optional<LlamaDecoder> written = packed(source, cache, mark, precision);
      if (written.isPresent()) {
        return written.get();
      }
    }
    return LlamaDecoder.of(source.weights, source.adapter, source.merged(precision), precision);
  }

  private static Optional<LlamaDecoder> packed(
      Source source, Path folder, String mark, Precision precision) {
    return LlamaDecoder.packed(
        folder.resolve(source.file(precision)), mark, source.weights, precision);
  }

  // Unpacked and merged weights are stored in the cache, so that the next start can map them.
  private static Llama prefill(Source source, Precision precision) {
    if (source.cache.isEmpty()) {
      return LlamaLoading.of(source.weights, source.adapter, precision);
    }
    Path file = source.cache.get().resolve(source.file(precision));
    Optional<Llama> packed = packed(source, precision, file);
    return packed.orElseGet(() -> {
      Llama llama = LlamaLoading.of(source.weights, source.adapter, precision);
      WholeFile.sweep(source.cache.get());
      try {
        LlamaLoading.pack(llama, file, source.key);
      } catch (RadialogException e) {
        // If the cache cannot be written (full, read-only), the next start is slower, but works.
      }
      return llama;
    });
  }

  private static Optional<Llama> packed(Source source, Precision precision, Path file) {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      return LlamaLoading.packed(file, source.key.get(), source.weights, precision);
    } catch (RadialogException e) {
      return Optional.empty(); // damaged: it will be rebuilt
    }
  }

  /**
   * Checks that the packed weights that a start would use match the model files: weights in groups
   * are packed again and compared, the others are compared with the checksums from when they were
   * made from these files.
   */
  static Verification.Check check(Source source) {
    List<Path> folders =
        Stream.concat(Stream.of(source.packed), source.cache.stream()).distinct().toList();
    List<String> faults = new ArrayList<>();
    int same = 0;
    for (Path folder : folders) {
      for (Precision precision : Precision.values()) {
        Path file = folder.resolve(source.file(precision));
        if (Files.exists(file)) {
          try {
            same += same(source, file, precision) ? 1 : 0;
          } catch (RadialogException e) {
            faults.add(e.getMessage());
          }
        }
      }
    }
    return new Verification.Check(
        "packed weights",
        faults.isEmpty(),
        faults.isEmpty()
            ? same == 0
                ? "none are stored for this machine"
                : same + (same == 1 ? " file matches" : " files match") + " the model files"
            : String.join("; ", faults));
  }

  // Returns false if the file belongs to another model, which a start would not use.
  private static boolean same(Source source, Path file, Precision precision) {
    return switch (precision) {
      case INT8, INT4 -> {
        Optional<Boolean> equal =
            LlamaDecoder.equal(
                file,
                source.mark(source.key.get(), precision),
                source.weights,
                source.adapter,
                source.merged(precision),
                precision);
        if (equal.equals(Optional.of(false))) {
          throw new RadialogException(
              Kind.REFUSED_WEIGHTS,
              "the packed weights " + file + " do not match the model files; delete the file");
        }
        yield equal.isPresent();
      }
      case FP32, BF16 -> {
        Optional<Llama> packed =
            LlamaLoading.packed(file, source.key.get(), source.weights, precision);
        packed.ifPresent(Llama::close);
        yield packed.isPresent();
      }
    };
  }

  private static void end(LlamaDecoder decoder, Thread warming) {
    decoder.endWarmUp();
    boolean interrupted = false;
    while (warming.isAlive()) {
      try {
        warming.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    decoder.close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    llama.close();
    if (quantised.isPresent() && warming.isPresent()) {
      end(quantised.get(), warming.get());
    }
    base.ifPresent(Checkpoint::close);
  }
}
