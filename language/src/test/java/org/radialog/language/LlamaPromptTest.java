package org.radialog.language;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.radialog.testing.BaseGguf;
import org.radialog.weights.Checkpoint;

/** A prompt in bf16, by tensors in memory and by packed weights, on the embedded model. */
@Timeout(600)
class LlamaPromptTest {
  private static final int LENGTH = 330; // beyond BlockAttention.PAYS, and no multiple of a block

  private static Checkpoint gguf;
  private static LlamaWeights weights;
  private static LlamaDecoder int4;

  @BeforeAll
  static void open() {
    gguf = BaseGguf.open();
    weights = LlamaWeights.of(gguf);
    int4 = LlamaDecoder.of(weights, Optional.empty(), false, Precision.INT4);
  }

  @AfterAll
  static void close() {
    int4.close();
    gguf.close();
  }

  record Way(String name, Function<LlamaWeights, Llama> open) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Way> ways() {
    return Stream.of(
        new Way("tensors", w -> LlamaLoading.of(w, Precision.BF16)),
        new Way("packed", w -> LlamaLoading.over(int4)),
        new Way("stream", w -> new Llama(new LlamaStream(w, Optional.empty(), bf16()))));
  }

  private static org.bytedeco.pytorch.global.torch.ScalarType bf16() {
    return org.bytedeco.pytorch.global.torch.ScalarType.BFloat16;
  }

  /** Digests of what a prompt leaves: the logits behind it, and keys and values of all layers. */
  private static List<Integer> left(Llama llama, int[] ids, int threads, int... cuts) {
    llama.threads(threads);
    try (KvCache cache = new KvCache(llama.cacheShape())) {
      List<Integer> left = new ArrayList<>();
      float[] logits = {};
      int from = 0;
      for (int i = 0; i <= cuts.length; i++) {
        int to = i == cuts.length ? ids.length : cuts[i];
        int[] some = Arrays.copyOfRange(ids, from, to);
        logits = llama.prefill(cache, List.of(new LlamaInput.Tokens(some)));
        from = to;
      }
      left.add(Arrays.hashCode(logits));
      LlamaConfig c = llama.config();
      for (int layer = 0; layer < c.layers(); layer++) {
        for (var memory : List.of(cache.keys(layer), cache.values(layer))) {
          for (int head = 0; head < c.kvHeads(); head++) {
            long at = (long) head * cache.capacity() * c.headSize() * Float.BYTES;
            long bytes = (long) ids.length * c.headSize() * Float.BYTES;
            left.add(
                Arrays.hashCode(
                    memory.asSlice(at, bytes).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED)));
          }
        }
      }
      return left;
    }
  }

  @ParameterizedTest
  @MethodSource("ways")
  void aPromptLeavesTheSameBitsHoweverItIsCutOnAnyNumberOfThreads(Way way) {
    int[] ids = new Random(7).ints(LENGTH, 0, weights.config().vocab()).toArray();
    try (Llama llama = way.open.apply(weights)) {
      List<Integer> whole = left(llama, ids, 2);
      assertThat(left(llama, ids, 1, 1, 63, 64, 65, 200, 329)).isEqualTo(whole);
      assertThat(left(llama, ids, 4, 130, 250)).isEqualTo(whole);
      // Other work beside it takes the processors from its threads and shares the libraries.
      AtomicBoolean over = new AtomicBoolean();
      for (int i = 0; i < 2; i++) {
        Thread.ofPlatform()
            .start(() -> {
              while (!over.get()) {
                Thread.onSpinWait();
              }
            });
      }
      try {
        assertThat(left(llama, ids, 3)).isEqualTo(whole);
      } finally {
        over.set(true);
      }
    }
  }
}
