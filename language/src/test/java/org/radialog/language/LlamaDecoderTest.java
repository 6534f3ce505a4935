package org.radialog.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.radialog.base.RadialogException;
import org.radialog.testing.BaseGguf;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.Logits;
import org.radialog.weights.Checkpoint;
import tools.jackson.databind.JsonNode;

/** The plain-Java decode step on the shipped language model, beside libtorch in fp32. */
class LlamaDecoderTest {
  private static final LoraConfig LORA =
      new LoraConfig(16, 32, 0, EnumSet.allOf(LlamaLinear.class));

  private static Checkpoint gguf;
  private static LlamaWeights weights;
  private static List<Prompt> prompts;

  /** A prompt of the golden case with the reference's continuation, its cache and fp32 logits. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Prompt(int[] prompt, int[] ids, KvCache cache, float[][] logits)
      implements AutoCloseable {
    @Override
    public void close() {
      cache.close();
    }
  }

  @BeforeAll
  static void open() {
    gguf = BaseGguf.open();
    weights = LlamaWeights.of(gguf);
    try (Llama llama = LlamaLoading.of(weights, Precision.FP32)) {
      prompts = prompts(llama);
    }
  }

  @AfterAll
  static void close() {
    prompts.forEach(Prompt::close);
    gguf.close();
  }

  // Each prompt in its cache, and the logits after each of the reference's tokens, in one pass.
  private static List<Prompt> prompts(Llama llama) {
    List<Prompt> result = new ArrayList<>();
    for (JsonNode c : Golden.theCase("smollm2-gguf").values().required("cases")) {
      int[] ids = ints(c.required("greedy_ids"));
      int[] prompt = ints(c.required("prompt_ids"));
      KvCache cache = new KvCache(weights.config().cacheShape());
      llama.prefill(cache, List.of(new LlamaInput.Tokens(prompt)));
      result.add(new Prompt(prompt, ids, cache, inOnePass(llama, ids, cache)));
    }
    return result;
  }

  // What steps would give, as libtorchGivesTheLogitsOfEachOfSeveralTokens holds.
  private static float[][] inOnePass(Llama llama, int[] ids, KvCache prompt) {
    float[][] logits = new float[ids.length][weights.config().vocab()];
    try (KvCache cache = prompt.copy(prompt.length())) {
      llama.extend(List.of(ids), List.of(cache), logits);
    }
    return logits;
  }

  private static int[] ints(JsonNode list) {
    return Arrays.stream(GoldenCase.longs(list)).mapToInt(Math::toIntExact).toArray();
  }

  // The logits after each of the reference's tokens.
  private static float[][] forced(LanguageDecoder decoder, Prompt prompt) {
    float[][] logits = new float[prompt.ids.length][weights.config().vocab()];
    try (KvCache cache = prompt.cache.copy(prompt.cache.length())) {
      for (int i = 0; i < prompt.ids.length; i++) {
        decoder.step(new int[] {prompt.ids[i]}, List.of(cache), new float[][] {logits[i]});
      }
    }
    return logits;
  }

  /** Root of the mean square difference, and how many greedy choices agree. */
  private record Nearness(double rms, int equal, int choices) {
    static Nearness of(List<float[][]> actual, List<float[][]> expected) {
      double squares = 0;
      long values = 0;
      int equal = 0;
      int choices = 0;
      for (int p = 0; p < actual.size(); p++) {
        for (int i = 0; i < actual.get(p).length; i++) {
          float[] a = actual.get(p)[i];
          float[] e = expected.get(p)[i];
          for (int v = 0; v < a.length; v++) {
            double difference = (double) a[v] - e[v];
            squares += difference * difference;
          }
          values += a.length;
          equal += Logits.argmax(a) == Logits.argmax(e) ? 1 : 0;
          choices++;
        }
      }
      return new Nearness(Math.sqrt(squares / values), equal, choices);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"INT8", "INT4"})
  void logitsLieNearFp32AndChoicesAgree(Precision precision) {
    try (LlamaDecoder decoder = LlamaDecoder.of(weights, Optional.empty(), false, precision)) {
      Nearness near =
          Nearness.of(
              prompts.stream().map(p -> forced(decoder, p)).toList(),
              prompts.stream().map(p -> p.logits).toList());
      System.out.printf(
          "parity smollm2-gguf/%s.logits rms %.3f (0.3), %d of %d choices (88)%n",
          precision.label(), near.rms, near.equal, near.choices);
      assertThat(near.rms).isLessThanOrEqualTo(0.3);
      assertThat(near.choices).isEqualTo(96);
      assertThat(near.equal).isGreaterThanOrEqualTo(88);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"INT8", "INT4"})
  void aSequenceHasTheSameBitsAloneAndInABatchOnAnyNumberOfThreads(Precision precision) {
    PackedLlama packed = PackedLlama.of(weights, Optional.of(adapter()), false, precision);
    List<float[][]> alone = new ArrayList<>();
    try (LlamaDecoder one = new LlamaDecoder(weights, packed, 1)) {
      prompts.forEach(p -> alone.add(forced(one, p)));
    }
    // closing a decoder frees its weights
    PackedLlama again = PackedLlama.of(weights, Optional.of(adapter()), false, precision);
    try (LlamaDecoder three = new LlamaDecoder(weights, again, 3)) {
      List<KvCache> caches = new ArrayList<>();
      for (int b = 0; b < 7; b++) { // 4 + 2 + 1 at once, of different lengths
        KvCache from = prompts.get(b % prompts.size()).cache;
        caches.add(from.copy(from.length()));
      }
      float[][] logits = new float[caches.size()][weights.config().vocab()];
      int[] tokens = new int[caches.size()];
      for (int i = 0; i < 8; i++) {
        for (int b = 0; b < tokens.length; b++) {
          tokens[b] = prompts.get(b % prompts.size()).ids[i];
        }
        three.step(tokens, caches, logits);
        for (int b = 0; b < tokens.length; b++) {
          assertThat(Arrays.equals(logits[b], alone.get(b % prompts.size())[i]))
              .as("sequence %d, step %d", b, i)
              .isTrue();
        }
      }
      caches.forEach(KvCache::close);
    }
  }

  // Three sequences go on by random numbers of tokens a pass, across the ends of attention's
  // chunks.
  @ParameterizedTest
  @EnumSource(names = {"INT8", "INT4"})
  void aTokenHasTheSameBitsAloneAndInAPassOfSeveral(Precision precision) {
    int vocab = weights.config().vocab();
    int[] starts = {0, 124, 3}; // the second reaches a chunk's end within the first pass or two
    int[] ends = {70, 136, 20};
    PackedLlama packed = PackedLlama.of(weights, Optional.of(adapter()), false, precision);
    try (LlamaDecoder decoder = new LlamaDecoder(weights, packed, 3)) {
      List<int[]> texts = new ArrayList<>();
      List<float[][]> alone = new ArrayList<>();
      List<KvCache> caches = new ArrayList<>();
      for (int b = 0; b < starts.length; b++) {
        int[] text = new Random(b).ints(ends[b], 0, vocab).toArray();
        float[][] logits = new float[text.length][vocab];
        KvCache cache = new KvCache(weights.config().cacheShape());
        int known = Math.max(0, starts[b] - 4); // before what is compared, in passes of four
        for (int i = 0; i < known; i += 4) {
          int[] some = Arrays.copyOfRange(text, i, i + 4);
          decoder.extend(List.of(some), List.of(cache), Arrays.copyOfRange(logits, i, i + 4));
        }
        for (int i = known; i < text.length; i++) {
          decoder.step(new int[] {text[i]}, List.of(cache), new float[][] {logits[i]});
        }
        cache.truncate(starts[b]);
        texts.add(text);
        alone.add(logits);
        caches.add(cache);
      }
      Random random = new Random(7);
      int[] next = starts.clone();
      while (IntStream.range(0, next.length).anyMatch(b -> next[b] < ends[b])) {
        List<int[]> tokens = new ArrayList<>();
        List<KvCache> running = new ArrayList<>();
        List<float[]> expected = new ArrayList<>();
        for (int b = 0; b < next.length; b++) {
          int count = Math.min(random.nextInt(6), ends[b] - next[b]);
          if (count > 0) {
            tokens.add(Arrays.copyOfRange(texts.get(b), next[b], next[b] + count));
            running.add(caches.get(b));
            expected.addAll(Arrays.asList(alone.get(b)).subList(next[b], next[b] + count));
            next[b] += count;
          }
        }
        if (tokens.isEmpty()) {
          continue;
        }
        float[][] logits = new float[expected.size()][vocab];
        decoder.extend(tokens, running, logits);
        for (int row = 0; row < logits.length; row++) {
          assertThat(Arrays.equals(logits[row], expected.get(row)))
              .as("row %d of %d after %s tokens", row, logits.length, Arrays.toString(next))
              .isTrue();
        }
      }
      for (int b = 0; b < ends.length; b++) {
        assertThat(caches.get(b).length()).isEqualTo(ends[b]);
        caches.get(b).close();
      }
    }
  }

  @Test
  void libtorchGivesTheLogitsOfEachOfSeveralTokens() {
    try (Llama llama = LlamaLoading.of(weights, Precision.FP32)) {
      List<KvCache> caches = prompts.stream().map(p -> p.cache.copy(p.cache.length())).toList();
      List<int[]> tokens = prompts.stream().map(p -> p.ids).toList();
      int[] lengths = prompts.stream().mapToInt(p -> p.ids.length).toArray();
      float[][] logits = new float[Arrays.stream(lengths).sum()][weights.config().vocab()];
      llama.extend(tokens, caches, logits);
      int row = 0;
      for (int b = 0; b < lengths.length; b++) {
        Prompt p = prompts.get(b);
        KvCache cache = caches.get(b);
        assertThat(cache.length()).isEqualTo(p.cache.length() + lengths[b]);
        // steps at the end, behind the keys and values that the pass left, and at the beginning
        for (int from : new int[] {lengths[b] - 4, 0}) {
          cache.truncate(p.cache.length() + from);
          for (int i = from; i < from + 4; i++) {
            float[][] step = new float[1][weights.config().vocab()];
            llama.step(new int[] {p.ids[i]}, List.of(cache), step);
            String name = "sequence %d, token %d".formatted(b, i);
            assertThat(farthest(logits[row + i], step[0])).as(name).isLessThan(1e-3f);
            assertThat(farthest(p.logits[i], step[0])).as(name).isLessThan(1e-3f);
          }
        }
        row += lengths[b];
        cache.close();
      }
    }
  }

  // The largest difference; not a number where one of the values is none.
  private static float farthest(float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    float farthest = 0;
    for (int i = 0; i < actual.length; i++) {
      farthest = Math.max(farthest, Math.abs(actual[i] - expected[i]));
    }
    return farthest;
  }

  @Test
  void anAdapterChangesTheLogitsAsInFp32() {
    List<float[][]> expected;
    try (Llama llama = LlamaLoading.of(weights, Optional.of(adapter()), Precision.FP32)) {
      expected = prompts.stream().map(p -> inOnePass(llama, p.ids, p.cache)).toList();
    }
    Nearness without = Nearness.of(prompts.stream().map(Prompt::logits).toList(), expected);
    assertThat(without.rms).as("what the adapter does").isGreaterThan(0.6);
    try (LlamaDecoder beside =
            LlamaDecoder.of(weights, Optional.of(adapter()), false, Precision.INT4);
        LlamaDecoder merged =
            LlamaDecoder.of(weights, Optional.of(adapter()), true, Precision.INT8)) {
      for (LlamaDecoder decoder : List.of(beside, merged)) {
        Nearness near =
            Nearness.of(prompts.stream().map(p -> forced(decoder, p)).toList(), expected);
        System.out.printf(
            "adapter %s: rms %.3f, without it %.3f%n",
            decoder == beside ? "beside int4" : "merged into int8", near.rms, without.rms);
        assertThat(near.rms).isLessThanOrEqualTo(0.3);
      }
    }
  }

  // Every linear layer, large enough to be seen.
  private static LoraAdapter adapter() {
    return new LoraAdapter(
        LORA,
        (name, shape) -> {
          Random random = new Random(name.hashCode());
          float[] values = new float[Math.toIntExact(shape[0] * shape[1])];
          for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() * 0.03);
          }
          return Optional.of(values);
        });
  }

  @Test
  void aPackedFileGivesTheSameBitsAndIsTakenForWhatItIs(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("packed");
    float[][] expected;
    try (LlamaDecoder decoder =
        LlamaDecoder.of(weights, Optional.of(adapter()), false, Precision.INT4)) {
      expected = forced(decoder, prompts.getFirst());
    }
    LlamaDecoder.pack(
        file, "base 1 adapter 2", weights, Optional.of(adapter()), false, Precision.INT4);
    try (LlamaDecoder decoder =
        LlamaDecoder.packed(file, "base 1 adapter 2", weights, Precision.INT4).orElseThrow()) {
      assertThat(Arrays.deepEquals(forced(decoder, prompts.getFirst()), expected)).isTrue();
    }
    assertThat(LlamaDecoder.packed(file, "base 1 adapter 3", weights, Precision.INT4)).isEmpty();
    assertThat(LlamaDecoder.packed(file, "base 1 adapter 2", weights, Precision.INT8)).isEmpty();
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length - 1));
    assertThatThrownBy(
            () -> PackedLlama.map(file, "base 1 adapter 2", weights.config(), Precision.INT4))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("expected " + whole.length);
    assertThat(LlamaDecoder.packed(file, "base 1 adapter 2", weights, Precision.INT4)).isEmpty();
    assertThat(LlamaDecoder.packed(folder.resolve("none"), "k", weights, Precision.INT4)).isEmpty();
  }

  @Test
  void packedWeightsOfOtherFilesAreFoundOutWhateverTheyAreMarkedWith(@TempDir Path folder) {
    Path file = folder.resolve("packed");
    LlamaDecoder.pack(file, "the same", weights, Optional.of(adapter()), true, Precision.INT8);
    assertThat(
            LlamaDecoder.equal(
                file, "the same", weights, Optional.of(adapter()), true, Precision.INT8))
        .contains(true);
    assertThat(
            LlamaDecoder.equal(file, "the same", weights, Optional.empty(), true, Precision.INT8))
        .contains(false);
    assertThat(LlamaDecoder.equal(file, "another", weights, Optional.empty(), true, Precision.INT8))
        .isEmpty();
  }

  // The same weights in bf16 as a whole, and panel by panel from the packed ones.
  @ParameterizedTest
  @EnumSource(names = {"INT8", "INT4"})
  void promptsOverPackedWeightsLieNearFp32(Precision precision) {
    try (LlamaDecoder decoder = LlamaDecoder.of(weights, Optional.of(adapter()), false, precision);
        Llama over = LlamaLoading.over(decoder);
        Llama exact = LlamaLoading.of(weights, Optional.of(adapter()), Precision.FP32)) {
      Nearness near =
          Nearness.of(
              prompts.stream().map(p -> new float[][] {prompted(over, p)}).toList(),
              prompts.stream().map(p -> new float[][] {prompted(exact, p)}).toList());
      System.out.printf("prompts over packed %s: rms %.3f%n", precision.label(), near.rms);
      assertThat(near.rms).isLessThanOrEqualTo(0.3);
    }
  }

  @Test
  void aModelThatIsConvertedAsItIsUsedGivesTheSameLogits() {
    LlamaMatrices stream = new LlamaStream(weights, Optional.of(adapter()), ScalarType.Float);
    try (Llama streamed = new Llama(stream);
        Llama held = LlamaLoading.of(weights, Optional.of(adapter()), Precision.FP32)) {
      for (Prompt p : prompts) {
        assertThat(farthest(prompted(streamed, p), prompted(held, p))).isLessThan(1e-4f);
      }
    }
  }

  private static float[] prompted(Llama llama, Prompt prompt) {
    try (KvCache cache = new KvCache(weights.config().cacheShape())) {
      return llama.prefill(cache, List.of(new LlamaInput.Tokens(prompt.prompt)));
    }
  }

  @Test
  void badCallsAreRefusedWithTheNumbersAndLeaveTheCache() {
    try (LlamaDecoder decoder = LlamaDecoder.of(weights, Optional.empty(), false, Precision.INT4);
        KvCache cache = new KvCache(weights.config().cacheShape())) {
      float[][] logits = new float[1][weights.config().vocab()];
      assertThatThrownBy(() -> decoder.step(new int[] {49152}, List.of(cache), logits))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("49152");
      assertThatThrownBy(() -> decoder.step(new int[] {1}, List.of(cache), new float[1][7]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("7");
      assertThatThrownBy(() -> decoder.step(new int[] {1, 2}, List.of(cache), logits))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> decoder.extend(List.of(new int[] {1, 2}), List.of(cache), logits))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("1 rows for 2");
      assertThatThrownBy(() ->
              decoder.extend(List.of(new int[0], new int[] {1}), List.of(cache, cache), logits))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("sequence 0 gets no token");
      assertThat(cache.length()).isZero();
      decoder.step(new int[] {1}, List.of(cache), logits);
      assertThat(cache.length()).isEqualTo(1);
    }
    assertThatThrownBy(() -> LlamaDecoder.of(weights, Optional.empty(), false, Precision.BF16))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("bf16");
  }
}
