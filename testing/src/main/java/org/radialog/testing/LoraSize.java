package org.radialog.testing;

import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * The sizes of a LoRA adapter.
 *
 * @param r rank
 * @param alpha numerator of the scale alpha / r
 * @param targets adapted linear layers, such as {@code q_proj}
 */
public record LoraSize(int r, int alpha, List<String> targets) {
  /** The adapter of the first version. */
  public static final LoraSize V1 = new LoraSize(8, 16, List.of("q_proj", "v_proj"));

  /** The adapter of the second version. */
  public static final LoraSize V2 =
      new LoraSize(
          128,
          256,
          List.of("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"));

  /** The adapter of a golden case {@code lora-*}. */
  public static LoraSize of(GoldenCase golden) {
    JsonNode lora = golden.config().required("lora");
    return new LoraSize(
        lora.required("r").intValue(),
        lora.required("lora_alpha").intValue(),
        lora.required("target_modules").valueStream().map(JsonNode::stringValue).toList());
  }
}
