package org.radialog.dialog;

import java.util.Optional;
import org.radialog.base.RadialogException;
import org.radialog.model.LanguageDecoder;
import org.radialog.model.Llama;
import org.radialog.model.LlamaWeights;
import org.radialog.model.LoraAdapter;
import org.radialog.model.Precision;

/** The language model as libtorch runs it. */
record LanguageModel(Llama llama) implements AutoCloseable {
  static LanguageModel load(
      Precision precision, LlamaWeights weights, Optional<LoraAdapter> adapter) {
    return switch (precision) {
      case FP32, BF16 -> new LanguageModel(prefill(precision, weights, adapter));
      case INT8, INT4 ->
          throw new RadialogException(
              "the precision " + precision.label() + " has no decoder yet; take bf16 or fp32");
    };
  }

  /** What makes the steps. */
  LanguageDecoder decoder() {
    return llama;
  }

  private static Llama prefill(
      Precision precision, LlamaWeights weights, Optional<LoraAdapter> adapter) {
    return adapter
        .map(a -> Llama.merged(weights, a, precision))
        .orElseGet(() -> Llama.of(weights, precision));
  }

  @Override
  public void close() {
    llama.close();
  }
}
