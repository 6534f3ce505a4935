package org.radialog.language;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.RadialogException;
import org.radialog.torch.Linear;
import org.radialog.torch.LoraLinear;
import org.radialog.torch.Parameters;

/** Makes a {@link Llama} of a checkpoint, of packed weights, or with an adapter to be trained. */
public final class LlamaLoading {
  private LlamaLoading() {}

  /**
   * The model as its checkpoint has it. One whose matrices would take more than {@link
   * LlamaStream#RESIDENT} bytes is not converted as a whole: each of its matrices is converted when
   * a prompt needs it.
   *
   * @param weights stays open as long as the model is used
   * @param precision {@code FP32} or {@code BF16}
   */
  public static Llama of(LlamaWeights weights, Precision precision) {
    return of(weights, Optional.empty(), precision);
  }

  /**
   * The model with an adapter, if there is one, merged into its matrices, in fp32 before they are
   * rounded; see {@link #of}.
   *
   * @param weights stays open as long as the model is used
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
   * A model that computes prompts in bf16 from the packed weights of {@code decoder}, each matrix
   * dequantised when it is needed: nothing is held twice. It has the decoder's adapter.
   *
   * @param decoder stays open as long as the model is used
   */
  public static Llama over(LlamaDecoder decoder) {
    return new Llama(decoder.matrices());
  }

  /**
   * The model with an adapter beside its matrices, for training. The base takes no gradient.
   *
   * @param lora gives and owns the adapter's tensors, under PEFT's names
   * @param precision {@code FP32} or {@code BF16}, of the base; the adapter is fp32
   */
  public static Llama adapted(
      LlamaWeights weights, LoraConfig adapter, Parameters lora, Precision precision) {
    LlamaTensors tensors = LlamaTensors.of(weights, Optional.empty(), type(precision));
    return new Llama(
        tensors,
        new LlamaNetwork(
            tensors,
            (linear, layer) -> {
              if (!adapter.targets().contains(linear)) {
                return new LlamaNetwork.Matrix.Base(linear, layer);
              }
              Linear base = new Linear(tensors.get(linear.weight(layer)), Optional.empty());
              Parameters beside = lora.at(LoraAdapter.PREFIX + linear.module(layer) + ".");
              return new LlamaNetwork.Matrix.Adapted(
                  LoraLinear.of(base, beside, adapter.r(), adapter.alpha())
                      .withDropout(adapter.dropout()));
            }));
  }

  /**
   * The model of a file that {@link #pack} made, mapped rather than loaded, its checksums compared.
   *
   * @param weights what it was made of, for its shape
   * @param precision {@code FP32} or {@code BF16}, what it was made in
   * @param key what it was marked with
   * @return empty if the file is marked with another key or is of another model
   * @throws RadialogException if there is no such file or it is damaged
   */
  public static Optional<Llama> packed(
      Path file, String key, LlamaWeights weights, Precision precision) {
    return LlamaTensors.map(file, key, weights, type(precision)).map(Llama::new);
  }

  /**
   * Writes the matrices of a model as they are in memory, an adapter merged into them included, to
   * a file that {@link #packed} maps. Where they were not converted as a whole there is nothing to
   * write.
   *
   * @param key names what the file is made of, for example the digests of base and adapter; asked
   *     for only where there is something to write
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
