package org.radialog.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.dialog.Correction;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.Engine;
import org.radialog.dialog.Findings;
import org.radialog.dialog.LanguageModel;
import org.radialog.dialog.Options;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Report;
import org.radialog.dialog.Study;
import org.radialog.dialog.Usage;
import org.radialog.imaging.Radiograph;
import org.radialog.language.CacheShape;
import org.radialog.language.KvCache;
import org.radialog.language.LanguageDecoder;
import org.radialog.language.LanguageNetwork;
import org.radialog.language.LlamaInput;
import org.radialog.language.Precision;
import org.radialog.torch.Bf16;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.torch.TorchThreads;

/**
 * Measures the parts of a loaded model while no dialog runs, or of a language model of which only
 * the shape matters.
 */
public final class Speed implements AutoCloseable {
  private final Optional<RaDialog> model;
  private final LanguageModel language;
  private final LanguageNetwork network;
  private final Runnable closing;

  private Speed(Optional<RaDialog> model, LanguageModel language, Runnable closing) {
    this.model = model;
    this.language = language;
    this.network = language.network();
    this.closing = closing;
  }

  /** Waits until {@code model} is loaded; the caller still has to close the model. */
  public static Speed of(RaDialog model) {
    model.ready();
    return new Speed(Optional.of(model), model.loaded().language(), () -> {});
  }

  /**
   * A language model of a known shape with random weights.
   *
   * @param precision {@code INT8} or {@code INT4}
   * @param folder for the packed weights, which are generated if they are missing
   * @throws RadialogException if the folder cannot be written
   */
  public static Speed of(LlamaShape shape, Precision precision, Path folder) {
    LanguageModel language = LanguageModel.of(shape.label(), shape.weights(), precision, folder);
    return new Speed(Optional.empty(), language, language::close);
  }

  /** The language model of a folder, which may contain only a language model. */
  public static Speed ofLanguage(Path folder, Options options) {
    LanguageModel language = LanguageModel.open(folder, options);
    return new Speed(Optional.empty(), language, language::close);
  }

  private RaDialog model() {
    return model.orElseThrow(() ->
        new RadialogException(
            "a language model without an image encoder cannot read films or correct reports"));
  }

  /** Bytes of weights and cache that a decode step after {@code context} tokens reads. */
  public long stepBytes(int context) {
    return language.weightBytes() + network.cacheShape().bytes(context);
  }

  /** Multiplications per prompt token, without attention and head. */
  public long multiplications() {
    return language.multiplications();
  }

  @Override
  public void close() {
    closing.run();
  }

  /** Milliseconds from pixels to findings and image tokens; median of {@code rounds}. */
  public double encodeMillis(Radiograph film, int rounds) {
    double[] millis = new double[rounds];
    for (int i = 0; i < rounds; i++) {
      millis[i] = model().loaded().encodeMillis(film);
    }
    return median(millis);
  }

  /** Prompt tokens per second for a prompt of {@code tokens}; median of {@code rounds}. */
  public double prefill(int tokens, int rounds) {
    double[] rates = new double[rounds];
    for (int i = 0; i < rounds; i++) {
      try (KvCache cache = new KvCache(network.cacheShape())) {
        long start = System.nanoTime();
        network.prefill(cache, prompt(tokens));
        rates[i] = tokens * 1e9 / (System.nanoTime() - start);
      }
    }
    return median(rates);
  }

  /**
   * The cost of other busy processes.
   *
   * @param processes number of compute-bound processes
   * @param promptMillis time of a prompt of {@value #BUSY_PROMPT} tokens without them, in ms
   * @param promptMillisBusy the same with them, in ms
   * @param stepsMillis time of {@value #BUSY_STEPS} decode steps after the prompt without them, in
   *     ms
   * @param stepsMillisBusy the same with them, in ms
   */
  public record Busy(
      int processes,
      double promptMillis,
      double promptMillisBusy,
      double stepsMillis,
      double stepsMillisBusy) {}

  private static final int BUSY_PROMPT = 79;
  private static final int BUSY_STEPS = 95;

  /**
   * A prompt and an answer, alternately with and without other busy processes.
   *
   * @param processes number of processes, started and stopped for each round
   * @param rounds number of rounds, of which the median is taken
   * @throws RadialogException if no process can be started
   */
  public Busy busy(int processes, int rounds) {
    double[][] millis = new double[4][rounds];
    one(BUSY_PROMPT, BUSY_STEPS); // warm-up: the kernels are compiled
    one(BUSY_PROMPT, BUSY_STEPS);
    for (int i = 0; i < rounds; i++) {
      double[] idle = one(BUSY_PROMPT, BUSY_STEPS);
      List<Process> others = new ArrayList<>();
      try {
        for (int p = 0; p < processes; p++) {
          others.add(new ProcessBuilder("sh", "-c", "while :; do :; done").start());
        }
        double[] busy = one(BUSY_PROMPT, BUSY_STEPS);
        millis[0][i] = idle[0];
        millis[1][i] = busy[0];
        millis[2][i] = idle[1];
        millis[3][i] = busy[1];
      } catch (IOException e) {
        throw new RadialogException("cannot start a busy process: " + e, e);
      } finally {
        others.forEach(Process::destroyForcibly);
        others.forEach(other -> other.onExit().join());
      }
    }
    return new Busy(
        processes, median(millis[0]), median(millis[1]), median(millis[2]), median(millis[3]));
  }

  // Milliseconds of a prompt, and of the decode steps after it.
  private double[] one(int prompt, int steps) {
    try (KvCache cache = new KvCache(network.cacheShape())) {
      float[][] logits = new float[1][network.vocab()];
      long start = System.nanoTime();
      int[] next = {likeliest(network.prefill(cache, prompt(prompt)))};
      long prefilled = System.nanoTime();
      for (int i = 0; i < steps; i++) {
        network.step(next, List.of(cache), logits);
        next[0] = likeliest(logits[0]);
      }
      return new double[] {(prefilled - start) / 1e6, (System.nanoTime() - prefilled) / 1e6};
    }
  }

  /**
   * Tokens per second of each of {@code streams} sequences that run together after {@code context}
   * tokens, over {@code tokens} steps.
   */
  public double decode(int context, int streams, int tokens) {
    List<KvCache> caches = new ArrayList<>();
    try {
      float[][] logits = new float[streams][network.vocab()];
      int[] next = new int[streams];
      for (int s = 0; s < streams; s++) {
        KvCache cache = new KvCache(network.cacheShape());
        caches.add(cache);
        next[s] = likeliest(network.prefill(cache, prompt(context)));
        cache.reserve(context + tokens);
      }
      long start = System.nanoTime();
      for (int i = 0; i < tokens; i++) {
        network.step(next, caches, logits);
        for (int s = 0; s < streams; s++) {
          next[s] = likeliest(logits[s]);
        }
      }
      return tokens * 1e9 / (System.nanoTime() - start);
    } finally {
      caches.forEach(KvCache::close);
    }
  }

  /**
   * One pass of a sequence.
   *
   * @param computed number of tokens
   * @param kept number of them that were accepted, at least the first
   */
  public record Pass(int computed, int kept) {
    /**
     * Checks the numbers.
     *
     * @throws IllegalArgumentException unless 1 ≤ kept ≤ computed
     */
    public Pass {
      if (kept < 1 || kept > computed) {
        throw new IllegalArgumentException(
            "a pass of " + computed + " tokens keeps 1 to all of them, got " + kept);
      }
    }
  }

  /**
   * The same turns with and without prompt lookup.
   *
   * @param turns number of turns
   * @param with tokens per second after the first token of each answer, with lookup
   * @param without the same without lookup
   * @param passes the passes with lookup, in order
   * @param difference the first turn with different tokens
   */
  public record Lookup(
      int turns, double with, double without, List<Pass> passes, Optional<String> difference) {
    public Lookup {
      passes = List.copyOf(passes);
    }

    /** Tokens accepted per pass, on average; 0 if there were no passes. */
    public double tokensAPass() {
      return passes.stream().mapToInt(Pass::kept).average().orElse(0);
    }
  }

  /** One measured turn. */
  private record Turn(String text, List<Integer> ids, Usage usage, double millis) {
    boolean says(Turn other) {
      return text.equals(other.text) && ids.equals(other.ids) && usage.equals(other.usage);
    }
  }

  // Users correct a report a few times, not twenty; after that, only the previous report can be
  // copied.
  private static final int CORRECTIONS = 2;

  /**
   * Corrections of reports, each made with and without prompt lookup: a report on each film in
   * turn, followed by {@value #CORRECTIONS} corrections of one or two findings.
   *
   * @param turns total number of corrections, each counted once
   * @param seed of the edits
   */
  public Lookup lookup(List<Radiograph> films, int turns, long seed) {
    corrections(
        films, Math.min(turns, 2 * CORRECTIONS), seed + 1); // warm-up: the kernels are compiled
    return corrections(films, turns, seed);
  }

  private Lookup corrections(List<Radiograph> films, int turns, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Pass> passes = new ArrayList<>();
    Optional<String> difference = Optional.empty();
    double tokens = 0;
    double millisWith = 0;
    double millisWithout = 0;
    int done = 0;
    for (int film = 0; done < turns; film = (film + 1) % films.size()) {
      Study study = Study.of(films.get(film)).ofAnyView();
      try (Dialog one = model().open(study);
          Dialog other = model().open(study)) {
        measured(true, one::report, new ArrayList<>());
        measured(false, other::report, new ArrayList<>());
        for (int i = 0; i < CORRECTIONS && done < turns; i++, done++) {
          Correction edit = edit(one.findings(), random);
          Turn without;
          Turn with;
          // The order alternates, so that neither is always first.
          if (done % 2 == 0) {
            with = measured(true, () -> one.correct(edit), passes);
            without = measured(false, () -> other.correct(edit), new ArrayList<>());
          } else {
            without = measured(false, () -> other.correct(edit), new ArrayList<>());
            with = measured(true, () -> one.correct(edit), passes);
          }
          if (difference.isEmpty() && !with.says(without)) {
            difference =
                Optional.of(
                    "correction %d says \"%s\" with prompt lookup, expected as without it \"%s\""
                        .formatted(done + 1, with.text, without.text));
          }
          tokens += without.usage.completionTokens() - 1;
          millisWith += with.millis;
          millisWithout += without.millis;
        }
      }
    }
    return new Lookup(
        turns, tokens * 1000 / millisWith, tokens * 1000 / millisWithout, passes, difference);
  }

  private Turn measured(boolean guessing, Supplier<Report> turn, List<Pass> passes) {
    List<Integer> ids = new ArrayList<>();
    Engine engine = model().loaded().engine();
    engine.guess(guessing);
    engine.watch(pass -> {
      ids.addAll(pass.kept());
      passes.add(new Pass(pass.computed(), pass.kept().size()));
    });
    try {
      Report report = turn.get();
      return new Turn(report.text(), ids, report.usage(), report.timings().decode());
    } finally {
      engine.guess(true);
      engine.watch(pass -> {});
    }
  }

  // One or two findings that should be removed, or added.
  private static Correction edit(Findings findings, SplittableRandom random) {
    List<Finding> assessed =
        new ArrayList<>(
            findings.all().stream()
                .filter(a -> a.state() != Findings.State.NOT_ASSESSED)
                .map(Findings.Assessment::finding)
                .filter(finding -> finding != Finding.NO_FINDING)
                .toList());
    Set<Finding> added = EnumSet.noneOf(Finding.class);
    Set<Finding> removed = EnumSet.noneOf(Finding.class);
    for (int i = 1 + random.nextInt(2); i > 0 && !assessed.isEmpty(); i--) {
      Finding finding = assessed.remove(random.nextInt(assessed.size()));
      (findings.present().contains(finding) ? removed : added).add(finding);
    }
    return new Correction(added, removed, Set.of());
  }

  /**
   * Tokens per second of the same text in two ways.
   *
   * @param inPasses in passes of several tokens, some of which are taken back
   * @param singly one token per pass
   */
  public record Replay(double inPasses, double singly) {
    /** The speed-up of the passes. */
    public double ratio() {
      return inPasses / singly;
    }
  }

  /**
   * Measures the gain of passes like those of {@link #lookup}, recorded with another model, for
   * this model. The weights do not matter: tokens are given instead of chosen, after a cache of
   * zeros that was written to.
   *
   * @param context number of positions before the first token of an answer
   * @param answer tokens of an answer: a pass that would exceed it starts another one
   * @param rounds number of alternating rounds, of which the median is taken
   * @throws IllegalArgumentException if a pass computes more tokens than an answer has, or the
   *     model has fewer positions
   */
  public Replay replay(int context, int answer, List<Pass> passes, int rounds) {
    return replay(network, network.cacheShape(), network.vocab(), context, answer, passes, rounds);
  }

  static Replay replay(
      LanguageDecoder decoder,
      CacheShape shape,
      int vocab,
      int context,
      int answer,
      List<Pass> passes,
      int rounds) {
    int most = passes.stream().mapToInt(Pass::computed).max().orElse(0);
    if (most > answer || context + answer > shape.positions()) {
      throw new IllegalArgumentException(
          "expected passes of at most %d tokens behind %d in %d positions, found one of %d"
              .formatted(answer, context, shape.positions(), most));
    }
    List<Pass> single = new ArrayList<>();
    for (Pass pass : passes) {
      single.addAll(Collections.nCopies(pass.kept, new Pass(1, 1)));
    }
    double[] rates = new double[rounds];
    double[] singleRates = new double[rounds];
    float[][] logits = new float[most][vocab];
    try (KvCache cache = new KvCache(shape)) {
      cache.reserve(context + answer);
      zeros(cache, context);
      for (int i = 0; i < rounds; i++) {
        rates[i] = single.size() * 1e9 / nanos(decoder, cache, answer, passes, logits);
        singleRates[i] = single.size() * 1e9 / nanos(decoder, cache, answer, single, logits);
      }
    }
    return new Replay(median(rates), median(singleRates));
  }

  private static long nanos(
      LanguageDecoder decoder, KvCache cache, int answer, List<Pass> passes, float[][] logits) {
    int vocab = logits[0].length;
    int context = cache.length();
    SplittableRandom random = new SplittableRandom(context);
    long start = System.nanoTime();
    for (Pass pass : passes) {
      if (cache.length() + pass.computed > context + answer) {
        cache.truncate(context);
      }
      int before = cache.length();
      int[] ids = random.ints(pass.computed, 0, vocab).toArray();
      decoder.extend(List.of(ids), List.of(cache), Arrays.copyOf(logits, pass.computed));
      cache.truncate(before + pass.kept);
    }
    long end = System.nanoTime();
    cache.truncate(context);
    return end - start;
  }

  private static void zeros(KvCache cache, int context) {
    CacheShape config = cache.shape();
    long head = (long) cache.capacity() * config.headSize() * Float.BYTES;
    long written = (long) context * config.headSize() * Float.BYTES;
    for (int layer = 0; layer < config.layers(); layer++) {
      for (int k = 0; k < config.kvHeads(); k++) {
        cache.keys(layer).asSlice(k * head, written).fill((byte) 0);
        cache.values(layer).asSlice(k * head, written).fill((byte) 0);
      }
    }
    cache.advance(context);
  }

  /**
   * GFLOP/s of a product of two square matrices as this program computes it; best of five.
   *
   * @param precision {@code FP32} or {@code BF16}
   * @param size number of rows and columns
   */
  public static double matmulGflops(Precision precision, int size) {
    double best = 0;
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        TorchThreads _ = TorchThreads.all()) {
      float[] values = new float[size * size];
      Arrays.fill(values, 1);
      Tensor a = Torch.tensor(values, size, size);
      if (precision == Precision.BF16) {
        a = a.to(ScalarType.BFloat16);
      }
      for (int i = 0; i < 5; i++) {
        try (Scope _ = new Scope()) {
          long start = System.nanoTime();
          Bf16.mm(a, a);
          best = Math.max(best, 2.0 * size * size * size / (System.nanoTime() - start));
        }
      }
    }
    return best;
  }

  private static int likeliest(float[] logits) {
    return LanguageDecoder.likeliest(logits, logits.length);
  }

  private List<LlamaInput> prompt(int tokens) {
    int[] ids = new SplittableRandom(tokens).ints(tokens, 0, network.vocab()).toArray();
    return List.of(new LlamaInput.Tokens(ids));
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
