package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.language.KvCache;
import org.radialog.language.LanguageDecoder;
import org.radialog.language.LanguageNetwork;
import org.radialog.language.Llama;
import org.radialog.language.LlamaDecoder;
import org.radialog.language.LlamaInput;
import org.radialog.language.LlamaLoading;
import org.radialog.language.LlamaWeights;
import org.radialog.language.Precision;
import org.radialog.testing.GoldenWeights;
import org.radialog.testmodel.TinyModel;
import org.radialog.text.TextTokenizer;
import org.radialog.weights.Checkpoint;

@Timeout(60)
class EngineTest {
  private static Checkpoint checkpoint;
  private static Llama llama;
  private static TextTokenizer tokenizer;

  @BeforeAll
  static void load() {
    checkpoint = Checkpoint.open(TinyModel.folder().resolve("base.gguf"));
    llama = LlamaLoading.of(LlamaWeights.of(checkpoint), Precision.FP32);
    tokenizer = TextTokenizer.of(checkpoint);
  }

  @AfterAll
  static void free() {
    tokenizer.close();
    llama.close();
    checkpoint.close();
  }

  private static void unheard(String text) {}

  private static Engine engine() {
    return engine(llama, Set.of(), Engine.Limits.NONE);
  }

  private static Engine engine(LanguageDecoder decoder) {
    return engine(decoder, Set.of());
  }

  private static Engine engine(LanguageDecoder decoder, Set<Integer> ends) {
    return engine(LanguageNetwork.of(llama, decoder), ends, Engine.Limits.NONE);
  }

  private static Engine engine(LanguageNetwork network, Set<Integer> ends, Engine.Limits limits) {
    return new Engine(network, tokenizer, ends, limits);
  }

  private static List<LlamaInput> prompt(int seed, int length) {
    return List.of(tokens(seed, length));
  }

  private static LlamaInput.Tokens tokens(int seed, int length) {
    long[] ids = GoldenWeights.ids("" + seed, "prompt", 3, TinyModel.LLAMA.vocab(), length);
    return new LlamaInput.Tokens(Arrays.stream(ids).mapToInt(i -> (int) i).toArray());
  }

  private static LlamaInput.Embeddings image(int seed) {
    return new LlamaInput.Embeddings(
        GoldenWeights.floats("" + seed, "image", -1, 1, 4, TinyModel.LLAMA.hidden()), 4);
  }

  private static List<LlamaInput> and(
      List<LlamaInput> before, Engine.Completion answer, LlamaInput then) {
    List<LlamaInput> all = new ArrayList<>(before);
    all.add(new LlamaInput.Answer(answer.ids().stream().mapToInt(Integer::intValue).toArray()));
    all.add(then);
    return all;
  }

  private static String text(List<Integer> ids) {
    return tokenizer.decode(ids.stream().mapToInt(id -> id).toArray());
  }

  private static int likeliest(float[] logits) {
    return LanguageDecoder.likeliest(logits, logits.length);
  }

  /** The oracle: no engine, one prefill of everything for each token. */
  private static List<Integer> greedy(List<LlamaInput> prompt, int count) {
    List<LlamaInput> all = new ArrayList<>(prompt);
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      try (KvCache cache = new KvCache(llama.cacheShape())) {
        int id = likeliest(llama.prefill(cache, all));
        ids.add(id);
        all.add(new LlamaInput.Tokens(new int[] {id}));
      }
    }
    return ids;
  }

  @Test
  void greedyTokensAreThoseOfAForwardPassOverTheWholeTextEachTime() {
    List<LlamaInput> prompt = List.of(tokens(1, 7), image(1), tokens(2, 5));
    try (Engine engine = engine();
        Engine.Sequence sequence = engine.open()) {
      Engine.Completion answer =
          sequence.generate(prompt, Decoding.greedy(12), EngineTest::unheard);
      assertThat(answer.ids()).isEqualTo(greedy(prompt, 12));
      assertThat(answer.end()).isEqualTo(Engine.End.LENGTH);
      assertThat(answer.usage()).isEqualTo(new Usage(16, 0, 12));
    }
  }

  @Test
  void eightAtOnceGiveTheTokensThatEachGivesAlone() {
    List<List<Integer>> alone = new ArrayList<>();
    try (Engine engine = engine()) {
      for (int i = 0; i < 8; i++) {
        try (Engine.Sequence sequence = engine.open()) {
          alone.add(
              sequence
                  .generate(prompt(i, 5 + 3 * i), Decoding.greedy(40), EngineTest::unheard)
                  .ids());
        }
      }
      // The joined rows must really have been joined.
      AtomicInteger most = new AtomicInteger();
      LanguageDecoder counting =
          (tokens, caches, logits) -> {
            most.accumulateAndGet(tokens.size(), Math::max);
            llama.extend(tokens, caches, logits);
          };
      try (Engine together = engine(counting)) {
        CountDownLatch go = new CountDownLatch(8);
        List<CompletableFuture<List<Integer>>> answers =
            IntStream.range(0, 8)
                .mapToObj(i ->
                    CompletableFuture.supplyAsync(
                        () -> {
                          try (Engine.Sequence sequence = together.open()) {
                            go.countDown();
                            go.await();
                            return sequence
                                .generate(
                                    prompt(i, 5 + 3 * i), Decoding.greedy(40), EngineTest::unheard)
                                .ids();
                          } catch (InterruptedException e) {
                            throw new IllegalStateException(e);
                          }
                        },
                        work -> Thread.ofPlatform().start(work)))
                .toList();
        assertThat(answers.stream().map(CompletableFuture::join).toList()).isEqualTo(alone);
      }
      assertThat(most).hasValueGreaterThan(4);
    }
  }

  /** Quantised steps whose passes take so many tokens. */
  private static LanguageDecoder passes(LanguageDecoder decoder, int tokens, AtomicInteger most) {
    return new LanguageDecoder() {
      @Override
      public void extend(List<int[]> ids, List<KvCache> caches, float[][] logits) {
        ids.forEach(run -> most.accumulateAndGet(run.length, Math::max));
        decoder.extend(ids, caches, logits);
      }

      @Override
      public int passTokens() {
        return tokens;
      }
    };
  }

  /** What a caller sees of an answer; times apart. */
  private record Seen(
      String text, List<Integer> ids, Engine.End end, Usage usage, List<String> pieces) {}

  /** Three turns of a conversation; the last one begins anew, as a correction may. */
  private static List<Seen> conversation(Engine engine, int seed, List<Decoding> how) {
    List<Seen> turns = new ArrayList<>();
    try (Engine.Sequence sequence = engine.open()) {
      List<LlamaInput> prompt = List.of(tokens(seed, 5), image(seed), tokens(seed + 1, 9));
      for (int turn = 0; turn < 3; turn++) {
        List<String> pieces = new ArrayList<>();
        Engine.Completion answer = sequence.generate(prompt, how.get(turn), pieces::add);
        turns.add(new Seen(answer.text(), answer.ids(), answer.end(), answer.usage(), pieces));
        prompt =
            turn == 0
                ? and(prompt, answer, tokens(seed + 2, 4))
                : List.of(tokens(seed, 5), image(seed), tokens(seed + 3, 11));
      }
    }
    return turns;
  }

  /** Conversations side by side. */
  private static List<List<Seen>> together(Engine engine, int count, List<Decoding> how) {
    List<CompletableFuture<List<Seen>>> answers =
        IntStream.range(0, count)
            .mapToObj(i ->
                CompletableFuture.supplyAsync(
                    () -> conversation(engine, 10 * i, how),
                    work -> Thread.ofPlatform().start(work)))
            .toList();
    return answers.stream().map(CompletableFuture::join).toList();
  }

  @Test
  void guessedTokensChangeNothingThatACallerSees() {
    try (LlamaDecoder decoder =
        LlamaDecoder.of(LlamaWeights.of(checkpoint), Optional.empty(), false, Precision.INT8)) {
      AtomicInteger most = new AtomicInteger();
      Set<Engine.End> ends = EnumSet.noneOf(Engine.End.class);
      // A token and a text that come in some answers end them, so that answers end everywhere in a
      // pass.
      List<Integer> some;
      String text;
      try (Engine engine = engine(decoder);
          Engine.Sequence sequence = engine.open()) {
        Engine.Completion free =
            sequence.generate(prompt(4, 9), Decoding.greedy(60), EngineTest::unheard);
        some = free.ids();
        text = free.text();
      }
      for (int round = 0; round < 12; round++) {
        Set<Integer> endTokens = round % 3 == 1 ? Set.of(some.get(4 * round)) : Set.of();
        Decoding plain = Decoding.greedy(40 + 7 * round);
        List<Decoding> how =
            List.of(
                plain,
                round % 2 == 0 ? plain.sampled(0.7, 0.9, round) : plain,
                round % 3 == 2
                    ? plain.stoppingAt(text.substring(2 * round, 2 * round + 2))
                    : plain);
        List<List<Seen>> expected;
        try (Engine engine = engine(passes(decoder, 1, new AtomicInteger()), endTokens)) {
          expected = together(engine, 3, how);
        }
        for (int tokens : new int[] {4, 12}) {
          try (Engine engine = engine(passes(decoder, tokens, most), endTokens)) {
            assertThat(together(engine, 3, how)).isEqualTo(expected);
          }
        }
        expected.forEach(turns -> turns.forEach(turn -> ends.add(turn.end())));
      }
      assertThat(ends)
          .containsExactlyInAnyOrder(Engine.End.END_TOKEN, Engine.End.STOP_TEXT, Engine.End.LENGTH);
      assertThat(most).hasValueGreaterThan(4);
    }
  }

  @Test
  void guessesEndWithTheContext() {
    try (LlamaDecoder decoder =
        LlamaDecoder.of(LlamaWeights.of(checkpoint), Optional.empty(), false, Precision.INT8)) {
      List<LlamaInput> prompt = prompt(4, TinyModel.LLAMA.maxPositions() - 90);
      AtomicInteger most = new AtomicInteger();
      List<List<Integer>> answers = new ArrayList<>();
      for (int tokens : new int[] {1, 12}) {
        try (Engine engine = engine(passes(decoder, tokens, most));
            Engine.Sequence sequence = engine.open()) {
          Engine.Completion answer =
              sequence.generate(prompt, Decoding.greedy(500), EngineTest::unheard);
          assertThat(answer.end()).isEqualTo(Engine.End.CONTEXT);
          assertThat(answer.usage().completionTokens()).isEqualTo(91);
          assertThat(sequence.length()).isEqualTo(TinyModel.LLAMA.maxPositions());
          answers.add(answer.ids());
        }
      }
      assertThat(most).hasValueGreaterThan(1);
      assertThat(answers.get(1)).isEqualTo(answers.get(0));
    }
  }

  @Test
  void whatOneSequenceFailsWithAmongGuessesFailsItAlone() {
    try (LlamaDecoder decoder =
        LlamaDecoder.of(LlamaWeights.of(checkpoint), Optional.empty(), false, Precision.INT8)) {
      AtomicInteger most = new AtomicInteger();
      LanguageDecoder failing =
          passes(
              (tokens, caches, logits) -> {
                if (caches.stream().anyMatch(cache -> cache.length() > 150)) {
                  throw new IllegalStateException("lost its way");
                }
                decoder.extend(tokens, caches, logits);
              },
              12,
              most);
      try (Engine engine = engine(failing);
          Engine.Sequence good = engine.open();
          Engine.Sequence bad = engine.open()) {
        CompletableFuture<Engine.Completion> failed =
            CompletableFuture.supplyAsync(
                () -> bad.generate(prompt(1, 100), Decoding.greedy(300), EngineTest::unheard),
                work -> Thread.ofPlatform().start(work));
        Engine.Completion answer =
            good.generate(prompt(4, 9), Decoding.greedy(130), EngineTest::unheard);
        assertThatThrownBy(failed::join).hasMessageContaining("lost its way");
        try (Engine plain = engine(passes(decoder, 1, most));
            Engine.Sequence alone = plain.open()) {
          assertThat(answer.ids())
              .isEqualTo(
                  alone.generate(prompt(4, 9), Decoding.greedy(130), EngineTest::unheard).ids());
        }
        assertThat(most).hasValueGreaterThan(1);
      }
    }
  }

  @Test
  void whatAPaddedVocabularyHasBeyondTheTokenizersIdsIsNeverSaid(@TempDir Path folder) {
    Path file = folder.resolve("padded.gguf");
    TinyModel.writeLanguage(file, TinyModel.LLAMA.vocab() + 64);
    List<Decoding> ways = List.of(Decoding.greedy(40), Decoding.greedy(40).sampled(1.5, 1, 7));
    try (Checkpoint padded = Checkpoint.open(file);
        Llama model = LlamaLoading.of(LlamaWeights.of(padded), Precision.FP32);
        LlamaDecoder decoder =
            LlamaDecoder.of(LlamaWeights.of(padded), Optional.empty(), false, Precision.INT8);
        KvCache cache = new KvCache(model.config().cacheShape())) {
      assertThat(likeliest(model.prefill(cache, prompt(1, 6))))
          .isGreaterThanOrEqualTo(tokenizer.size());
      for (Decoding how : ways) {
        try (Engine engine =
                engine(LanguageNetwork.of(model, decoder), Set.of(), Engine.Limits.NONE);
            Engine.Sequence sequence = engine.open()) {
          Engine.Completion answer = sequence.generate(prompt(1, 6), how, EngineTest::unheard);
          assertThat(answer.ids()).hasSize(40).allMatch(id -> id < tokenizer.size());
        }
      }
    }
  }

  @Test
  void aLaterTurnComputesOnlyItsNewTokens() {
    List<LlamaInput> first = List.of(tokens(1, 20), image(1), tokens(2, 10));
    try (Engine engine = engine();
        Engine.Sequence sequence = engine.open()) {
      Engine.Completion one = sequence.generate(first, Decoding.greedy(10), EngineTest::unheard);
      List<LlamaInput> second = and(first, one, tokens(3, 6));
      Engine.Completion two = sequence.generate(second, Decoding.greedy(10), EngineTest::unheard);
      // The last token of an answer was chosen, but not yet computed.
      assertThat(two.usage()).isEqualTo(new Usage(34 + 10 + 6, 34 + 9, 10));
      assertThat(two.ids()).isEqualTo(greedy(second, 10));
    }
  }

  @Test
  void aPromptThatPartsFromTheOldOneIsComputedFromWhereItParts() {
    try (Engine engine = engine();
        Engine.Sequence sequence = engine.open()) {
      sequence.generate(
          List.of(tokens(1, 9), image(1), tokens(2, 9)), Decoding.greedy(5), EngineTest::unheard);
      List<LlamaInput> other = List.of(tokens(1, 9), image(2), tokens(2, 9));
      Engine.Completion answer = sequence.generate(other, Decoding.greedy(5), EngineTest::unheard);
      assertThat(answer.usage().cachedTokens()).isEqualTo(9);
      assertThat(answer.ids()).isEqualTo(greedy(other, 5));
      Engine.Completion again = sequence.generate(other, Decoding.greedy(5), EngineTest::unheard);
      assertThat(again.usage()).isEqualTo(new Usage(22, 21, 5));
      assertThat(again.ids()).isEqualTo(answer.ids());
    }
  }

  @Test
  void seedsRepeatAndDiffer() {
    try (Engine engine = engine();
        Engine.Sequence sequence = engine.open()) {
      List<List<Integer>> answers = new ArrayList<>();
      for (long seed : new long[] {5, 5, 6}) {
        answers.add(
            sequence
                .generate(
                    prompt(1, 8), Decoding.greedy(30).sampled(1, 0.95, seed), EngineTest::unheard)
                .ids());
      }
      assertThat(answers.get(0)).isEqualTo(answers.get(1)).isNotEqualTo(answers.get(2));
    }
  }

  @Test
  void anEndTokenEndsTheAnswerAndIsNoPartOfIt() {
    List<Integer> free = greedy(prompt(4, 6), 8);
    int end = free.get(5);
    int before = free.indexOf(end);
    try (Engine engine = engine(llama, Set.of(end), Engine.Limits.NONE);
        Engine.Sequence sequence = engine.open()) {
      Engine.Completion answer =
          sequence.generate(prompt(4, 6), Decoding.greedy(8), EngineTest::unheard);
      assertThat(answer.ids()).isEqualTo(free.subList(0, before));
      assertThat(answer.end()).isEqualTo(Engine.End.END_TOKEN);
      assertThat(answer.usage().completionTokens()).isEqualTo(before + 1);
    }
  }

  @Test
  void aStopTextAcrossTokensEndsTheAnswerBeforeIt() {
    try (Engine engine = engine();
        Engine.Sequence sequence = engine.open()) {
      String whole =
          sequence.generate(prompt(4, 6), Decoding.greedy(20), EngineTest::unheard).text();
      String stop = whole.substring(5, 8);
      StringBuilder shown = new StringBuilder();
      Engine.Completion answer =
          sequence.generate(
              prompt(4, 6), Decoding.greedy(20).stoppingAt(stop), text -> shown.append(text));
      assertThat(answer.text()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
      assertThat(answer.end()).isEqualTo(Engine.End.STOP_TEXT);
      assertThat(shown).hasToString(answer.text());
    }
  }

  @Test
  void textStreamsPieceByPieceInTheCallersThread() {
    try (Engine engine = engine();
        Engine.Sequence sequence = engine.open()) {
      List<String> pieces = new ArrayList<>();
      Thread caller = Thread.currentThread();
      Engine.Completion answer =
          sequence.generate(
              prompt(4, 6),
              Decoding.greedy(30),
              piece -> {
                assertThat(Thread.currentThread()).isSameAs(caller);
                pieces.add(piece);
              });
      assertThat(String.join("", pieces)).isEqualTo(answer.text());
      assertThat(pieces.size()).isGreaterThan(1);
    }
  }

  @Test
  void cancellingEndsWithinOneStep() throws Exception {
    AtomicInteger steps = new AtomicInteger();
    CountDownLatch running = new CountDownLatch(5);
    LanguageDecoder counting =
        (tokens, caches, logits) -> {
          steps.incrementAndGet();
          llama.extend(tokens, caches, logits);
          running.countDown();
        };
    try (Engine engine = engine(counting);
        Engine.Sequence sequence = engine.open()) {
      CompletableFuture<Engine.Completion> answer =
          CompletableFuture.supplyAsync(
              () -> sequence.generate(prompt(1, 6), Decoding.greedy(2000), EngineTest::unheard));
      running.await();
      sequence.cancel();
      int seen = steps.get();
      Engine.Completion cancelled = answer.get(10, TimeUnit.SECONDS);
      assertThat(cancelled.end()).isEqualTo(Engine.End.CANCELLED);
      // The step under way at the cancellation may end, and one may have begun before it was seen.
      assertThat(steps.get()).isLessThanOrEqualTo(seen + 2);
      // The conversation goes on from what was said.
      List<LlamaInput> next = and(prompt(1, 6), cancelled, tokens(2, 4));
      Engine.Completion further = sequence.generate(next, Decoding.greedy(6), EngineTest::unheard);
      assertThat(further.ids()).isEqualTo(greedy(next, 6));
      assertThat(further.usage().promptTokens() - further.usage().cachedTokens()).isLessThan(6);
    }
  }

  @Test
  void aFailingSequenceFailsAlone() {
    List<KvCache> poisoned = new ArrayList<>(); // the loop's thread alone uses it
    LanguageDecoder failing =
        (tokens, caches, logits) -> {
          if (poisoned.isEmpty()) {
            poisoned.add(caches.getFirst());
          }
          if (caches.size() > 1 && caches.containsAll(poisoned)) {
            throw new IllegalStateException("lost its way among others");
          }
          if (caches.equals(poisoned) && caches.getFirst().length() > 20) {
            throw new IllegalStateException("lost its way");
          }
          llama.extend(tokens, caches, logits);
        };
    List<Integer> expected = greedy(prompt(2, 5), 30);
    try (Engine engine = engine(failing);
        Engine.Sequence bad = engine.open();
        Engine.Sequence good = engine.open()) {
      List<CompletableFuture<Engine.Completion>> other = new ArrayList<>();
      Consumer<String> letAnotherIn =
          text -> {
            if (other.isEmpty()) {
              other.add(
                  CompletableFuture.supplyAsync(
                      () -> good.generate(prompt(2, 5), Decoding.greedy(30), EngineTest::unheard)));
            }
          };
      assertThatThrownBy(() -> bad.generate(prompt(1, 12), Decoding.greedy(100), letAnotherIn))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("lost its way");
      assertThat(other.getFirst().join().ids()).isEqualTo(expected);
    }
  }

  @Test
  void aPromptThatLeavesNoRoomIsRefusedWithTheNumbers() {
    int positions = TinyModel.LLAMA.maxPositions();
    try (Engine engine = engine();
        Engine.Sequence sequence = engine.open()) {
      assertThatThrownBy(() ->
              sequence.generate(prompt(1, positions), Decoding.greedy(5), EngineTest::unheard))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("the conversation has 2048 tokens")
          .hasMessageContaining("start a new conversation");
      Engine.Completion last =
          sequence.generate(prompt(1, positions - 3), Decoding.greedy(50), EngineTest::unheard);
      assertThat(last.end()).isEqualTo(Engine.End.CONTEXT);
      assertThat(last.usage().completionTokens()).isEqualTo(4);
    }
  }

  @Test
  void twoCallersOfOneSequenceAreKeptApart() throws Exception {
    try (Engine engine = engine();
        Engine.Sequence sequence = engine.open()) {
      List<Throwable> refusals = Collections.synchronizedList(new ArrayList<>());
      sequence.generate(
          prompt(1, 5),
          Decoding.greedy(3),
          text -> {
            try {
              sequence.generate(prompt(2, 5), Decoding.greedy(3), EngineTest::unheard);
            } catch (IllegalStateException e) {
              refusals.add(e);
            }
          });
      assertThat(refusals).isNotEmpty();
    }
  }

  @Test
  void whatTheListenerThrowsEndsTheAnswerAndReachesTheCaller() {
    try (Engine engine = engine();
        Engine.Sequence sequence = engine.open()) {
      assertThatThrownBy(() ->
              sequence.generate(
                  prompt(1, 5),
                  Decoding.greedy(2000),
                  text -> {
                    throw new UnsupportedOperationException("no paper");
                  }))
          .isInstanceOf(UnsupportedOperationException.class);
      assertThat(sequence.generate(prompt(1, 5), Decoding.greedy(3), EngineTest::unheard).ids())
          .hasSize(3);
    }
  }

  @Test
  void anIdOutsideOfTheVocabularyIsRefused() {
    try (Engine engine = engine();
        Engine.Sequence sequence = engine.open()) {
      assertThatThrownBy(() ->
              sequence.generate(
                  List.of(new LlamaInput.Tokens(new int[] {264})),
                  Decoding.greedy(3),
                  EngineTest::unheard))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("264");
      assertThatThrownBy(
              () -> sequence.generate(List.of(), Decoding.greedy(3), EngineTest::unheard))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("empty");
    }
  }

  @Test
  void aWantOfMemoryInOneTurnLeavesTheOthersServed() throws Exception {
    List<KvCache> poisoned = new ArrayList<>(); // the loop's thread alone uses it
    LanguageDecoder failing =
        (tokens, caches, logits) -> {
          if (poisoned.isEmpty()) {
            poisoned.add(caches.getFirst());
          }
          if (caches.containsAll(poisoned) && poisoned.getFirst().length() > 20) {
            throw new OutOfMemoryError("Java heap space");
          }
          llama.extend(tokens, caches, logits);
        };
    List<Integer> expected = greedy(prompt(2, 5), 30);
    try (Engine engine = engine(failing);
        Engine.Sequence bad = engine.open();
        Engine.Sequence good = engine.open()) {
      List<CompletableFuture<Engine.Completion>> other = new ArrayList<>();
      Consumer<String> letAnotherIn =
          text -> {
            if (other.isEmpty()) {
              other.add(
                  CompletableFuture.supplyAsync(
                      () -> good.generate(prompt(2, 5), Decoding.greedy(30), EngineTest::unheard)));
            }
          };
      assertThatThrownBy(() -> bad.generate(prompt(1, 12), Decoding.greedy(100), letAnotherIn))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("OutOfMemoryError: Java heap space");
      assertThat(other.getFirst().get(30, TimeUnit.SECONDS).ids()).isEqualTo(expected);
      // The sequence itself goes on from what was computed before.
      assertThat(bad.generate(prompt(1, 12), Decoding.greedy(5), EngineTest::unheard).ids())
          .isEqualTo(greedy(prompt(1, 12), 5));
    }
  }

  @Test
  void anEngineWhoseLoopFailsSaysSoToEveryCaller() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch fail = new CountDownLatch(1);
    LanguageDecoder failing =
        (tokens, caches, logits) -> {
          if (running.getCount() == 0 && fail.getCount() == 0) {
            throw EngineTest.<RuntimeException>disguised(new IOException("lost its disk"));
          }
          llama.extend(tokens, caches, logits);
        };
    try (Engine engine = engine(failing);
        Engine.Sequence one = engine.open();
        Engine.Sequence two = engine.open()) {
      List<CompletableFuture<Engine.Completion>> answers =
          List.of(one, two).stream()
              .map(sequence ->
                  CompletableFuture.supplyAsync(
                      () ->
                          sequence.generate(
                              prompt(1, 5),
                              Decoding.greedy(2000),
                              text -> {
                                running.countDown();
                                fail.countDown();
                              }),
                      work -> Thread.ofPlatform().start(work)))
              .toList();
      for (CompletableFuture<Engine.Completion> answer : answers) {
        assertThatThrownBy(() -> answer.get(30, TimeUnit.SECONDS))
            .hasMessageContaining("lost its disk");
      }
      assertThatThrownBy(() -> one.generate(prompt(1, 5), Decoding.greedy(3), EngineTest::unheard))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("the engine is closed, because it failed")
          .hasMessageContaining("lost its disk");
    }
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <E extends Throwable> RuntimeException disguised(Throwable thrown) throws E {
    throw (E) thrown;
  }

  @Test
  void aSequenceMayBeClosedInTheMiddleOfItsAnswer() {
    try (Engine engine = engine()) {
      Engine.Sequence sequence = engine.open();
      Engine.Completion answer =
          sequence.generate(prompt(1, 5), Decoding.greedy(2000), text -> sequence.close());
      assertThat(answer.end()).isEqualTo(Engine.End.CANCELLED);
      assertThatThrownBy(
              () -> sequence.generate(prompt(1, 5), Decoding.greedy(3), EngineTest::unheard))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");
    }
  }

  @Test
  void anEngineMayBeClosedInTheMiddleOfAnAnswer() {
    Engine engine = engine();
    try (Engine.Sequence sequence = engine.open()) {
      Engine.Completion answer =
          sequence.generate(prompt(1, 5), Decoding.greedy(2000), text -> engine.close());
      assertThat(answer.end()).isEqualTo(Engine.End.CANCELLED);
    }
  }

  @Test
  void closingTheEngineEndsWhatRunsAndItsThread() throws Exception {
    Engine engine = engine();
    Engine.Sequence sequence = engine.open();
    CountDownLatch running = new CountDownLatch(3);
    CompletableFuture<Engine.Completion> answer =
        CompletableFuture.supplyAsync(() ->
            sequence.generate(prompt(1, 5), Decoding.greedy(2000), text -> running.countDown()));
    running.await();
    engine.close();
    assertThat(answer.get(10, TimeUnit.SECONDS).end()).isEqualTo(Engine.End.CANCELLED);
    assertThatThrownBy(
            () -> sequence.generate(prompt(1, 5), Decoding.greedy(3), EngineTest::unheard))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    sequence.close();
  }

  @Test
  void theLoopsThreadSleepsWhileThereIsNothingToDo() throws Exception {
    try (Engine engine = engine();
        Engine.Sequence sequence = engine.open()) {
      sequence.generate(prompt(1, 5), Decoding.greedy(3), EngineTest::unheard);
      Thread loop =
          Thread.getAllStackTraces().keySet().stream()
              .filter(t -> t.getName().equals("radialog-engine"))
              .findFirst()
              .orElseThrow();
      for (int i = 0; i < 100 && loop.getState() != Thread.State.WAITING; i++) {
        Thread.sleep(10);
      }
      assertThat(loop.getState()).isEqualTo(Thread.State.WAITING);
    }
  }

  @Test
  void anAnswerThatIsCutBackIsSaidAgainWhereNothingIsBarred() {
    List<LlamaInput> prompt = List.of(tokens(1, 7), image(1), tokens(2, 5));
    try (LlamaDecoder decoder =
            LlamaDecoder.of(LlamaWeights.of(checkpoint), Optional.empty(), false, Precision.INT8);
        Engine engine = engine(decoder)) {
      for (Decoding how : List.of(Decoding.greedy(20), Decoding.greedy(20).sampled(1, 0.95, 5))) {
        try (Engine.Sequence said = engine.open();
            Engine.Sequence fresh = engine.open()) {
          Engine.Completion whole = said.generate(prompt, how, EngineTest::unheard);
          for (int kept : new int[] {0, 1, 7, 19}) {
            Engine.Cut cut = new Engine.Cut(whole.ids().subList(0, kept), Set.of());
            for (Engine.Sequence sequence : List.of(said, fresh)) {
              StringBuilder shown = new StringBuilder();
              Engine.Completion again =
                  sequence.generate(prompt, cut, how, text -> shown.append(text));
              assertThat(again.ids()).isEqualTo(whole.ids());
              assertThat(again.text()).isEqualTo(whole.text()).endsWith(shown);
              assertThat(again.end()).isEqualTo(whole.end());
              assertThat(again.usage().promptTokens()).isEqualTo(16);
              assertThat(again.usage().completionTokens()).isEqualTo(20);
            }
          }
        }
      }
    }
  }

  @Test
  void aBarredTokenIsNotChosenRightBehindTheCut() {
    List<LlamaInput> prompt = prompt(4, 6);
    List<Integer> whole = greedy(prompt, 12);
    List<Integer> kept = whole.subList(0, 5);
    List<LlamaInput> before = new ArrayList<>(prompt);
    before.add(new LlamaInput.Tokens(kept.stream().mapToInt(id -> id).toArray()));
    try (Engine engine = engine();
        Engine.Sequence sequence = engine.open();
        KvCache cache = new KvCache(llama.cacheShape())) {
      sequence.generate(prompt, Decoding.greedy(12), EngineTest::unheard);
      float[] logits = llama.prefill(cache, before);
      logits[whole.get(5)] = Float.NEGATIVE_INFINITY;
      int second = likeliest(logits);
      before.add(new LlamaInput.Tokens(new int[] {second}));
      List<Integer> expected = new ArrayList<>(kept);
      expected.add(second);
      expected.addAll(greedy(before, 6));
      Engine.Completion other =
          sequence.generate(
              prompt,
              new Engine.Cut(kept, Set.of(whole.get(5))),
              Decoding.greedy(12),
              EngineTest::unheard);
      assertThat(other.ids()).isEqualTo(expected);
      // The prompt was there, and of what is kept all but the last token.
      assertThat(other.usage()).isEqualTo(new Usage(6, 6, 12));
    }
  }

  @Test
  void aGuideThatAcceptsEverythingChangesNothing() {
    List<LlamaInput> prompt = List.of(tokens(1, 7), image(1), tokens(2, 5));
    for (Decoding how : List.of(Decoding.greedy(20), Decoding.greedy(20).sampled(1, 0.95, 5))) {
      try (Engine engine = engine();
          Engine.Sequence sequence = engine.open();
          Engine.Sequence guided = engine.open()) {
        Engine.Completion plain = sequence.generate(prompt, how, EngineTest::unheard);
        StringBuilder shown = new StringBuilder();
        Engine.Completion same =
            guided.generate(prompt, how, text -> true, text -> shown.append(text));
        assertThat(same.ids()).isEqualTo(plain.ids());
        assertThat(same.text()).isEqualTo(plain.text()).isEqualTo(shown.toString());
        assertThat(same.guidance()).isEqualTo(Guidance.NONE);
      }
    }
  }

  // Writes letters in an order that the last one determines, with a second choice for each.
  private static LanguageDecoder spelling(List<Integer> letters) {
    return (tokens, caches, logits) -> {
      llama.extend(tokens, caches, logits);
      int row = 0;
      for (int[] some : tokens) {
        for (int token : some) {
          int at = Math.max(0, letters.indexOf(token));
          Arrays.fill(logits[row], 0);
          logits[row][letters.get((at + 11) % letters.size())] = 2;
          logits[row][letters.get((at + 3) % letters.size())] = 1;
          row++;
        }
      }
    };
  }

  @Test
  void theFirstTokenWithWhichASentenceDoesNotStandIsBarred() {
    List<LlamaInput> prompt = prompt(4, 6);
    List<Integer> whole = spelled(prompt, 12, Set.of());
    Set<Integer> ends = Set.of(whole.get(9)); // so the answer has nine tokens
    assertThat(whole.subList(0, 9)).doesNotContain(whole.get(9));
    String refused = text(whole.subList(0, 6));
    try (Engine engine = engine(spelling(letters()), ends);
        Engine.Sequence sequence = engine.open();
        Engine.Sequence oracle = engine.open()) {
      StringBuilder shown = new StringBuilder();
      Engine.Completion guided =
          sequence.generate(
              prompt,
              Decoding.greedy(40),
              text -> !text.startsWith(refused),
              text -> shown.append(text));
      Engine.Completion expected =
          oracle.generate(
              prompt,
              new Engine.Cut(whole.subList(0, 5), Set.of(whole.get(5))),
              Decoding.greedy(40),
              EngineTest::unheard);
      assertThat(guided.ids()).isEqualTo(expected.ids());
      assertThat(guided.text()).isEqualTo(expected.text()).isEqualTo(shown.toString());
      assertThat(guided.end()).isEqualTo(expected.end());
      assertThat(guided.usage().completionTokens()).isEqualTo(expected.usage().completionTokens());
      assertThat(guided.guidance()).isEqualTo(new Guidance(1, List.of()));

      // The cache holds what was answered, and the next turn computes its own tokens only.
      List<LlamaInput> next = and(prompt, guided, tokens(9, 4));
      Engine.Completion after = sequence.generate(next, Decoding.greedy(5), EngineTest::unheard);
      assertThat(after.usage().cachedTokens()).isGreaterThanOrEqualTo(6 + guided.ids().size() - 1);
      try (Engine.Sequence fresh = engine.open()) {
        assertThat(fresh.generate(next, Decoding.greedy(5), EngineTest::unheard).ids())
            .isEqualTo(after.ids());
      }
    }
  }

  private static List<Integer> letters() {
    return "abcdefghijklmnopqrstuvwxyz"
        .chars()
        .mapToObj(letter -> tokenizer.encode(String.valueOf((char) letter), false))
        .filter(ids -> ids.length == 1)
        .map(ids -> ids[0])
        .toList();
  }

  private static List<Integer> spelled(List<LlamaInput> prompt, int count, Set<Integer> ends) {
    try (Engine engine = engine(spelling(letters()), ends);
        Engine.Sequence sequence = engine.open()) {
      return sequence.generate(prompt, Decoding.greedy(count), EngineTest::unheard).ids();
    }
  }

  @Test
  void anAnswerThatStandsInNoWayIsLeftOutAndNamed() {
    List<LlamaInput> prompt = prompt(4, 6);
    List<Integer> whole = spelled(prompt, 12, Set.of());
    try (Engine engine = engine(spelling(letters()), Set.of(whole.get(9)));
        Engine.Sequence sequence = engine.open()) {
      Engine.Completion none =
          sequence.generate(
              prompt,
              Decoding.greedy(40),
              text -> false,
              text -> {
                throw new AssertionError("shown: " + text);
              });
      assertThat(none.text()).isEmpty();
      assertThat(none.ids()).isEmpty();
      assertThat(none.guidance().leftOut())
          .isNotEmpty()
          .first()
          .isEqualTo(text(whole.subList(0, 9)).strip());
      // What was tried leaves no trace.
      assertThat(sequence.generate(prompt, Decoding.greedy(12), EngineTest::unheard).ids())
          .isEqualTo(whole.subList(0, 9));
    }
  }

  @Test
  void aCutThatLeavesNothingToChooseIsRefused() {
    try (Engine engine = engine();
        Engine.Sequence sequence = engine.open()) {
      Engine.Cut full = new Engine.Cut(List.of(5, 6, 7), Set.of());
      assertThatThrownBy(
              () -> sequence.generate(prompt(1, 5), full, Decoding.greedy(3), EngineTest::unheard))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining(
              "3 tokens of the answer are kept, expected fewer than its maximum of 3");
      Engine.Cut nothing =
          new Engine.Cut(
              List.of(),
              IntStream.range(0, TinyModel.LLAMA.vocab())
                  .boxed()
                  .collect(Collectors.toUnmodifiableSet()));
      assertThatThrownBy(() ->
              sequence.generate(prompt(1, 5), nothing, Decoding.greedy(3), EngineTest::unheard))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("are barred");
      assertThat(sequence.generate(prompt(1, 5), Decoding.greedy(3), EngineTest::unheard).ids())
          .isEqualTo(greedy(prompt(1, 5), 3));
    }
  }

  @Test
  void turnsBeyondTheRunningAndQueuedOnesAreRefusedBeforeAnyWork() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    List<Integer> together = Collections.synchronizedList(new ArrayList<>());
    LanguageDecoder held =
        (tokens, caches, logits) -> {
          awaited(go);
          together.add(caches.size());
          llama.extend(tokens, caches, logits);
        };
    try (Engine engine =
            engine(
                LanguageNetwork.of(llama, held),
                Set.of(),
                new Engine.Limits(1, 1, Long.MAX_VALUE));
        Engine.Sequence one = engine.open();
        Engine.Sequence two = engine.open();
        Engine.Sequence three = engine.open()) {
      List<CompletableFuture<List<Integer>>> taken =
          IntStream.range(0, 2)
              .mapToObj(i ->
                  CompletableFuture.supplyAsync(
                      () ->
                          List.of(one, two)
                              .get(i)
                              .generate(prompt(i, 6), Decoding.greedy(8), EngineTest::unheard)
                              .ids(),
                      work -> Thread.ofPlatform().start(work)))
              .toList();
      while (hasRoom(engine)) {
        Thread.sleep(5);
      }
      assertThatThrownBy(
              () -> three.generate(prompt(2, 6), Decoding.greedy(8), EngineTest::unheard))
          .isInstanceOfSatisfying(
              RadialogException.class, e -> assertThat(e.kind()).isEqualTo(Kind.OVERLOADED))
          .hasMessageContaining("2 turns in progress, expected at most 1 running and 1 queued");
      assertThat(three.length()).isZero();
      go.countDown();
      for (int i = 0; i < 2; i++) {
        assertThat(taken.get(i).get(30, TimeUnit.SECONDS)).isEqualTo(greedy(prompt(i, 6), 8));
      }
      assertThat(together).isNotEmpty().containsOnly(1);
      assertThat(three.generate(prompt(2, 6), Decoding.greedy(8), EngineTest::unheard).ids())
          .isEqualTo(greedy(prompt(2, 6), 8));
    }
  }

  private static void awaited(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static boolean hasRoom(Engine engine) {
    try {
      engine.requireRoom();
      return true;
    } catch (RadialogException e) {
      return false;
    }
  }

  @Test
  void aTurnWhoseCacheFindsNoRoomIsRefusedUntilADialogIsClosed() {
    long bytes = KvCache.mostBytes(llama.cacheShape(), 40) + 1;
    try (Engine engine = engine(llama, Set.of(), new Engine.Limits(4, 4, bytes));
        Engine.Sequence other = engine.open()) {
      try (Engine.Sequence one = engine.open()) {
        one.generate(prompt(1, 30), Decoding.greedy(10), EngineTest::unheard);
        assertThatThrownBy(
                () -> other.generate(prompt(1, 30), Decoding.greedy(10), EngineTest::unheard))
            .isInstanceOfSatisfying(
                RadialogException.class, e -> assertThat(e.kind()).isEqualTo(Kind.OVERLOADED))
            .hasMessageContaining("bytes of cache");
        // It goes on in the room that it has.
        one.generate(prompt(1, 30), Decoding.greedy(10), EngineTest::unheard);
      }
      assertThat(other.generate(prompt(1, 30), Decoding.greedy(10), EngineTest::unheard).ids())
          .isEqualTo(greedy(prompt(1, 30), 10));
    }
  }

  @Test
  void aTurnThatWaitsInTheQueueCanBeCancelled() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    LanguageDecoder held =
        (tokens, caches, logits) -> {
          awaited(go);
          llama.extend(tokens, caches, logits);
        };
    try (Engine engine =
            engine(
                LanguageNetwork.of(llama, held),
                Set.of(),
                new Engine.Limits(1, 1, Long.MAX_VALUE));
        Engine.Sequence one = engine.open();
        Engine.Sequence two = engine.open()) {
      List<CompletableFuture<Engine.Completion>> turns =
          List.of(one, two).stream()
              .map(sequence ->
                  CompletableFuture.supplyAsync(
                      () ->
                          sequence.generate(prompt(1, 6), Decoding.greedy(8), EngineTest::unheard),
                      work -> Thread.ofPlatform().start(work)))
              .toList();
      while (hasRoom(engine)) {
        Thread.sleep(5);
      }
      one.cancel();
      two.cancel();
      go.countDown();
      for (CompletableFuture<Engine.Completion> turn : turns) {
        assertThat(turn.get(30, TimeUnit.SECONDS).end()).isEqualTo(Engine.End.CANCELLED);
      }
      assertThat(hasRoom(engine)).isTrue();
    }
  }
}
