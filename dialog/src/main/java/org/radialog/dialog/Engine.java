package org.radialog.dialog;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.language.CacheShape;
import org.radialog.language.KvCache;
import org.radialog.language.LanguageNetwork;
import org.radialog.language.LlamaInput;
import org.radialog.text.TextTokenizer;
import org.radialog.torch.TorchThreads;

/**
 * Generates text for many sequences at once on a dedicated thread, which sleeps while there is no
 * work. Each iteration of its loop prefills one piece of one new prompt and then makes one decode
 * pass for all running sequences; a single sequence is a batch of one.
 *
 * <p>If the network has room in a pass ({@link LanguageNetwork#passTokens}), the next tokens of a
 * greedy answer are proposed from the conversation so far ({@link PromptLookup}) and computed in
 * the same pass. Tokens that the model would have chosen are accepted, the others are taken back:
 * the answer is the same, but with fewer passes.
 *
 * <p>The result for a position depends only on the conversation up to that position. The positions
 * of a prompt are computed by {@link LanguageNetwork#prefill}, whose bits do not depend on how the
 * prompt is divided. The positions of an answer ({@link LlamaInput.Answer}) are always computed by
 * decode steps, whether they were just generated or come from an earlier conversation. With
 * quantised decode steps, answers are therefore bit-identical alone and in a batch, in the first
 * turn and in later ones.
 *
 * <p>Requests that exceed the {@link Limits} are refused before anything is computed for them.
 *
 * <p>The failure of a sequence, including for lack of memory, does not affect other sequences. If
 * the loop itself fails, all answers in progress fail with it, and later callers are told that the
 * engine is closed, and why. Thread-safe.
 */
public final class Engine implements AutoCloseable {
  /**
   * Number of positions that are prefilled at once, which bounds how long others wait and how late
   * a cancellation takes effect.
   */
  private static final int PREFILL = 512;

  /** Number of positions of an earlier answer that are computed at once. */
  private static final int RECALL = 64;

  // The interval at which a waiting caller checks whether the loop is still alive.
  private static final long LOOK_MILLIS = 500;

  private final LanguageNetwork network;
  private final CacheShape shape;
  private final TextTokenizer tokenizer;
  private final Set<Integer> ends;
  private final Limits limits;
  private final BlockingQueue<Arrival> arriving = new LinkedBlockingQueue<>();
  private final Thread thread;
  // [V] per token of a pass, used only by the loop
  private final List<float[]> logits = new ArrayList<>();
  private volatile boolean guessing = true;
  private volatile Consumer<Pass> watcher = pass -> {};
  private final Object gate = new Object();
  private boolean closed; // guarded by gate
  private @Nullable Throwable fault; // the reason why the loop ended by itself; guarded by gate
  private int turns; // running or queued; guarded by gate
  // of all sequences, including the possible growth of turns in progress; guarded by gate
  private long cacheBytes;

  /**
   * An engine for a language model. The caller has to close the model after the engine.
   *
   * @param ends tokens that end an answer
   * @param limits beyond which turns are refused
   */
  public Engine(
      LanguageNetwork network, TextTokenizer tokenizer, Set<Integer> ends, Limits limits) {
    this.network = Objects.requireNonNull(network, "network");
    this.shape = network.cacheShape();
    this.tokenizer = Objects.requireNonNull(tokenizer, "tokenizer");
    this.ends = Set.copyOf(Objects.requireNonNull(ends, "ends"));
    this.limits = Objects.requireNonNull(limits, "limits");
    this.thread = TorchThreads.start("radialog-engine", 1, this::loop);
  }

  /**
   * The maximum load of an engine.
   *
   * @param running number of turns computed at the same time; others are queued
   * @param queued maximum number of queued turns
   * @param cacheBytes maximum size of the caches of all open sequences together, in bytes; a turn
   *     counts with the maximum size that its cache may reach
   */
  public record Limits(int running, int queued, long cacheBytes) {
    /** No limits. */
    public static final Limits NONE =
        new Limits(Integer.MAX_VALUE, Integer.MAX_VALUE, Long.MAX_VALUE);

    /**
     * Checks the ranges.
     *
     * @throws RadialogException if no turn could ever run
     */
    public Limits {
      if (running < 1 || queued < 0 || cacheBytes < 1) {
        throw new RadialogException(
            Kind.BAD_INPUT,
            "limits of %d running turns, %d queued ones and %d bytes of cache, expected at least 1, 0 and 1"
                .formatted(running, queued, cacheBytes));
      }
    }

    private long turns() {
      return (long) running + queued;
    }
  }

  /** The reason why an answer ended. */
  public enum End {
    /** The model chose an end token. */
    END_TOKEN,
    /** A stop text was generated. */
    STOP_TEXT,
    /** The maximum number of new tokens was reached. */
    LENGTH,
    /** The positions of the language model were used up. */
    CONTEXT,
    /** {@link Sequence#cancel} or {@link Sequence#close} was called. */
    CANCELLED
  }

  /**
   * A truncated answer: its beginning is kept, and the continuation must be different.
   *
   * @param kept token ids of the beginning, as in {@link Completion#ids}; if empty, the answer
   *     starts again
   * @param barred token ids that must not be chosen immediately after them
   */
  public record Cut(List<Integer> kept, Set<Integer> barred) {
    /** Keeps nothing and bars nothing: a new answer. */
    static final Cut NONE = new Cut(List.of(), Set.of());

    /** Checks that nothing is null. */
    public Cut {
      kept = List.copyOf(Objects.requireNonNull(kept, "kept"));
      barred = Set.copyOf(Objects.requireNonNull(barred, "barred"));
    }
  }

  /**
   * An answer.
   *
   * @param text without end token and stop text
   * @param ids the tokens that represent the answer in the prompt of the next turn, without end
   *     token
   * @param end the reason why it ended
   * @param usage number of tokens
   * @param guidance where guidance stepped in
   * @param likelihoods of {@code ids}, if they were asked for; empty if a stop text cut the answer
   *     inside a token
   * @param prefillMillis time for computing the new tokens of the prompt, including waiting, in ms
   * @param decodeMillis time from the first token to the last, in ms
   */
  public record Completion(
      String text,
      List<Integer> ids,
      End end,
      Usage usage,
      Guidance guidance,
      List<TokenLikelihood> likelihoods,
      double prefillMillis,
      double decodeMillis) {
    public Completion {
      ids = List.copyOf(ids);
      likelihoods = List.copyOf(likelihoods);
    }
  }

  /**
   * The part of one sequence in a pass.
   *
   * @param computed number of tokens
   * @param kept ids of the accepted tokens
   */
  public record Pass(int computed, List<Integer> kept) {
    public Pass {
      kept = List.copyOf(kept);
    }
  }

  /** Whether tokens are proposed for answers that start from now on; for measurements. */
  public void guess(boolean wanted) {
    guessing = wanted;
  }

  /** Sets a receiver for every pass, called in the thread of the engine; for measurements. */
  public void watch(Consumer<Pass> newWatcher) {
    watcher = newWatcher;
  }

  /** A new sequence with its own KV cache. */
  public Sequence open() {
    return new Sequence();
  }

  /** Ends all answers as cancelled, and ends the thread. */
  @Override
  public void close() {
    synchronized (gate) {
      if (closed) {
        return;
      }
      closed = true;
      arriving.add(new Closing());
    }
    boolean interrupted = false;
    while (true) {
      try {
        thread.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Throws the exception that the next turn would get now, if the turns in progress are as many as
   * the limits allow: for a caller whose turn begins with other work.
   *
   * @throws RadialogException of the kind {@link Kind#OVERLOADED}
   */
  public void requireRoom() {
    synchronized (gate) {
      if (turns >= limits.turns()) {
        throw new RadialogException(
            Kind.OVERLOADED,
            ("the engine has %d turns in progress, expected at most %d running and %d"
                    + " queued; try again later")
                .formatted(turns, limits.running, limits.queued));
      }
    }
  }

  // Passes a job to the loop, or refuses it.
  private void submit(Job job) {
    synchronized (gate) {
      if (fault != null) {
        throw new IllegalStateException(
            "the engine is closed, because it failed: " + fault + "; load the model again", fault);
      }
      if (closed) {
        throw new IllegalStateException("the engine is closed");
      }
      requireRoom();
      Sequence sequence = job.sequence;
      long wanted = Math.max(sequence.charged, KvCache.mostBytes(shape, job.mostPositions()));
      long others = cacheBytes - sequence.charged;
      if (wanted > limits.cacheBytes - others) {
        throw new RadialogException(
            Kind.OVERLOADED,
            ("the turn may need %d bytes of cache in addition to %d of other dialogs,"
                    + " expected at most %d in total; close dialogs or request fewer new tokens")
                .formatted(wanted, others, limits.cacheBytes));
      }
      arriving.add(job);
      turns++;
      cacheBytes += wanted - sequence.charged;
      sequence.charged = wanted;
    }
  }

  // The turn of a sequence is over: its cache counts with its current size.
  private void left(Sequence sequence) {
    synchronized (gate) {
      turns--;
      charge(sequence, sequence.cache.bytes());
    }
  }

  private void charge(Sequence sequence, long bytes) {
    synchronized (gate) {
      cacheBytes += bytes - sequence.charged;
      sequence.charged = bytes;
    }
  }

  /**
   * One conversation. It remembers the prompt that its cache contains; of the next prompt only the
   * part after the common beginning is computed. It serves one caller at a time; {@link #cancel}
   * and {@link #close} may be called from any thread, including by a listener during an answer.
   */
  public final class Sequence implements AutoCloseable {
    private final KvCache cache = new KvCache(shape);
    // bytes of the cache that count towards the limits; guarded by the engine's gate
    private long charged;
    private final List<float[]> images = new ArrayList<>();
    // Used by the loop while a job runs:
    private final Codes held = new Codes(); // the content of the cache
    // the generated text, including earlier turns
    private final PromptLookup lookup = new PromptLookup();
    private final Object turns = new Object();
    // Guarded by turns:
    private boolean busy; // with a caller
    private boolean over;
    private boolean cancelRequested;
    private @Nullable Job job; // the job that the loop has

    private Sequence() {}

    /**
     * Answers {@code prompt}, which is the whole prompt including earlier turns.
     *
     * @param onText receives the text piece by piece in the thread of the caller. Anything that it
     *     throws ends the answer and is passed on. The answer continues to be computed while it
     *     runs; it may call {@link #cancel} and {@link #close}
     * @throws RadialogException if the prompt leaves no position for an answer, or the model
     *     failed; of the kind {@link Kind#OVERLOADED} if the limits are exceeded
     * @throws IllegalStateException if another caller is being served, or this or the engine is
     *     closed
     */
    public Completion generate(List<LlamaInput> prompt, Decoding how, Consumer<String> onText) {
      return generate(prompt, Cut.NONE, how, Optional.empty(), onText);
    }

    /**
     * Answers {@code prompt} under guidance; see {@link #generate(List, Decoding, Consumer)}.
     *
     * @param onText receives the text sentence by sentence
     */
    Completion generate(
        List<LlamaInput> prompt, Decoding how, AnswerText.Guide guide, Consumer<String> onText) {
      return generate(prompt, Cut.NONE, how, Optional.of(guide), onText);
    }

    /**
     * Answers {@code prompt} again from the position where an earlier answer to it is cut. The part
     * that is kept is not recomputed. If nothing is barred, the answer equals the earlier one, even
     * if it was sampled.
     *
     * @param prompt the prompt of the earlier answer
     * @param how the same as before; its number of new tokens includes those that are kept
     * @param onText receives the text after the part that is kept; see {@link #generate(List,
     *     Decoding, Consumer)}
     * @return the whole answer, including the part that is kept
     * @throws RadialogException as for any answer, or if the cut keeps as many tokens as an answer
     *     may have, or bars all tokens
     */
    public Completion generate(
        List<LlamaInput> prompt, Cut cut, Decoding how, Consumer<String> onText) {
      return generate(prompt, cut, how, Optional.empty(), onText);
    }

    private Completion generate(
        List<LlamaInput> prompt,
        Cut cut,
        Decoding how,
        Optional<AnswerText.Guide> guide,
        Consumer<String> onText) {
      Objects.requireNonNull(prompt, "prompt");
      Objects.requireNonNull(cut, "cut");
      Objects.requireNonNull(how, "how");
      Objects.requireNonNull(onText, "onText");
      synchronized (turns) {
        requireOpen();
        if (busy) {
          throw new IllegalStateException("this sequence is answering another caller");
        }
        busy = true;
      }
      Optional<Job> begun = Optional.empty();
      try {
        Job mine = new Job(this, prompt, cut, how, guide);
        Optional<Job> here = Optional.of(mine);
        synchronized (turns) {
          requireOpen(); // preparing the prompt took time
          mine.cancelled = cancelRequested;
          submit(mine);
          begun = here; // a refused job is not waited for
          job = mine;
        }
        return mine.await(onText);
      } finally {
        // In any case, no second answer begins before the loop has finished this one.
        begun.ifPresent(Job::leave);
        synchronized (turns) {
          job = null;
          busy = false;
          cancelRequested = false;
        }
      }
    }

    private void requireOpen() {
      if (over) {
        throw new IllegalStateException("this sequence is closed");
      }
    }

    /**
     * Ends the current answer within one decode step. If there is none, the next answer ends as
     * cancelled before any of its tokens is computed, so that a cancellation cannot be lost to an
     * answer that is about to begin.
     */
    public void cancel() {
      synchronized (turns) {
        cancelRequested = true;
        if (job != null) {
          job.cancelled = true;
        }
      }
    }

    /** Number of tokens in the cache. */
    public int length() {
      return cache.length();
    }

    /**
     * Cancels, waits until the loop has finished the current answer, which takes one step, and
     * frees the cache. It does not wait for a listener, so it may be called from one.
     */
    @Override
    public void close() {
      Optional<Job> last;
      synchronized (turns) {
        over = true;
        last = Optional.ofNullable(job);
      }
      last.ifPresent(Job::leave);
      synchronized (turns) {
        cache.close();
      }
      charge(this, 0);
    }

    // A fingerprint of each position's content.
    private Codes codes(List<LlamaInput> prompt) {
      Codes codes = new Codes();
      for (LlamaInput input : prompt) {
        switch (input) {
          case LlamaInput.Tokens(int[] ids) -> {
            for (int id : ids) {
              codes.add(known(id));
            }
          }
          case LlamaInput.Answer(int[] ids) -> {
            for (int id : ids) {
              codes.add(Codes.ANSWER + known(id));
            }
          }
          case LlamaInput.Embeddings(float[] rows, int count) -> {
            long image = image(rows);
            for (int row = 0; row < count; row++) {
              codes.add(-1 - (image << 32) - row);
            }
          }
        }
      }
      return codes;
    }

    private int known(int id) {
      if (id < 0 || id >= network.vocab()) {
        throw new RadialogException(
            "token id " + id + " is not in the language model's vocabulary of " + network.vocab());
      }
      return id;
    }

    private int image(float[] rows) {
      for (int i = 0; i < images.size(); i++) {
        if (Arrays.equals(images.get(i), rows)) {
          return i;
        }
      }
      images.add(rows);
      return images.size() - 1;
    }
  }

  /** A growing list of longs, one per position. */
  private static final class Codes {
    /**
     * Marks a token of an answer, because its result differs from that of the same token in a
     * prompt.
     */
    static final long ANSWER = 1L << 32;

    private long[] values = new long[256];
    private int size;

    void add(long value) {
      if (size == values.length) {
        values = Arrays.copyOf(values, 2 * size);
      }
      values[size++] = value;
    }

    void truncate(int newSize) {
      size = newSize;
    }

    boolean answer(int position) {
      return values[position] >= ANSWER;
    }

    /**
     * The end of the run of positions from {@code from} on that are all part of an answer, or all
     * not.
     */
    int endOfKind(int from) {
      int to = from + 1;
      while (to < size && answer(to) == answer(from)) {
        to++;
      }
      return to;
    }

    /** The token ids alone, without the mark of answers. */
    long[] ids() {
      return Arrays.stream(values, 0, size).map(v -> v >= ANSWER ? v - ANSWER : v).toArray();
    }

    int common(Codes other) {
      int n = Arrays.mismatch(values, 0, size, other.values, 0, other.size);
      return n < 0 ? size : n;
    }
  }

  // ---- the loop: everything below runs on its thread, except Job.await

  private void loop() {
    List<Job> running = new ArrayList<>();
    List<Job> queued = new ArrayList<>();
    Optional<Throwable> failure = Optional.empty();
    try {
      serve(running, queued);
    } catch (Throwable e) { // also a sneakily thrown checked exception
      failure = Optional.of(e);
    } finally {
      synchronized (gate) {
        closed = true;
        fault = failure.orElse(null);
      }
      Throwable told =
          failure.orElseGet(() -> new IllegalStateException("the engine's thread was ended"));
      running.forEach(job -> job.fail(told));
      queued.forEach(job -> job.fail(told));
      for (Arrival left = arriving.poll(); left != null; left = arriving.poll()) {
        switch (left) {
          case Closing _ -> {}
          case Job job -> job.fail(told);
        }
      }
    }
  }

  private void serve(List<Job> running, List<Job> queued) {
    boolean open = true;
    while (open) {
      open = accept(queued, running.isEmpty() && queued.isEmpty());
      if (!open) {
        running.forEach(job -> job.cancelled = true);
        queued.forEach(job -> job.cancelled = true);
      }
      while (running.size() < limits.running && !queued.isEmpty()) {
        Job next = queued.removeFirst();
        running.add(next);
        next.guarded(next::admit);
      }
      end(queued);
      end(running);
      running.stream().filter(Job::prefilling).findFirst().ifPresent(this::prefill);
      List<Job> ready = running.stream().filter(Job::decoding).toList();
      if (!ready.isEmpty()) {
        step(ready);
      }
      running.removeIf(job -> job.ended);
    }
  }

  // Queues arrivals; waits if there is nothing to do. Returns false when the engine closes.
  private boolean accept(List<Job> queued, boolean idle) {
    try {
      Arrival arrival = idle ? arriving.take() : arriving.poll();
      while (arrival != null) {
        switch (arrival) {
          case Closing _ -> {
            return false;
          }
          case Job job -> queued.add(job);
        }
        arrival = arriving.poll();
      }
      return true;
    } catch (InterruptedException e) {
      // Nobody else has this thread, so only a shutdown of the whole process can cause this.
      return false;
    }
  }

  private static void end(List<Job> jobs) {
    for (Job job : jobs) {
      if (job.cancelled && !job.ended) {
        job.guarded(() -> job.end(End.CANCELLED));
      }
    }
    jobs.removeIf(job -> job.ended);
  }

  private void prefill(Job job) {
    job.guarded(() -> {
      int end = job.codes.endOfKind(job.next);
      float[] last;
      if (network.answersApart() && job.codes.answer(job.next)) {
        last = recall(job, Math.min(job.next + RECALL, end));
      } else {
        int to = Math.min((job.next / PREFILL + 1) * PREFILL, end);
        last = network.prefill(job.sequence.cache, slice(job.prompt, job.next, to));
        job.computed(to);
      }
      if (job.next == job.codes.size) {
        job.choose(last).ifPresent(job::end);
      }
    });
  }

  // An earlier answer up to a position, computed by decode steps; returns the logits after it.
  private float[] recall(Job job, int to) {
    long[] ids = job.codes.ids();
    float[] last = {};
    while (job.next < to) {
      int count = Math.min(Math.max(1, network.passTokens()), to - job.next);
      int[] tokens = new int[count];
      for (int i = 0; i < count; i++) {
        tokens[i] = (int) ids[job.next + i];
      }
      List<float[]> rows = rows(count);
      network.extend(List.of(tokens), List.of(job.sequence.cache), rows.toArray(float[][]::new));
      job.computed(job.next + count);
      last = rows.getLast();
    }
    return last;
  }

  private List<float[]> rows(int count) {
    while (logits.size() < count) {
      logits.add(new float[network.vocab()]);
    }
    return logits.subList(0, count);
  }

  private void step(List<Job> ready) {
    try {
      pass(ready);
    } catch (RuntimeException | Error e) {
      // To find the one that failed, each continues alone from the previous content of its cache.
      for (Job job : ready) {
        job.guarded(() -> {
          job.sequence.cache.truncate(job.sequence.held.size);
          if (ready.size() == 1) {
            throw e;
          }
          pass(List.of(job));
        });
      }
    }
  }

  private void pass(List<Job> jobs) {
    List<int[]> tokens = new ArrayList<>();
    int rows = 0;
    for (Job job : jobs) {
      // Room in the pass beyond one token per sequence is divided among the remaining sequences.
      int waiting = jobs.size() - tokens.size();
      int[] next = job.next(Math.max(0, network.passTokens() - rows - waiting) / waiting);
      tokens.add(next);
      rows += next.length;
    }
    List<KvCache> caches = jobs.stream().map(job -> job.sequence.cache).toList();
    network.extend(tokens, caches, rows(rows).toArray(float[][]::new));
    int row = 0;
    for (int i = 0; i < jobs.size(); i++) {
      Job job = jobs.get(i);
      int[] next = tokens.get(i);
      List<float[]> own = logits.subList(row, row + next.length);
      job.guarded(() -> job.keep(next, own));
      row += next.length;
    }
  }

  // The positions [from, to) of a prompt.
  private static List<LlamaInput> slice(List<LlamaInput> prompt, int from, int to) {
    List<LlamaInput> slice = new ArrayList<>();
    int start = 0;
    for (LlamaInput input : prompt) {
      int first = Math.max(from - start, 0);
      int last = Math.min(to - start, input.count());
      if (first < last) {
        slice.add(
            switch (input) {
              case LlamaInput.Tokens(int[] ids) ->
                  new LlamaInput.Tokens(Arrays.copyOfRange(ids, first, last));
              case LlamaInput.Answer(int[] ids) ->
                  new LlamaInput.Answer(Arrays.copyOfRange(ids, first, last));
              case LlamaInput.Embeddings(float[] rows, int count) -> {
                int width = rows.length / count;
                yield new LlamaInput.Embeddings(
                    Arrays.copyOfRange(rows, first * width, last * width), last - first);
              }
            });
      }
      start += input.count();
    }
    return slice;
  }

  /** Messages to the loop. */
  private sealed interface Arrival {}

  private record Closing() implements Arrival {}

  /** One answer in progress. */
  private final class Job implements Arrival {
    final Sequence sequence;
    final List<LlamaInput> prompt; // including the part of an earlier answer that is kept
    final int promptTokens; // without
    final Codes codes; // positions of the prompt
    final Decoding how;
    // pieces of the text, none of them empty
    final BlockingQueue<String> pieces = new LinkedBlockingQueue<>();
    final long submitted = System.nanoTime();
    volatile boolean cancelled;
    // The outcome: one of the two is set before the latch opens.
    private volatile @Nullable Completion completion;
    private volatile @Nullable Throwable failure;
    private final CountDownLatch settled = new CountDownLatch(1);

    // Used only by the loop:
    boolean ended;
    int cached;
    int next; // first position of the prompt that has not been computed
    int pending; // the token that the next pass appends
    final boolean guessed = guessing;
    int chosen; // completion tokens
    Set<Integer> barred; // as the next token
    boolean takenBack; // by the last choice
    long firstAt;
    long lastAt;
    final Sampler sampler;
    final AnswerText answer;
    final Optional<Constrained> constrained;
    final List<TokenLikelihood> likelihoods = new ArrayList<>(); // of the tokens of `answer`

    Job(
        Sequence sequence,
        List<LlamaInput> asked,
        Cut cut,
        Decoding how,
        Optional<AnswerText.Guide> guide) {
      List<LlamaInput> whole = new ArrayList<>(asked);
      if (!cut.kept().isEmpty()) {
        whole.add(new LlamaInput.Answer(cut.kept().stream().mapToInt(id -> id).toArray()));
      }
      this.sequence = sequence;
      this.prompt = List.copyOf(whole);
      this.codes = sequence.codes(whole);
      this.promptTokens = codes.size - cut.kept().size();
      this.how = how;
      this.barred = cut.barred();
      this.sampler = new Sampler(how, Math.min(tokenizer.size(), network.vocab()));
      this.answer = new AnswerText(tokenizer, how.stop(), guide);
      this.constrained =
          how.constraint().map(wanted -> new Constrained(wanted, tokenizer, ends, how));
      if (cut.kept().size() >= how.maxNewTokens()) {
        throw new RadialogException(
            Kind.BAD_INPUT,
            "%d tokens of the answer are kept, expected fewer than its maximum of %d"
                .formatted(cut.kept().size(), how.maxNewTokens()));
      }
      sampler.requireChoice(barred);
      for (int id : cut.kept()) {
        answer.add(id);
        sampler.skip();
        chosen++;
      }
    }

    // The maximum number of positions in the cache at the end.
    int mostPositions() {
      return (int) Math.min(shape.positions(), (long) promptTokens + how.maxNewTokens());
    }

    boolean prefilling() {
      return !ended && next < codes.size;
    }

    boolean decoding() {
      return !ended && next == codes.size;
    }

    void admit() {
      if (answer.stopped()) {
        end(End.STOP_TEXT);
        return;
      }
      if (promptTokens == 0) {
        throw new RadialogException(
            Kind.BAD_INPUT, "the prompt is empty, expected at least one token");
      }
      if (codes.size >= shape.positions()) {
        throw new RadialogException(
            Kind.BAD_INPUT,
            "the conversation has "
                + codes.size
                + " tokens and the language model "
                + shape.positions()
                + " positions, which leaves no room for an answer; start a new conversation");
      }
      // The last position is always computed, because its logits choose the first token. (After a
      // failure the cache may hold less than was recorded.)
      int there = Math.min(sequence.held.common(codes), sequence.cache.length());
      cached = Math.min(there, codes.size - 1);
      sequence.held.truncate(cached);
      sequence.cache.truncate(cached);
      next = cached;
      sequence.lookup.read(codes.ids(), codes.size);
    }

    // The cache has the positions of the prompt up to `to`.
    void computed(int to) {
      for (int i = next; i < to; i++) {
        sequence.held.add(codes.values[i]);
      }
      next = to;
    }

    // The tokens that the next pass appends: the chosen token, and at most this many proposals.
    int[] next(int most) {
      int room =
          Math.min(
              Math.min(most, how.maxNewTokens() - chosen - 1),
              shape.positions() - sequence.held.size - 1);
      int[] guesses = {};
      if (room > 0 && guessed && how.temperature() == 0 && constrained.isEmpty()) {
        guesses = sequence.lookup.propose(room);
      }
      int[] tokens = new int[1 + guesses.length];
      tokens[0] = pending;
      System.arraycopy(guesses, 0, tokens, 1, guesses.length);
      return tokens;
    }

    // The pass has appended `tokens`; those that were chosen are kept. Logits: one row [V] per
    // token.
    void keep(int[] tokens, List<float[]> logits) {
      int kept = 0;
      Optional<End> end;
      do {
        sequence.held.add(Codes.ANSWER + tokens[kept]);
        end = choose(logits.get(kept));
        kept++;
      } while (end.isEmpty() && !takenBack && kept < tokens.length && tokens[kept] == pending);
      // Before the end is announced, because the caller may use the cache after that.
      sequence.cache.truncate(sequence.held.size);
      watcher.accept(new Pass(tokens.length, Arrays.stream(tokens).limit(kept).boxed().toList()));
      end.ifPresent(this::end);
    }

    // The token that may follow the accepted, shown and pending tokens; or the reason why the
    // answer ends with it.
    Optional<End> choose(float[] logits) {
      int token =
          constrained.isPresent()
              ? constrained.get().choose(logits, barred, sampler, chosen)
              : sampler.choose(logits, barred);
      barred = Set.of();
      takenBack = false;
      sequence.lookup.answer(token);
      chosen++;
      lastAt = System.nanoTime();
      if (firstAt == 0) {
        firstAt = lastAt;
      }
      if (ends.contains(token)) {
        return ended(End.END_TOKEN);
      }
      if (how.likeliest().isPresent()) {
        likelihoods.add(sampler.likelihood(logits, token, how.likeliest().getAsInt(), tokenizer));
      }
      show(answer.add(token));
      if (answer.refused()) {
        return again() ? Optional.empty() : Optional.of(End.END_TOKEN);
      }
      if (answer.stopped()) {
        return ended(End.STOP_TEXT);
      }
      if (chosen == how.maxNewTokens()) {
        return ended(End.LENGTH);
      }
      if (sequence.held.size == shape.positions()) {
        return ended(End.CONTEXT);
      }
      pending = token;
      return Optional.empty();
    }

    // The answer is over, unless its last sentence does not stand and can be decoded again.
    private Optional<End> ended(End why) {
      show(answer.end());
      return answer.refused() && why == End.END_TOKEN && again()
          ? Optional.empty()
          : Optional.of(why);
    }

    // Goes back to where the refused sentence can take another way; false if there is none.
    private boolean again() {
      Optional<AnswerText.Retry> way = answer.retry(ends);
      if (way.isEmpty()) {
        return false;
      }
      int kept = way.get().kept();
      chosen = kept;
      likelihoods.subList(Math.min(kept, likelihoods.size()), likelihoods.size()).clear();
      barred = way.get().barred();
      takenBack = true;
      // The last position that stays is computed again, because its logits choose what follows.
      int positions = codes.size + kept - 1;
      sequence.held.truncate(positions);
      sequence.cache.truncate(positions);
      if (kept == 0) {
        next = positions;
      } else {
        pending = answer.ids().get(kept - 1);
      }
      Codes whole = new Codes();
      Arrays.stream(codes.ids()).forEach(whole::add);
      answer.ids().forEach(id -> whole.add(id));
      sequence.lookup.read(whole.ids(), whole.size);
      return true;
    }

    void end(End why) {
      show(answer.end());
      if (answer.refused()) {
        answer.drop();
      }
      String text = answer.text();
      // A stop text may end inside a token; the next turn then reads the text that the user saw.
      List<Integer> stands =
          why == End.STOP_TEXT
              ? Arrays.stream(tokenizer.encode(text, false)).boxed().toList()
              : answer.ids();
      long prefilled = firstAt == 0 ? System.nanoTime() : firstAt;
      completion =
          new Completion(
              text,
              stands,
              why,
              new Usage(promptTokens, Math.min(cached, promptTokens), chosen),
              answer.guidance(),
              stands.equals(answer.ids()) && likelihoods.size() >= stands.size()
                  ? likelihoods.subList(0, stands.size())
                  : List.of(),
              (prefilled - submitted) / 1e6,
              (lastAt - firstAt) / 1e6);
      settle();
    }

    private void show(String piece) {
      if (!piece.isEmpty()) {
        pieces.add(piece);
      }
    }

    // Runs a part of this job. An exception ends this job and no other.
    void guarded(Runnable part) {
      try {
        part.run();
      } catch (RuntimeException | Error e) {
        fail(e);
      }
    }

    // Allocates nothing before the caller can see it, because the failure may be a lack of memory.
    void fail(Throwable cause) {
      failure = cause;
      settle();
    }

    private void settle() {
      ended = true;
      left(sequence);
      settled.countDown();
      try {
        pieces.add(""); // wakes the caller
      } catch (OutOfMemoryError e) {
        // No memory for a node of the queue: the caller notices within LOOK_MILLIS by itself.
      }
    }

    // ---- in the thread of the caller

    Completion await(Consumer<String> onText) {
      boolean interrupted = false;
      @Nullable Throwable refusal = null;
      try {
        while (true) {
          String piece;
          try {
            piece = pieces.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
          } catch (InterruptedException e) {
            interrupted = true;
            cancelled = true;
            continue;
          }
          if (piece != null && !piece.isEmpty()) {
            if (refusal == null) {
              try {
                onText.accept(piece);
              } catch (Throwable e) { // also an Error or a sneakily thrown checked exception
                refusal = e;
                cancelled = true;
              }
            }
          } else if ((settled.getCount() == 0 || !thread.isAlive()) && pieces.isEmpty()) {
            return outcome(refusal);
          }
        }
      } finally {
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }

    private Completion outcome(@Nullable Throwable refusal) {
      if (refusal != null) {
        throw Job.<RuntimeException>asItIs(refusal);
      }
      Throwable cause = failure;
      if (cause instanceof RadialogException told) {
        throw new RadialogException(told.kind(), told.getMessage(), told);
      }
      if (cause != null) {
        throw new RadialogException("the language model failed: " + cause, cause);
      }
      Completion done = completion;
      if (done == null) {
        throw new RadialogException(
            "the language model failed: its thread has ended; load the model again");
      }
      return done;
    }

    // An exception of a listener reaches the caller unwrapped, whether it is declared or not.
    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    private static <E extends Throwable> RuntimeException asItIs(Throwable thrown) throws E {
      throw (E) thrown;
    }

    /**
     * Cancels and waits until the loop has finished the job; returns immediately if it has ended.
     */
    void leave() {
      cancelled = true;
      boolean interrupted = false;
      while (thread.isAlive()) {
        try {
          if (settled.await(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
            break;
          }
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
