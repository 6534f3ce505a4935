package org.radialog.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.radialog.testing.BaseGguf;
import org.radialog.testing.GgufFile;
import org.radialog.weights.Checkpoint;

/**
 * A language model of one small layer, drawn at random, with the first {@value #TOKENS} words of
 * the embedded model's vocabulary: a step of its training takes a moment.
 */
final class TinyBase {
  static final String NAME = "A tiny model";

  private static final int TOKENS = 2000;
  private static final int WIDTH = 64;
  private static final int MLP = 128;

  private TinyBase() {}

  static void write(Path file) {
    List<String> tokens = new ArrayList<>();
    List<Integer> types = new ArrayList<>();
    List<String> merges = new ArrayList<>();
    try (Checkpoint base = BaseGguf.open()) {
      list(base, "tokenizer.ggml.tokens").subList(0, TOKENS).forEach(t -> tokens.add("" + t));
      for (Object type : list(base, "tokenizer.ggml.token_type").subList(0, TOKENS)) {
        types.add(((Number) type).intValue());
      }
      Set<String> known = new HashSet<>(tokens);
      for (Object merge : list(base, "tokenizer.ggml.merges")) {
        if (known.contains(("" + merge).replace(" ", ""))) {
          merges.add("" + merge);
        }
      }
    }
    GgufFile gguf =
        new GgufFile()
            .put("general.architecture", "llama")
            .put("general.name", NAME)
            .put("general.license", "mit")
            .put("llama.block_count", 1)
            .put("llama.context_length", 2048)
            .put("llama.embedding_length", WIDTH)
            .put("llama.feed_forward_length", MLP)
            .put("llama.attention.head_count", 4)
            .put("llama.attention.head_count_kv", 2)
            .put("llama.attention.layer_norm_rms_epsilon", 1e-5f)
            .put("llama.rope.freq_base", 10_000f)
            .put("llama.rope.dimension_count", WIDTH / 4)
            .put("llama.vocab_size", TOKENS)
            .put("tokenizer.ggml.model", "gpt2")
            .put("tokenizer.ggml.pre", "smollm")
            .put("tokenizer.ggml.tokens", tokens)
            .put("tokenizer.ggml.token_type", types)
            .put("tokenizer.ggml.merges", merges)
            .put("tokenizer.ggml.bos_token_id", 1)
            .put("tokenizer.ggml.eos_token_id", 2)
            .put("tokenizer.ggml.unknown_token_id", 0)
            .put("tokenizer.ggml.padding_token_id", 2)
            .put("tokenizer.ggml.add_bos_token", false)
            .put("tokenizer.ggml.add_space_prefix", false);
    Random random = new Random(5);
    drawn(gguf, random, "token_embd.weight", TOKENS, WIDTH);
    ones(gguf, "blk.0.attn_norm.weight");
    drawn(gguf, random, "blk.0.attn_q.weight", WIDTH, WIDTH);
    drawn(gguf, random, "blk.0.attn_k.weight", WIDTH / 2, WIDTH);
    drawn(gguf, random, "blk.0.attn_v.weight", WIDTH / 2, WIDTH);
    drawn(gguf, random, "blk.0.attn_output.weight", WIDTH, WIDTH);
    ones(gguf, "blk.0.ffn_norm.weight");
    drawn(gguf, random, "blk.0.ffn_gate.weight", MLP, WIDTH);
    drawn(gguf, random, "blk.0.ffn_up.weight", MLP, WIDTH);
    drawn(gguf, random, "blk.0.ffn_down.weight", WIDTH, MLP);
    ones(gguf, "output_norm.weight");
    gguf.write(file);
  }

  private static List<?> list(Checkpoint gguf, String key) {
    return gguf.metadata().get(key) instanceof List<?> list ? list : Collections.emptyList();
  }

  private static void ones(GgufFile gguf, String name) {
    float[] values = new float[WIDTH];
    Arrays.fill(values, 1);
    gguf.tensor(name, values, WIDTH);
  }

  private static void drawn(GgufFile gguf, Random random, String name, int rows, int columns) {
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() / Math.sqrt(columns));
    }
    gguf.tensor(name, values, rows, columns);
  }
}
