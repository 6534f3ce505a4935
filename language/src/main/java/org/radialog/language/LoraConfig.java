package org.radialog.language;

import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import tools.jackson.databind.JsonNode;

/**
 * The shape of a low-rank adapter of a Llama model (arXiv 2106.09685): {@code alpha/r · B A} is
 * added to each target, with A [r, in] and B [out, r].
 *
 * @param r rank
 * @param alpha strength; the factor is {@code alpha / r}
 * @param dropout fraction of the adapter's inputs dropped in training, from 0 to 1
 * @param targets the layers of every block that have an adapter
 */
public record LoraConfig(int r, double alpha, double dropout, Set<LlamaLinear> targets) {
  /**
   * Checks the ranges.
   *
   * @throws RadialogException if one is out of range
   */
  public LoraConfig {
    if (r < 1 || r > 4096 || !Double.isFinite(alpha) || !(dropout >= 0 && dropout < 1)) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "LoRA: expected 1 <= r <= 4096, a finite alpha and 0 <= dropout < 1, found r %d, alpha %s, dropout %s"
              .formatted(r, alpha, dropout));
    }
    if (targets.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS, "LoRA: expected at least one module among the targets, found none");
    }
    targets = Collections.unmodifiableSet(EnumSet.copyOf(targets));
  }

  /** A trained adapter, without dropout. It refuses what the constructor refuses. */
  public static LoraConfig trained(int r, double alpha, Set<LlamaLinear> targets) {
    return new LoraConfig(r, alpha, 0, targets);
  }

  /** The factor on B A: alpha / r. */
  public double scale() {
    return alpha / r;
  }

  /** The layers named, for example {@code q_proj} and {@code v_proj}. */
  public static Set<LlamaLinear> targets(List<String> names) {
    EnumSet<LlamaLinear> targets = EnumSet.noneOf(LlamaLinear.class);
    for (String name : names) {
      targets.add(
          LlamaLinear.ofTarget(name)
              .orElseThrow(() ->
                  new RadialogException(
                      Kind.REFUSED_WEIGHTS,
                      "LoRA: expected targets among q_proj, k_proj, v_proj, o_proj, gate_proj,"
                          + " up_proj, down_proj, found \""
                          + name
                          + "\"")));
    }
    return targets;
  }

  /**
   * Reads an {@code adapter_config.json} of PEFT.
   *
   * @throws RadialogException if it is another type of adapter, or has an unsupported option that
   *     changes the computation
   */
  public static LoraConfig parse(JsonNode json) {
    if (!json.path("peft_type").asString("LORA").equals("LORA")) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "adapter: expected peft_type LORA, found " + json.path("peft_type"));
    }
    for (String option :
        List.of(
            "use_dora", "use_rslora", "use_qalora", "use_bdlora", "lora_bias", "fan_in_fan_out")) {
      if (json.path(option).asBoolean(false)) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            "adapter: option "
                + option
                + " is set, which changes the computation and is not supported");
      }
    }
    for (String option :
        List.of(
            "rank_pattern",
            "alpha_pattern",
            "layers_to_transform",
            "layer_replication",
            "modules_to_save",
            "target_parameters",
            "trainable_token_indices",
            "alora_invocation_tokens")) {
      if (json.hasNonNull(option)
          && !(json.get(option).isContainer() && json.get(option).isEmpty())) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            "adapter: expected no "
                + option
                + " (the same low rank for all layers and nothing else), found "
                + Printable.of(json.get(option)));
      }
    }
    if (!json.path("bias").asString("none").equals("none")) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS, "adapter: expected bias none, found " + json.get("bias"));
    }
    JsonNode modules = json.path("target_modules");
    if (!json.path("r").canConvertToInt()
        || !json.path("lora_alpha").isNumber()
        || !modules.isArray()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "adapter: expected r, lora_alpha and a list target_modules, found %s, %s and %s"
              .formatted(json.path("r"), json.path("lora_alpha"), modules));
    }
    return new LoraConfig(
        json.get("r").intValue(),
        json.get("lora_alpha").doubleValue(),
        json.path("lora_dropout").doubleValue(0),
        targets(modules.valueStream().map(JsonNode::asString).toList()));
  }
}
