package org.radialog.language;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import tools.jackson.databind.JsonNode;

/**
 * The settings that a Llama-family model may have: for each field, whether it is used, irrelevant
 * for the computation, or allowed with one value only. Any other setting would mean a different
 * model from the one that is computed here, so it is refused by name; a field that is null or
 * false, or an empty list or object, is ignored.
 */
public final class LlamaFields {
  private LlamaFields() {}

  private sealed interface Rule {}

  /** The field is read, or does not affect the logits. */
  private record Free() implements Rule {}

  /** The field must have the value that is implemented here. */
  private record Only(Predicate<Object> holds, String expected) implements Rule {}

  private static final Rule FREE = new Free();
  private static final Rule ONE = new Only(value -> number(value, 1), "1");
  private static final Rule ZERO = new Only(value -> number(value, 0), "0");
  private static final Rule NONE = new Only(_ -> false, "none");

  private static boolean number(Object value, double expected) {
    return value instanceof Number n && n.doubleValue() == expected;
  }

  private static Rule text(String... allowed) {
    return new Only(value -> List.of(allowed).contains(value), String.join(" or ", allowed));
  }

  /** {@code config.json} of the Hugging Face library for Llama and Mistral, and of LLaVA. */
  private static final Map<String, Rule> HUGGING_FACE = new LinkedHashMap<>();

  static {
    free(
        HUGGING_FACE,
        // used by LlamaConfig
        "model_type vocab_size hidden_size num_hidden_layers num_attention_heads"
            + " num_key_value_heads head_dim intermediate_size rms_norm_eps rope_theta rope_scaling"
            + " rope_parameters tie_word_embeddings max_position_embeddings sliding_window"
            + " use_sliding_window",
        // identification and origin of the file
        "architectures _name_or_path name_or_path transformers_version torch_dtype dtype"
            + " transformers.js_config is_llama_config unsloth_version unsloth_fixed"
            + " finetuning_task tokenizer_class _commit_hash model_max_length max_sequence_length"
            + " tokenizer_model_max_length tokenizer_padding_side _diffusers_version",
        // training and order of computation
        "initializer_range use_cache attention_dropout hidden_dropout resid_pdrop embd_pdrop"
            + " attn_pdrop pretraining_tp _attn_implementation attn_implementation"
            + " _attn_implementation_autoset _flash_attn_2_enabled gradient_checkpointing"
            + " use_bfloat16 torchscript tf_legacy_loss chunk_size_feed_forward problem_type"
            + " id2label label2id num_labels task_specific_params return_dict"
            + " return_dict_in_generate output_hidden_states output_attentions output_scores"
            + " tie_encoder_decoder max_window_layers",
        // sampling and special tokens, which are defined by prompts and tokenizer here
        "bos_token_id eos_token_id pad_token_id unk_token_id sep_token_id decoder_start_token_id"
            + " prefix max_length min_length do_sample early_stopping num_beams num_beam_groups"
            + " diversity_penalty temperature top_k top_p typical_p repetition_penalty"
            + " length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size bad_words_ids"
            + " num_return_sequences forced_bos_token_id forced_eos_token_id remove_invalid_values"
            + " exponential_decay_length_penalty suppress_tokens begin_suppress_tokens"
            + " generation_config",
        // LLaVA's image encoder and projector, which RaDialog replaces
        "freeze_mm_mlp_adapter freeze_mm_vision_resampler image_aspect_ratio image_grid_pinpoints"
            + " image_crop_resolution image_split_resolution tune_mm_mlp_adapter"
            + " tune_mm_vision_resampler unfreeze_mm_vision_tower use_mm_proj");
    HUGGING_FACE.put("hidden_act", text("silu", "swish"));
    HUGGING_FACE.put("hidden_activation", text("silu", "swish"));
    HUGGING_FACE.put("partial_rotary_factor", ONE);
    HUGGING_FACE.put("rotary_pct", ONE);
    HUGGING_FACE.put("rope_interleaved", NONE);
    HUGGING_FACE.put("attention_bias", NONE);
    HUGGING_FACE.put("mlp_bias", NONE);
    HUGGING_FACE.put("quantization_config", NONE);
    HUGGING_FACE.put("attn_logit_softcapping", NONE);
    HUGGING_FACE.put("final_logit_softcapping", NONE);
    HUGGING_FACE.put("logit_scale", ONE);
    HUGGING_FACE.put("logits_scaling", ONE);
    HUGGING_FACE.put("embedding_multiplier", ONE);
    HUGGING_FACE.put("residual_multiplier", ONE);
    HUGGING_FACE.put(
        "layer_types",
        new Only(
            value ->
                value instanceof JsonNode list
                    && list.isArray()
                    && list.valueStream().allMatch(t -> t.asString("").equals("full_attention")),
            "full_attention in every layer"));
    HUGGING_FACE.put("is_decoder", new Only(value -> value instanceof Boolean, "true or false"));
  }

  /**
   * The keys of a GGUF file that begin with {@code llama.}; other keys describe the file and its
   * tokenizer.
   */
  private static final Map<String, Rule> GGUF = new LinkedHashMap<>();

  static {
    free(
        GGUF,
        // used by GgufLlama
        "block_count context_length embedding_length feed_forward_length attention.head_count"
            + " attention.head_count_kv attention.key_length attention.value_length"
            + " attention.layer_norm_rms_epsilon rope.freq_base rope.dimension_count vocab_size",
        // of a scaling that the next key excludes
        "rope.scaling.original_context_length rope.scaling.finetuned");
    GGUF.put("rope.scaling.type", text("none"));
    GGUF.put("rope.scaling.factor", ONE);
    GGUF.put("rope.scaling.attn_factor", ONE);
    GGUF.put("rope.scale_linear", ONE);
    GGUF.put("attention.causal", new Only(value -> value.equals(true), "true"));
    GGUF.put("attention.sliding_window", ZERO);
    GGUF.put("attention.max_alibi_bias", ZERO);
    GGUF.put("attention.clamp_kqv", ZERO);
    GGUF.put("attention.scale", ZERO);
    GGUF.put("logit_scale", ONE);
    GGUF.put("expert_count", ZERO);
    GGUF.put("expert_used_count", ZERO);
    GGUF.put("leading_dense_block_count", ZERO);
  }

  private static void free(Map<String, Rule> table, String... groups) {
    for (String group : groups) {
      for (String field : group.split(" ", -1)) {
        table.put(field, FREE);
      }
    }
  }

  /**
   * Checks the {@code config.json} of a language model.
   *
   * @throws RadialogException if it has an unsupported setting
   */
  public static void check(JsonNode config) {
    List<String> faults = new ArrayList<>();
    boolean llava = config.path("model_type").asString("").startsWith("llava");
    for (Map.Entry<String, JsonNode> field : config.properties()) {
      String name = field.getKey();
      JsonNode value = field.getValue();
      boolean silent =
          value.isNull()
              || (value.isBoolean() && !value.booleanValue())
              || (value.isContainer() && value.isEmpty());
      boolean pictures = llava && (name.startsWith("mm_") || name.equals("vision_tower"));
      if (!silent && !pictures) {
        check(name, plain(value), HUGGING_FACE, faults);
      }
    }
    refuse("config.json", faults);
  }

  private static Object plain(JsonNode value) {
    return value.isNumber()
        ? value.doubleValue()
        : value.isString()
            ? value.stringValue()
            : value.isBoolean() ? (Object) value.booleanValue() : value;
  }

  /**
   * Checks the metadata of a GGUF file of the architecture {@code llama}.
   *
   * @throws RadialogException if they have an unsupported setting
   */
  public static void check(Map<String, Object> metadata) {
    List<String> faults = new ArrayList<>();
    String prefix = "llama.";
    metadata.forEach((key, value) -> {
      boolean silent = value.equals(false) || (value instanceof List<?> list && list.isEmpty());
      if (key.startsWith(prefix) && !silent) {
        check(key.substring(prefix.length()), value, GGUF, faults);
      }
    });
    refuse("the GGUF file", faults);
  }

  private static void check(
      String name, Object value, Map<String, Rule> table, List<String> faults) {
    switch (table.get(name)) {
      case Free _ -> {}
      case Only(Predicate<Object> holds, String expected) -> {
        if (!holds.test(value)) {
          faults.add(
              "%s is %s, expected %s".formatted(Printable.of(name), Printable.of(value), expected));
        }
      }
      case null ->
          faults.add(
              "%s is %s, which is unknown".formatted(Printable.of(name), Printable.of(value)));
    }
  }

  private static void refuse(String where, List<String> faults) {
    if (!faults.isEmpty()) {
      throw new RadialogException(
          ("language model: %s has settings that are not supported: %s; the result would"
                  + " be a different model")
              .formatted(where, String.join("; ", faults)));
    }
  }
}
