package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.radialog.language.KvCache;
import org.radialog.language.LanguageDecoder;
import org.radialog.language.LanguageNetwork;
import org.radialog.language.LlamaInput;
import org.radialog.language.Precision;
import org.radialog.published.ModelFolder;
import org.radialog.testmodel.TinyModel;
import org.radialog.text.TextTokenizer;
import org.radialog.weights.Checkpoint;

/**
 * An answer is a function of model, precision, film, conversation, settings and seed: the embedded
 * language model's tokens and logits, bit for bit.
 */
@Timeout(600)
class ReproducibleTest {
  private static final Path MINI =
      Path.of(System.getProperty("radialog.root", ""), "models", "mini");
  private static final int TOKENS = 12;

  private static void unheard(String text) {}

  /** Notes a digest of the logits of every token, by the cache that it was appended to. */
  private static final class Recorder implements LanguageDecoder {
    private final LanguageDecoder decoder;
    private final Map<KvCache, List<Integer>> digests =
        Collections.synchronizedMap(new IdentityHashMap<>());

    Recorder(LanguageDecoder decoder) {
      this.decoder = decoder;
    }

    @Override
    public void extend(List<int[]> tokens, List<KvCache> caches, float[][] logits) {
      decoder.extend(tokens, caches, logits);
      int row = 0;
      for (int b = 0; b < caches.size(); b++) {
        List<Integer> mine = digests.computeIfAbsent(caches.get(b), cache -> new ArrayList<>());
        for (int i = 0; i < tokens.get(b).length; i++) {
          mine.add(Arrays.hashCode(logits[row++]));
        }
      }
    }

    @Override
    public int passTokens() {
      return decoder.passTokens();
    }
  }

  private static Engine engine(LanguageNetwork network, TextTokenizer tokenizer) {
    return new Engine(network, tokenizer, Set.of(), Engine.Limits.NONE);
  }

  private static int[] ids(int seed, int length) {
    return new Random(seed).ints(length, 0, 49_000).toArray();
  }

  // Words, 32 rows of a film, words: as a report is asked for.
  private static List<LlamaInput> prompt(int seed, int width) {
    float[] image = new float[32 * width];
    Random random = new Random(seed);
    for (int i = 0; i < image.length; i++) {
      image[i] = 0.1f * (float) random.nextGaussian();
    }
    return List.of(
        new LlamaInput.Tokens(ids(seed, 21)),
        new LlamaInput.Embeddings(image, 32),
        new LlamaInput.Tokens(ids(seed + 1, 37)));
  }

  private static List<LlamaInput> and(List<LlamaInput> said, List<Integer> answer, int seed) {
    List<LlamaInput> next = new ArrayList<>(said);
    next.add(new LlamaInput.Answer(answer.stream().mapToInt(Integer::intValue).toArray()));
    next.add(new LlamaInput.Tokens(ids(seed, 9)));
    return next;
  }

  private static List<Integer> answer(
      Engine.Sequence sequence, List<LlamaInput> prompt, Decoding how) {
    return sequence.generate(prompt, how, ReproducibleTest::unheard).ids();
  }

  /** Two turns. */
  private static List<List<Integer>> talk(Engine engine, int seed, int width, Decoding how) {
    try (Engine.Sequence sequence = engine.open()) {
      List<LlamaInput> prompt = prompt(seed, width);
      List<Integer> first = answer(sequence, prompt, how);
      return List.of(first, answer(sequence, and(prompt, first, seed + 2), how));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"INT8", "INT4"})
  void answersAreTheSameAloneTwiceBesideOthersAndHoweverThePromptIsCut(Precision precision) {
    try (LanguageModel model = LanguageModel.open(MINI, Options.DEFAULT.with(precision));
        Checkpoint base =
            Checkpoint.open(MINI.resolve(ModelFolder.open(MINI).config().language().weights()));
        TextTokenizer tokenizer = TextTokenizer.of(base)) {
      int width = model.llama().config().hidden();
      Decoding greedy = Decoding.greedy(TOKENS);
      for (Decoding how : List.of(greedy, greedy.sampled(1, 1, 5))) {
        List<List<Integer>> expected;
        List<Integer> logits;
        Recorder recorder = new Recorder(model.decoder());
        try (Engine engine = engine(LanguageNetwork.of(model.llama(), recorder), tokenizer)) {
          engine.guess(false);
          expected = talk(engine, 100, width, how);
          logits = recorder.digests.values().iterator().next();
        }

        // Beside three others, who begin while it prefills and while it answers.
        Recorder together = new Recorder(model.decoder());
        try (Engine engine = engine(LanguageNetwork.of(model.llama(), together), tokenizer)) {
          engine.guess(false);
          List<CompletableFuture<List<List<Integer>>>> all =
              IntStream.range(0, 4)
                  .mapToObj(i ->
                      CompletableFuture.supplyAsync(
                          () -> talk(engine, 100 + 10 * i, width, how),
                          work -> Thread.ofPlatform().start(work)))
                  .toList();
          assertThat(all.getFirst().join()).isEqualTo(expected);
          all.forEach(CompletableFuture::join);
          assertThat(together.digests.values()).contains(logits);
        }

        try (Engine engine = engine(model.network(), tokenizer);
            Engine.Sequence sequence = engine.open();
            Engine.Sequence reopened = engine.open()) {
          List<LlamaInput> prompt = prompt(100, width);
          List<LlamaInput> next = and(prompt, expected.get(0), 102);
          // Twice in one conversation; then cut where it was not before.
          assertThat(answer(sequence, prompt, how)).isEqualTo(expected.get(0));
          assertThat(answer(sequence, prompt, how)).isEqualTo(expected.get(0));
          assertThat(answer(sequence, next, how)).isEqualTo(expected.get(1));
          assertThat(answer(sequence, prompt, how)).isEqualTo(expected.get(0));
          try (Engine.Sequence cut = engine.open()) {
            answer(cut, List.of(prompt.get(0)), Decoding.greedy(1));
            answer(cut, prompt.subList(0, 2), Decoding.greedy(3));
            assertThat(answer(cut, prompt, how)).isEqualTo(expected.get(0));
          }
          // From what was stored of the first turn.
          assertThat(answer(reopened, next, how)).isEqualTo(expected.get(1));
        }
      }
    }
  }

  @Test
  void whatIsSeenOnAFilmIsTheSameAloneAndBesideOthers() {
    try (RaDialog model = RaDialog.load(TinyModel.folder(), Options.DEFAULT.with(Precision.INT8))) {
      FilmReader.Reading alone = model.loaded().films().read(TinyModel.film(3), Optional.empty());
      List<CompletableFuture<FilmReader.Reading>> all =
          IntStream.range(0, 6)
              .mapToObj(i ->
                  CompletableFuture.supplyAsync(
                      () -> {
                        try (Dialog dialog = model.open(Study.of(TinyModel.film(i)))) {
                          dialog.report(Decoding.greedy(20), ReproducibleTest::unheard);
                          return model.loaded().films().read(TinyModel.film(3), Optional.empty());
                        }
                      },
                      work -> Thread.ofPlatform().start(work)))
              .toList();
      for (CompletableFuture<FilmReader.Reading> beside : all) {
        assertThat(beside.join().logits()).isEqualTo(alone.logits());
        assertThat(beside.join().image().rows()).isEqualTo(alone.image().rows());
        assertThat(beside.join().patches()).isEqualTo(alone.patches());
      }
    }
  }
}
