package org.radialog.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.radialog.testing.BaseGguf;
import org.radialog.testing.GgufFile;
import org.radialog.testing.LlamaSize;
import org.radialog.weights.Checkpoint;

/**
 * A random language model with one small layer and the first {@value #TOKENS} tokens of the
 * embedded model's vocabulary, for fast training steps.
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
    LlamaSize size =
        new LlamaSize(
            TOKENS, WIDTH, MLP, 1, 4, 2, WIDTH / 4, 2048, 1e-5, 10_000, Optional.empty(), true);
    Random random = new Random(5);
    GgufFile.llama(size, tokens, types, merges, (name, shape) -> drawn(random, shape))
        .put("general.name", NAME)
        .put("general.license", "mit")
        .write(file);
  }

  private static List<?> list(Checkpoint gguf, String key) {
    return gguf.metadata().get(key) instanceof List<?> list ? list : Collections.emptyList();
  }

  private static float[] drawn(Random random, long[] shape) {
    if (shape.length == 1) {
      float[] ones = new float[(int) shape[0]];
      Arrays.fill(ones, 1);
      return ones;
    }
    float[] values = new float[(int) (shape[0] * shape[1])];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() / Math.sqrt((double) shape[1]));
    }
    return values;
  }
}
