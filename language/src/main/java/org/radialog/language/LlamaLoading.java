package org.radialog.language;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.RadialogException;
import org.radialog.torch.Lora;
import org.radialog.torch.Parameters;

/** Creates a {@link Llama} from a checkpoint, from packed weights, or with a trainable adapter. */
public final class LlamaLoading {
  private LlamaLoading() {}

  /**
   * Loads the model of a checkpoint. If its matrices take more than {@link LlamaStream#RESIDENT}
   * bytes, they are not converted in advance, but each one when a prompt needs it.
   *
   * @param weights must stay open while the model is used
   * @param precision {@code FP32} or {@code BF16}
   */
  public static Llama of(LlamaWeights weights, Precision precision) {
    return of(weights, Optional.empty(), precision);
  }

  /**
   * Loads the model and merges the adapter, if there is one, into its matrices in fp32 before they
   * are rounded; see {@link #of}.
   *
   * @param weights must stay open while the model is used
   * @param precision {@code FP32} or {@code BF16}
   */
  public static Llama of(LlamaWeights weights, Optional<LoraAdapter> adapter, Precision precision) {
    ScalarType type = type(precision);
    return new Llama(
        LlamaStream.pays(weights, adapter, type)
            ? new LlamaStream(weights, adapter, type)
            : LlamaTensors.of(weights, adapter, type));
  }

  /**
   * A model that computes prompts in bf16 from the packed weights of {@code decoder}. Each matrix
   * is dequantised when it is needed, so no weight is in memory twice. The adapter is that of the
   * decoder.
   *
   * @param decoder must stay open while the model is used
   */
  public static Llama over(LlamaDecoder decoder) {
    return new Llama(decoder.matrices());
  }

  /**
   * The model with an unmerged adapter, for training. The base weights have no gradient. If they
   * are too large to be converted in advance, each matrix is converted when it is needed.
   *
   * @param lora provides and owns the tensors of the adapter, under PEFT's names
   * @param precision precision of the base weights, {@code FP32} or {@code BF16}; the adapter is
   *     fp32
   */
  public static Llama adapted(
      LlamaWeights weights, LoraConfig adapter, Parameters lora, Precision precision) {
    return adapted(weights, adapter, lora, type(precision));
  }

  /**
   * The same with the base weights in {@code type}: {@code Float}, {@code BFloat16} or {@code
   * Half}.
   */
  public static Llama adapted(
      LlamaWeights weights, LoraConfig adapter, Parameters lora, ScalarType type) {
    return adapted(
        LlamaStream.pays(weights, Optional.empty(), type)
            ? new LlamaStream(weights, Optional.empty(), type)
            : LlamaTensors.of(weights, Optional.empty(), type),
        adapter,
        lora);
  }

  /**
   * The same with a base in int8 or int4 (QLoRA, arXiv 2305.14314, in the formats of {@link
   * LlamaDecoder}). Each matrix is dequantised to bf16 when a layer needs it.
   *
   * @param packed has no adapter; it must stay open as long as the model is used
   */
  public static Llama adapted(LlamaDecoder packed, LoraConfig adapter, Parameters lora) {
    return adapted(packed.matrices(), adapter, lora);
  }

  private static Llama adapted(LlamaMatrices base, LoraConfig adapter, Parameters lora) {
    LlamaConfig c = base.config();
    return Llama.adapted(
        base,
        new LlamaNetwork(
            base,
            (linear, layer) -> {
              LlamaNetwork.Matrix.Frozen frozen = new LlamaNetwork.Matrix.Frozen(linear, layer);
              return adapter.targets().contains(linear)
                  ? new LlamaNetwork.Matrix.Adapted(
                      frozen,
                      Lora.of(
                          lora.at(LoraAdapter.PREFIX + linear.module(layer) + "."),
                          linear.columns(c),
                          linear.rows(c),
                          adapter.r(),
                          adapter.alpha(),
                          adapter.dropout()))
                  : frozen;
            }));
  }

  /**
   * The model in a file written by {@link #pack}. The file is memory-mapped instead of loaded; its
   * checksums are verified.
   *
   * @param weights source of the file, for the sizes of the network
   * @param precision precision of the file, {@code FP32} or {@code BF16}
   * @param key the expected key
   * @return empty if the file has another key or belongs to another model
   * @throws RadialogException if the file does not exist or is damaged
   */
  public static Optional<Llama> packed(
      Path file, String key, LlamaWeights weights, Precision precision) {
    return LlamaTensors.map(file, key, weights, type(precision)).map(Llama::new);
  }

  /**
   * Writes the matrices of a model in memory, including a merged adapter, to a file for {@link
   * #packed}. Nothing is written if they were not converted in advance.
   *
   * @param key identifies the source, for example by the digests of base and adapter; called only
   *     if something is written
   * @throws RadialogException if the file cannot be written
   */
  public static void pack(Llama llama, Path file, Supplier<String> key) {
    if (llama.matrices() instanceof LlamaTensors tensors && tensors.converted()) {
      tensors.write(file, key.get());
    }
  }

  private static ScalarType type(Precision precision) {
    return switch (precision) {
      case FP32 -> ScalarType.Float;
      case BF16 -> ScalarType.BFloat16;
      case INT8, INT4 ->
          throw new IllegalArgumentException(
              "libtorch runs the language model in fp32 or bf16, not in " + precision.label());
    };
  }
}
