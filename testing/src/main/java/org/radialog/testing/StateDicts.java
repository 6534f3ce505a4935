package org.radialog.testing;

import java.util.ArrayList;
import java.util.List;

/** The state dicts of the published networks: every name and shape, in the original order. */
final class StateDicts {
  private static final String FLOAT = "float32";

  private final List<GoldenCase.Key> keys = new ArrayList<>();

  private StateDicts() {}

  /** The image model with a projector to {@code joint} channels. */
  static List<GoldenCase.Key> imageModel(int joint) {
    return Golden.keys("biovilt").stream()
        .map(key -> key.name().startsWith("projector.") ? projector(key, joint) : key)
        .toList();
  }

  // In [128, 512, 1, 1], [128, 128, 1, 1] and [128], 128 is the joint width.
  private static GoldenCase.Key projector(GoldenCase.Key key, int joint) {
    long[] shape = key.shape().clone();
    if (shape.length > 0) {
      shape[0] = joint;
    }
    if (key.name().equals("projector.model.3.weight")) {
      shape[1] = joint;
    }
    return new GoldenCase.Key(key.name(), shape, key.dtype());
  }

  static boolean isBuffer(GoldenCase.Key key) {
    return key.name().contains(".running_") || key.name().endsWith(".num_batches_tracked");
  }

  static List<GoldenCase.Key> qFormer(QFormerSize s) {
    var d = new StateDicts();
    d.add("query_tokens", 1, s.queries(), s.hidden());
    d.add("temp");
    d.norm("ln_vision", s.encoderWidth());
    String embeddings = "Qformer.bert.embeddings.";
    d.keys.add(
        new GoldenCase.Key(embeddings + "position_ids", new long[] {1, s.positions()}, "int64"));
    d.add(embeddings + "word_embeddings.weight", s.vocab() + 1, s.hidden());
    d.add(embeddings + "position_embeddings.weight", s.positions(), s.hidden());
    d.norm(embeddings + "LayerNorm", s.hidden());
    for (int i = 0; i < s.layers(); i++) {
      String layer = "Qformer.bert.encoder.layer." + i + ".";
      d.attention(layer + "attention.", s.hidden(), s.hidden());
      if (i % 2 == 0) {
        d.attention(layer + "crossattention.", s.hidden(), s.encoderWidth());
      }
      d.mlp(layer, "", s.hidden(), s.ffn());
      d.mlp(layer, "_query", s.hidden(), s.ffn());
    }
    String predictions = "Qformer.cls.predictions.";
    d.add(predictions + "bias", s.vocab() + 1);
    d.linear(predictions + "transform.dense", s.hidden(), s.hidden());
    d.norm(predictions + "transform.LayerNorm", s.hidden());
    d.linear(predictions + "decoder", s.vocab() + 1, s.hidden());
    d.linear("vision_proj", s.embed(), s.hidden());
    d.linear("text_proj", s.embed(), s.hidden());
    d.linear("itm_head", 2, s.hidden());
    return d.keys;
  }

  static List<GoldenCase.Key> chexbert(BertSize s) {
    var d = new StateDicts();
    String embeddings = "module.bert.embeddings.";
    d.add(embeddings + "word_embeddings.weight", s.vocab(), s.hidden());
    d.add(embeddings + "position_embeddings.weight", s.positions(), s.hidden());
    d.add(embeddings + "token_type_embeddings.weight", 2, s.hidden());
    d.norm(embeddings + "LayerNorm", s.hidden());
    for (int i = 0; i < s.layers(); i++) {
      String layer = "module.bert.encoder.layer." + i + ".";
      d.attention(layer + "attention.", s.hidden(), s.hidden());
      d.mlp(layer, "", s.hidden(), s.ffn());
    }
    d.linear("module.bert.pooler.dense", s.hidden(), s.hidden());
    for (int head = 0; head < 14; head++) {
      d.linear("module.linear_heads." + head, head < 13 ? 4 : 2, s.hidden());
    }
    return d.keys;
  }

  static List<GoldenCase.Key> llama(LlamaSize s) {
    var d = new StateDicts();
    d.add("model.embed_tokens.weight", s.vocab(), s.hidden());
    for (int i = 0; i < s.layers(); i++) {
      String layer = "model.layers." + i + ".";
      for (Linear linear : linears(s)) {
        d.add(layer + linear.name + ".weight", linear.rows, linear.columns);
      }
      d.add(layer + "input_layernorm.weight", s.hidden());
      d.add(layer + "post_attention_layernorm.weight", s.hidden());
    }
    d.add("model.norm.weight", s.hidden());
    if (!s.tied()) {
      d.add("lm_head.weight", s.vocab(), s.hidden());
    }
    return d.keys;
  }

  static List<GoldenCase.Key> lora(LlamaSize s, LoraSize lora) {
    var d = new StateDicts();
    for (int i = 0; i < s.layers(); i++) {
      for (Linear linear : linears(s)) {
        if (lora.targets().contains(linear.name.substring(linear.name.indexOf('.') + 1))) {
          String module = "base_model.model.model.layers." + i + "." + linear.name;
          d.add(module + ".lora_A.weight", lora.r(), linear.columns);
          d.add(module + ".lora_B.weight", linear.rows, lora.r());
        }
      }
    }
    return d.keys;
  }

  static List<GoldenCase.Key> multimodalProjector(int width, int hidden) {
    var d = new StateDicts();
    d.linear("mm_projector.0", hidden, width);
    d.linear("mm_projector.2", hidden, hidden);
    return d.keys;
  }

  static List<GoldenCase.Key> imageProjection(int rows, int columns) {
    var d = new StateDicts();
    d.linear("img_proj_layer", rows, columns);
    return d.keys;
  }

  private record Linear(String name, long rows, long columns) {}

  private static List<Linear> linears(LlamaSize s) {
    long queries = (long) s.heads() * s.headDim();
    long keys = (long) s.kvHeads() * s.headDim();
    return List.of(
        new Linear("self_attn.q_proj", queries, s.hidden()),
        new Linear("self_attn.k_proj", keys, s.hidden()),
        new Linear("self_attn.v_proj", keys, s.hidden()),
        new Linear("self_attn.o_proj", s.hidden(), queries),
        new Linear("mlp.gate_proj", s.intermediate(), s.hidden()),
        new Linear("mlp.up_proj", s.intermediate(), s.hidden()),
        new Linear("mlp.down_proj", s.hidden(), s.intermediate()));
  }

  private void add(String name, long... shape) {
    keys.add(new GoldenCase.Key(name, shape, FLOAT));
  }

  private void linear(String name, long rows, long columns) {
    add(name + ".weight", rows, columns);
    add(name + ".bias", rows);
  }

  private void norm(String name, long width) {
    add(name + ".weight", width);
    add(name + ".bias", width);
  }

  private void attention(String name, long hidden, long width) {
    linear(name + "self.query", hidden, hidden);
    linear(name + "self.key", hidden, width);
    linear(name + "self.value", hidden, width);
    linear(name + "output.dense", hidden, hidden);
    norm(name + "output.LayerNorm", hidden);
  }

  private void mlp(String layer, String kind, long hidden, long ffn) {
    linear(layer + "intermediate" + kind + ".dense", ffn, hidden);
    linear(layer + "output" + kind + ".dense", hidden, ffn);
    norm(layer + "output" + kind + ".LayerNorm", hidden);
  }
}
