package org.radialog.testing;

import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * The sizes of a Llama, named as in a Hugging Face {@code config.json}.
 *
 * @param vocab number of tokens in the vocabulary
 * @param hidden width of the hidden states
 * @param intermediate width of the feed-forward layers
 * @param layers number of layers
 * @param heads number of attention heads
 * @param kvHeads number of key and value heads
 * @param headDim width of a head
 * @param positions maximum number of positions
 * @param rmsEps epsilon of the RMS norms
 * @param ropeTheta base of the rotary frequencies
 * @param ropeScaling the field {@code rope_scaling}, if present
 * @param tied whether the output head is tied to the embedding table
 */
public record LlamaSize(
    int vocab,
    int hidden,
    int intermediate,
    int layers,
    int heads,
    int kvHeads,
    int headDim,
    int positions,
    double rmsEps,
    double ropeTheta,
    Optional<JsonNode> ropeScaling,
    boolean tied) {
  /** Vicuna 7B 1.3, the language model of the first version. */
  public static final LlamaSize VICUNA = seven(2048, 1e-6);

  /** The Vicuna of LLaVA-1.5 7B, the language model of the second version. */
  public static final LlamaSize LLAVA = seven(4096, 1e-5);

  /** The sizes of a golden case {@code llama-*}, or of the base of a {@code lora-*} case. */
  public static LlamaSize of(GoldenCase golden) {
    JsonNode c = golden.config().has("base") ? golden.config().get("base") : golden.config();
    int heads = c.required("num_attention_heads").intValue();
    int hidden = c.required("hidden_size").intValue();
    return new LlamaSize(
        c.required("vocab_size").intValue(),
        hidden,
        c.required("intermediate_size").intValue(),
        c.required("num_hidden_layers").intValue(),
        heads,
        c.required("num_key_value_heads").intValue(),
        c.path("head_dim").asInt(hidden / heads),
        c.required("max_position_embeddings").intValue(),
        c.required("rms_norm_eps").doubleValue(),
        c.required("rope_theta").doubleValue(),
        Optional.ofNullable(c.get("rope_scaling")),
        c.required("tie_word_embeddings").booleanValue());
  }

  private static LlamaSize seven(int positions, double rmsEps) {
    return new LlamaSize(
        32_000, 4096, 11_008, 32, 32, 32, 128, positions, rmsEps, 10_000, Optional.empty(), false);
  }
}
