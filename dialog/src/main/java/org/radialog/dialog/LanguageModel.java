package org.radialog.dialog;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.radialog.base.RadialogException;
import org.radialog.model.LanguageDecoder;
import org.radialog.model.Llama;
import org.radialog.model.LlamaWeights;
import org.radialog.model.LoraAdapter;
import org.radialog.model.Precision;

/** The language model as libtorch runs it. */
record LanguageModel(Llama llama) implements AutoCloseable {
  /**
   * What the language model is made of.
   *
   * @param name of the model, which names its files in a cache
   * @param key tells one content of the weights from another
   * @param cache for packed weights, if any
   */
  record Source(
      String name,
      String key,
      LlamaWeights weights,
      Optional<LoraAdapter> adapter,
      Optional<Path> cache) {}

  static LanguageModel load(Source source, Precision precision) {
    return switch (precision) {
      case FP32, BF16 -> new LanguageModel(prefill(source, precision));
      case INT8, INT4 ->
          throw new RadialogException(
              "the precision " + precision.label() + " has no decoder yet; take bf16 or fp32");
    };
  }

  /** What makes the steps. */
  LanguageDecoder decoder() {
    return llama;
  }

  // Unpacked and merged weights are kept in the cache: the next start maps them.
  private static Llama prefill(Source source, Precision precision) {
    if (source.cache.isEmpty()) {
      return unpacked(source, precision);
    }
    Path file = source.cache.get().resolve(source.name + "-" + precision.label() + ".safetensors");
    Optional<Llama> packed = packed(source, precision, file);
    return packed.orElseGet(() -> {
      Llama llama = unpacked(source, precision);
      try {
        llama.pack(file, source.key);
      } catch (RadialogException e) {
        // A cache that cannot be written (full, read-only) makes the next start slower, no more.
      }
      return llama;
    });
  }

  private static Optional<Llama> packed(Source source, Precision precision, Path file) {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      return Llama.packed(file, source.key, source.weights, precision);
    } catch (RadialogException e) {
      return Optional.empty(); // damaged: about to be written anew
    }
  }

  private static Llama unpacked(Source source, Precision precision) {
    return source
        .adapter
        .map(adapter -> Llama.merged(source.weights, adapter, precision))
        .orElseGet(() -> Llama.of(source.weights, precision));
  }

  @Override
  public void close() {
    llama.close();
  }
}
