package org.radialog.language;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import tools.jackson.databind.JsonNode;

/**
 * The shape of a Llama-family language model, as in the {@code config.json} of a Hugging Face
 * checkpoint or the {@code llama.*} keys of a GGUF file.
 *
 * @param vocab V, rows of the embedding table and of the head
 * @param hidden D, width of the residual stream
 * @param layers number of transformer blocks
 * @param heads H, query heads
 * @param kvHeads K, heads of keys and values; {@code heads} is a multiple of it (K = H is MHA)
 * @param headSize d, width of a head; H · d need not equal D
 * @param mlp F, inner width of the gated MLP
 * @param rmsEps epsilon of RMSNorm, added to the mean square
 * @param ropeTheta base of the rotary frequencies
 * @param ropeScaling the llama3 rule for long contexts, if the checkpoint uses it
 * @param tied whether {@code lm_head.weight} is {@code model.embed_tokens.weight}
 * @param maxPositions longest sequence that the model was made for
 */
public record LlamaConfig(
    int vocab,
    int hidden,
    int layers,
    int heads,
    int kvHeads,
    int headSize,
    int mlp,
    double rmsEps,
    double ropeTheta,
    Optional<RopeScaling> ropeScaling,
    boolean tied,
    int maxPositions) {

  // Far above any model of this family; a hostile header must not cause a large allocation or an
  // int overflow.
  private static final int LARGEST = 1 << 22;

  private static final List<String> TYPES = List.of("llama", "llava", "llava_llama", "mistral");

  /**
   * The rotary scaling of Llama 3.1: low frequencies are divided by {@code factor}, high ones are
   * kept, and those in between are blended.
   *
   * @param factor divides low frequencies
   * @param lowFrequencyFactor wavelengths above originalPositions / lowFrequencyFactor are scaled
   *     completely
   * @param highFrequencyFactor wavelengths below originalPositions / highFrequencyFactor are kept
   * @param originalPositions number of positions before the extension
   */
  public record RopeScaling(
      double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalPositions) {
    /**
     * Checks that the rule is computable.
     *
     * @throws RadialogException if a factor is not positive or the band is empty
     */
    public RopeScaling {
      if (!(factor > 0
          && lowFrequencyFactor > 0
          && highFrequencyFactor > lowFrequencyFactor
          && originalPositions > 0)) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            "rope scaling: expected factor > 0, 0 < low_freq_factor < high_freq_factor and"
                + " original positions > 0, found %s, %s, %s, %d"
                    .formatted(factor, lowFrequencyFactor, highFrequencyFactor, originalPositions));
      }
    }
  }

  /**
   * Checks the sizes against each other.
   *
   * @throws RadialogException if one is out of range
   */
  public LlamaConfig {
    check("vocabulary", vocab);
    check("hidden size", hidden);
    check("layers", layers);
    check("heads", heads);
    check("key/value heads", kvHeads);
    check("head size", headSize);
    check("MLP size", mlp);
    check("positions", maxPositions);
    if (heads % kvHeads != 0) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "language model: expected the heads to be a multiple of the key/value heads, found "
              + heads
              + " and "
              + kvHeads);
    }
    if (headSize % 2 != 0) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "language model: rotary embedding needs an even head size, found " + headSize);
    }
    if ((long) heads * headSize > LARGEST) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "language model: " + heads + " heads of " + headSize + " are out of range");
    }
    if (!(rmsEps >= 0 && rmsEps < 1) || !(ropeTheta > 1)) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "language model: expected 0 <= rms_norm_eps < 1 and rope_theta > 1, found "
              + rmsEps
              + " and "
              + ropeTheta);
    }
  }

  /**
   * Reads the {@code config.json} of a Hugging Face checkpoint.
   *
   * @throws RadialogException if it belongs to another family, a field is missing or out of range,
   *     or the rotary scaling in {@code rope_scaling} or {@code rope_parameters} is neither {@code
   *     llama3} nor {@code default}
   */
  public static LlamaConfig parse(JsonNode json) {
    String type = json.path("model_type").asString("llama");
    if (!TYPES.contains(type)) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "language model: expected a model_type among "
              + String.join(", ", TYPES)
              + ", found "
              + type);
    }
    for (String option : List.of("attention_bias", "mlp_bias")) {
      if (json.path(option).asBoolean(false)) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            "language model: option "
                + option
                + " is set, which is not supported for models of the Llama family");
      }
    }
    if (!json.path("hidden_act").asString("silu").equals("silu")) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "language model: expected hidden_act silu, found " + json.get("hidden_act"));
    }
    int hidden = integer(json, "hidden_size");
    int heads = integer(json, "num_attention_heads");
    Rope rope = rope(json);
    // Within its window, a model with sliding attention is equivalent to one without.
    int window =
        json.hasNonNull("sliding_window") && json.path("use_sliding_window").asBoolean(true)
            ? integer(json, "sliding_window")
            : Integer.MAX_VALUE;
    return new LlamaConfig(
        integer(json, "vocab_size"),
        hidden,
        integer(json, "num_hidden_layers"),
        heads,
        json.hasNonNull("num_key_value_heads") ? integer(json, "num_key_value_heads") : heads,
        json.hasNonNull("head_dim") ? integer(json, "head_dim") : hidden / Math.max(1, heads),
        integer(json, "intermediate_size"),
        number(json, "rms_norm_eps"),
        rope.theta(),
        rope.scaling(),
        json.hasNonNull("tie_word_embeddings") && json.get("tie_word_embeddings").asBoolean(),
        Math.min(window, integer(json, "max_position_embeddings")));
  }

  private record Rope(double theta, Optional<RopeScaling> scaling) {}

  // The base of the frequencies is at the top level, in rope_scaling, or, since transformers 5, in
  // rope_parameters together with the scaling. If it occurs twice, the values must agree.
  private static Rope rope(JsonNode json) {
    double theta = 10_000;
    String whence = "";
    Optional<RopeScaling> scaling = Optional.empty();
    String scaled = "";
    if (json.hasNonNull("rope_theta")) {
      theta = number(json, "rope_theta");
      whence = "rope_theta";
    }
    for (String field : List.of("rope_scaling", "rope_parameters")) {
      JsonNode rope = json.path(field);
      if (rope.isMissingNode() || rope.isNull()) {
        continue;
      }
      if (!rope.isObject()) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            "language model: expected an object as " + field + ", found " + Printable.of(rope));
      }
      if (rope.hasNonNull("rope_theta")) {
        double here = number(rope, "rope_theta");
        if (!whence.isEmpty() && here != theta) {
          throw new RadialogException(
              Kind.REFUSED_WEIGHTS,
              "language model: %s is %s and %s.rope_theta is %s, expected one value"
                  .formatted(whence, theta, field, here));
        }
        theta = here;
        whence = field + ".rope_theta";
      }
      Optional<RopeScaling> here = ropeScaling(rope, field);
      if (!scaled.isEmpty() && !here.equals(scaling)) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            "language model: %s and %s state different rotary scaling, expected one"
                .formatted(scaled, field));
      }
      scaling = here;
      scaled = field;
    }
    return new Rope(theta, scaling);
  }

  private static final List<String> ROPE =
      List.of("rope_type", "type", "rope_theta", "partial_rotary_factor");
  private static final List<String> LLAMA3 =
      List.of("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings");

  private static Optional<RopeScaling> ropeScaling(JsonNode json, String where) {
    String type = "default";
    for (String name : List.of("type", "rope_type")) {
      if (json.hasNonNull(name)) {
        type = json.get(name).asString("");
      }
    }
    // In the old format without a type, a factor meant linear scaling.
    if (!List.of("default", "llama3").contains(type)
        || (json.hasNonNull("type")
            && json.hasNonNull("rope_type")
            && !json.get("type").equals(json.get("rope_type")))) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "language model: expected %s of type default or llama3, found %s"
              .formatted(where, Printable.of(json)));
    }
    boolean llama3 = type.equals("llama3");
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      String name = field.getKey();
      boolean known = ROPE.contains(name) || (llama3 && LLAMA3.contains(name));
      boolean whole = !name.equals("partial_rotary_factor") || field.getValue().asDouble(1) == 1;
      if (!field.getValue().isNull() && !(known && whole)) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            "language model: %s of type %s has %s = %s, which is not supported"
                .formatted(where, type, Printable.of(name), Printable.of(field.getValue())));
      }
    }
    return llama3
        ? Optional.of(
            new RopeScaling(
                number(json, "factor"),
                number(json, "low_freq_factor"),
                number(json, "high_freq_factor"),
                integer(json, "original_max_position_embeddings")))
        : Optional.empty();
  }

  private static int integer(JsonNode json, String field) {
    JsonNode value = json.get(field);
    if (value == null || !value.canConvertToInt()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "language model: expected an integer as " + field + ", found " + Printable.of(value));
    }
    return value.intValue();
  }

  private static double number(JsonNode json, String field) {
    JsonNode value = json.get(field);
    if (value == null || !value.isNumber()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "language model: expected a number as " + field + ", found " + Printable.of(value));
    }
    return value.doubleValue();
  }

  private static void check(String what, int n) {
    if (n < 1 || n > LARGEST) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "language model: expected 1 to " + LARGEST + " as " + what + ", found " + n);
    }
  }

  /** The content of a cache of a sequence. */
  public CacheShape cacheShape() {
    return new CacheShape(layers, kvHeads, headSize, maxPositions);
  }

  /** Rows of {@code q_proj}: H · d. */
  public int queryRows() {
    return heads * headSize;
  }

  /** Rows of {@code k_proj} and of {@code v_proj}: K · d. */
  public int keyRows() {
    return kvHeads * headSize;
  }

  /** Query heads that share one key/value head: H / K. */
  public int group() {
    return heads / kvHeads;
  }

  /**
   * Angles per position, [d/2]: {@code theta^(-2i/d)}, scaled by the llama3 rule if there is one.
   * The angle of position p and pair i, (i, i + d/2) in the rotate-half layout, is p times entry i.
   * Rounded to fp32 at the same points as in the reference.
   */
  public float[] inverseFrequencies() {
    float[] frequencies = new float[headSize / 2];
    for (int i = 0; i < frequencies.length; i++) {
      float exponent = 2f * i / headSize;
      float frequency = 1 / (float) Math.pow((float) ropeTheta, exponent);
      frequencies[i] = ropeScaling.isPresent() ? scaled(frequency, ropeScaling.get()) : frequency;
    }
    return frequencies;
  }

  private static float scaled(float frequency, RopeScaling s) {
    double turns = s.originalPositions() * frequency / (2 * Math.PI);
    if (turns < s.lowFrequencyFactor()) {
      return (float) (frequency / s.factor());
    }
    if (turns > s.highFrequencyFactor()) {
      return frequency;
    }
    double keep =
        (turns - s.lowFrequencyFactor()) / (s.highFrequencyFactor() - s.lowFrequencyFactor());
    return (float) ((1 - keep) * frequency / s.factor() + keep * frequency);
  }
}
