package org.radialog.language;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;
import org.radialog.base.RadialogException;
import org.radialog.kernels.FloatLanes;
import org.radialog.kernels.LowRank;
import org.radialog.kernels.PackedMatrix;
import org.radialog.kernels.QuantisedVectors;
import org.radialog.kernels.Team;
import org.radialog.kernels.WeightFormat;

/**
 * The decode step of a Llama-family model in plain Java on quantised weights: {@code INT8}
 * throughout, or {@code INT4} layers with an 8-bit head. It reads the same weights and the same
 * {@link KvCache} as {@link Llama}.
 *
 * <p>B sequences · N new tokens of all of them, one row each · D hidden · H heads · K key/value
 * heads · d head size · F MLP · V vocabulary · r rank of an adapter.
 *
 * <p>A step consists of the phases of a {@link Team}: five per layer and one for the head. In each
 * phase, rows of the matrices or chunks of the attention are given to free threads. Before its
 * first piece of a phase, a thread normalises and rounds its own copy of the common input, which
 * costs less than waiting for another thread. The logits of a token are bit-identical alone, in a
 * batch and in a pass of several tokens, for any number of threads.
 *
 * <p>Not thread-safe: one step at a time; only {@link #warmUp} may run concurrently.
 */
public final class LlamaDecoder implements LanguageDecoder, AutoCloseable {
  // With more threads, memory bandwidth is the limit.
  private static final int MOST_THREADS = 8;

  // Number of rows that the kernels process at once. Up to this number a pass is bandwidth-bound
  // and further rows are cheap; beyond it rows are compute-bound and cost as much as before.
  private static final int PASS_TOKENS = 4;

  private final LlamaConfig config;
  private final LlamaWeights weights;
  private final PackedLlama packed;
  private final Team team;
  private final Member[] members;
  private final float[] frequencies; // [d/2]
  private final List<Row> rows = new ArrayList<>(); // of the largest batch so far
  private final ReentrantLock lock = new ReentrantLock();
  private final ReentrantLock warming = new ReentrantLock();
  private volatile boolean warm; // or must not be warmed up any longer

  /** The data of one token in the pass, shared by all threads. */
  private static final class Row {
    final float[] x; // [D] the residual stream
    final float[] projected; // [D] output of o_proj and down_proj
    final float[] q; // [H · d]
    final float[] k; // [K · d]
    final float[] v; // [K · d]
    final float[] gate; // [F]
    final float[] up; // [F]
    final float[] cos; // [d/2]
    final float[] sin; // [d/2]
    final CachedAttention attention;

    Row(LlamaConfig c) {
      x = new float[c.hidden()];
      projected = new float[c.hidden()];
      q = new float[c.queryRows()];
      k = new float[c.keyRows()];
      v = new float[c.keyRows()];
      gate = new float[c.mlp()];
      up = new float[c.mlp()];
      cos = new float[c.headSize() / 2];
      sin = new float[c.headSize() / 2];
      attention = new CachedAttention(c);
    }
  }

  /** The private data of one thread. */
  private static final class Member {
    final CachedAttention.Scratch scratch;
    QuantisedVectors hidden; // [N, D]
    QuantisedVectors attended; // [N, H · d]
    QuantisedVectors inner; // [N, F]
    float[][] normed; // [N, D]
    float[][] merged; // [N, H · d]
    float[][][] low = {}; // [3, N, r] A x of the matrices of a phase

    // written so that reads for warming caches are not optimised away
    @SuppressWarnings("UnusedVariable")
    int touched;

    Member(LlamaConfig c) {
      scratch = new CachedAttention.Scratch(c);
      hidden = new QuantisedVectors(0, c.hidden());
      attended = new QuantisedVectors(0, c.queryRows());
      inner = new QuantisedVectors(0, c.mlp());
      normed = new float[0][];
      merged = new float[0][];
    }

    float[] low(int slot, int row, int width) {
      if (low[slot][row].length < width) {
        low[slot][row] = new float[width];
      }
      return low[slot][row];
    }

    void grow(LlamaConfig c, int count) {
      if (normed.length < count) {
        hidden = new QuantisedVectors(count, c.hidden());
        attended = new QuantisedVectors(count, c.queryRows());
        inner = new QuantisedVectors(count, c.mlp());
        normed = new float[count][c.hidden()];
        merged = new float[count][c.queryRows()];
        low = new float[3][count][0];
      }
    }
  }

  /** Rows {@code first … first + count − 1} of a pass are the new tokens of one sequence. */
  private record Run(KvCache cache, int first, int count) {}

  /** A pass in progress: arrays by row. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Step(
      int count, // N
      List<Run> runs, // B
      Row[] rows,
      float[][] q,
      float[][] k,
      float[][] v,
      float[][] projected,
      float[][] gate,
      float[][] up,
      float[][] logits) {}

  private LlamaDecoder(LlamaWeights weights, PackedLlama packed) {
    this(weights, packed, Math.clamp(Runtime.getRuntime().availableProcessors(), 1, MOST_THREADS));
  }

  LlamaDecoder(LlamaWeights weights, PackedLlama packed, int threads) {
    this.config = weights.config();
    this.weights = weights;
    this.packed = packed;
    this.frequencies = config.inverseFrequencies();
    this.team = Team.of(threads);
    this.members =
        IntStream.range(0, team.size()).mapToObj(i -> new Member(config)).toArray(Member[]::new);
  }

  /**
   * The model, packed in memory. GGUF's Q4_1 layers at {@code INT4} and Q8_0 layers at {@code INT8}
   * are stored without loss; others are rounded in groups of 32.
   *
   * @param weights must stay open as long as the decoder is used
   * @param adapter of the model, if it has one
   * @param merged whether the adapter is added to the matrices before they are rounded, which at
   *     {@code INT4} loses most of its effect; otherwise it is applied separately in fp32
   * @param precision {@code INT8} or {@code INT4}
   * @throws RadialogException if the widths of the model are not multiples of 32
   */
  public static LlamaDecoder of(
      LlamaWeights weights, Optional<LoraAdapter> adapter, boolean merged, Precision precision) {
    return new LlamaDecoder(weights, PackedLlama.of(weights, adapter, merged, precision));
  }

  /**
   * The model in a file of packed weights, which is mapped instead of loaded; its checksums are
   * verified.
   *
   * @param weights the source of the packed weights, for its shape and the embeddings of tokens
   * @param key the key in the file
   * @return empty if there is no such file, if it is damaged, or if it has another key, model,
   *     precision or vector width
   */
  public static Optional<LlamaDecoder> packed(
      Path file, String key, LlamaWeights weights, Precision precision) {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      return PackedLlama.map(file, key, weights.config(), precision)
          .map(packed -> new LlamaDecoder(weights, packed));
    } catch (RadialogException e) {
      return Optional.empty(); // damaged: treated as missing
    }
  }

  /**
   * Packs a model into a file for {@link #packed}, without holding it in memory.
   *
   * @param key one line that identifies the source: the digests of base and adapter, and whether it
   *     is merged
   * @param merged as for {@link #of}
   * @throws RadialogException if the file cannot be written
   */
  public static void pack(
      Path file,
      String key,
      LlamaWeights weights,
      Optional<LoraAdapter> adapter,
      boolean merged,
      Precision precision) {
    PackedLlama.write(file, key, weights, adapter, merged, precision);
  }

  /**
   * Packs a model again, one matrix at a time, and compares the result with a file of {@link
   * #pack}.
   *
   * @return whether they are equal; empty if the file has another key, model, precision or vector
   *     width
   * @throws RadialogException if the file is missing or damaged
   */
  public static Optional<Boolean> equal(
      Path file,
      String key,
      LlamaWeights weights,
      Optional<LoraAdapter> adapter,
      boolean merged,
      Precision precision) {
    return PackedLlama.equal(file, key, weights, adapter, merged, precision);
  }

  /** The shape of the model. */
  public LlamaConfig config() {
    return config;
  }

  /** Bytes of the weights in memory: those that a step reads, without the cache. */
  public long weightBytes() {
    return packed.bytes();
  }

  /** The weights in the form that {@link Llama} multiplies with. */
  LlamaMatrices matrices() {
    return new PackedMatrices(weights, packed);
  }

  // ---------------------------------------------------------------- the step

  @Override
  public void extend(List<int[]> tokens, List<KvCache> caches, float[][] logits) {
    check(tokens, caches, logits);
    warm = true;
    lock.lock();
    try {
      run(begin(tokens, caches, logits));
      for (int b = 0; b < caches.size(); b++) {
        caches.get(b).advance(tokens.get(b).length);
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public int passTokens() {
    return PASS_TOKENS;
  }

  private void check(List<int[]> tokens, List<KvCache> caches, float[][] logits) {
    int count = tokens.stream().mapToInt(ids -> ids.length).sum();
    if (count == 0 || tokens.size() != caches.size() || count != logits.length) {
      throw new IllegalArgumentException(
          "expected one cache for each sequence and one row of logits for each token, got %d caches for %d and %d rows for %d"
              .formatted(caches.size(), tokens.size(), logits.length, count));
    }
    for (int b = 0; b < tokens.size(); b++) {
      if (tokens.get(b).length == 0) {
        throw new IllegalArgumentException("sequence " + b + " gets no token");
      }
      for (int token : tokens.get(b)) {
        if (token < 0 || token >= config.vocab()) {
          throw new IllegalArgumentException(
              "token " + token + " is not in the vocabulary of " + config.vocab());
        }
      }
      if (!caches.get(b).shape().equals(config.cacheShape())) {
        throw new IllegalArgumentException(
            "the cache of sequence " + b + " belongs to another model: " + caches.get(b).shape());
      }
    }
    for (float[] row : logits) {
      if (row.length < config.vocab()) {
        throw new IllegalArgumentException(
            "logits need " + config.vocab() + " places, got " + row.length);
      }
    }
  }

  private Step begin(List<int[]> tokens, List<KvCache> caches, float[][] logits) {
    int count = logits.length;
    while (rows.size() < count) {
      rows.add(new Row(config));
    }
    for (Member member : members) {
      member.grow(config, count);
    }
    List<Run> runs = new ArrayList<>();
    int next = 0;
    for (int b = 0; b < tokens.size(); b++) {
      int[] ids = tokens.get(b);
      KvCache cache = caches.get(b);
      cache.reserve(cache.length() + ids.length);
      runs.add(new Run(cache, next, ids.length));
      for (int i = 0; i < ids.length; i++) {
        begin(rows.get(next++), ids[i], cache.length() + i);
      }
    }
    Row[] batch = rows.subList(0, count).toArray(Row[]::new);
    return new Step(
        count,
        runs,
        batch,
        Arrays.stream(batch).map(r -> r.q).toArray(float[][]::new),
        Arrays.stream(batch).map(r -> r.k).toArray(float[][]::new),
        Arrays.stream(batch).map(r -> r.v).toArray(float[][]::new),
        Arrays.stream(batch).map(r -> r.projected).toArray(float[][]::new),
        Arrays.stream(batch).map(r -> r.gate).toArray(float[][]::new),
        Arrays.stream(batch).map(r -> r.up).toArray(float[][]::new),
        logits);
  }

  private void begin(Row row, int token, int position) {
    row.attention.begin(position + 1);
    float[] embedding = weights.floats(LlamaWeights.EMBEDDING, token, 1); // [D]
    System.arraycopy(embedding, 0, row.x, 0, config.hidden());
    for (int i = 0; i < frequencies.length; i++) {
      float angle = position * frequencies[i];
      row.cos[i] = (float) Math.cos(angle);
      row.sin[i] = (float) Math.sin(angle);
    }
  }

  /** The phases of a layer; the last phase of a step belongs to the head. */
  private enum Phase {
    PROJECT,
    ATTEND,
    OUTPUT,
    GATE,
    DOWN;

    private static final Phase[] ALL = values();

    static Phase of(int phase) {
      return ALL[phase % ALL.length];
    }

    static int layer(int phase) {
      return phase / ALL.length;
    }
  }

  private void run(Step step) {
    int head = config.layers() * Phase.ALL.length;
    team.run(
        new Team.Phases() {
          @Override
          public int count() {
            return head + 1;
          }

          @Override
          public int units(int phase) {
            return phase == head
                ? packed.head().blocks()
                : LlamaDecoder.this.units(step, Phase.of(phase), block(phase));
          }

          @Override
          public void piece(int phase, int member, int from, int to, boolean first) {
            if (phase == head) {
              head(step, members[member], from, to, first);
            } else {
              LlamaDecoder.this.piece(step, phase, members[member], from, to, first);
            }
          }

          @Override
          public void ahead(int phase, int member, int from) {
            if (phase == head) {
              touch(members[member], packed.head(), from);
            } else {
              LlamaDecoder.ahead(Phase.of(phase), block(phase), members[member], from);
            }
          }
        });
  }

  private PackedLlama.Block block(int phase) {
    return packed.layers().get(Phase.layer(phase));
  }

  // Number of blocks of rows of the matrices; in the attention, number of items.
  private int units(Step step, Phase phase, PackedLlama.Block block) {
    return switch (phase) {
      case PROJECT ->
          block.qProj().base().blocks()
              + block.kProj().base().blocks()
              + block.vProj().base().blocks();
      case ATTEND -> {
        int work = 0;
        for (Row row : step.rows) {
          work += config.kvHeads() * row.attention.chunks();
        }
        yield work;
      }
      case OUTPUT -> block.oProj().base().blocks();
      case GATE -> block.gateProj().base().blocks();
      case DOWN -> block.downProj().base().blocks();
    };
  }

  private void piece(Step step, int phase, Member own, int from, int to, boolean first) {
    PackedLlama.Block block = block(phase);
    switch (Phase.of(phase)) {
      case PROJECT -> project(step, own, block, from, to, first);
      case ATTEND -> attend(step, own, Phase.layer(phase), from, to);
      case OUTPUT -> output(step, own, block.oProj(), from, to, first);
      case GATE -> gate(step, own, block, from, to, first);
      case DOWN -> down(step, own, block.downProj(), from, to, first);
    }
  }

  // While other threads are working, the first weights of the next phase are prefetched.
  private static void ahead(Phase phase, PackedLlama.Block block, Member own, int from) {
    switch (phase) {
      case PROJECT -> {
        if (from < block.qProj().base().blocks()) {
          touch(own, block.qProj().base(), from);
        }
      }
      case ATTEND -> {}
      case OUTPUT -> touch(own, block.oProj().base(), from);
      case GATE -> touch(own, block.gateProj().base(), from);
      case DOWN -> touch(own, block.downProj().base(), from);
    }
  }

  private static void touch(Member own, PackedMatrix next, int block) {
    if (block < next.blocks()) {
      own.touched += next.touch(block);
    }
  }

  // x [N, D] -> q [N, H·d], k and v [N, K·d], whose blocks follow each other
  private void project(
      Step step, Member own, PackedLlama.Block block, int from, int to, boolean first) {
    if (first) {
      norm(step, own, block.inputLayernorm());
      low(step, own, own.normed, block.qProj(), block.kProj(), block.vProj());
    }
    int k = block.qProj().base().blocks();
    int v = k + block.kProj().base().blocks();
    linear(block.qProj(), 0, step, own, own.hidden, from, Math.min(to, k), step.q);
    linear(
        block.kProj(),
        1,
        step,
        own,
        own.hidden,
        Math.max(from, k) - k,
        Math.min(to, v) - k,
        step.k);
    linear(block.vProj(), 2, step, own, own.hidden, Math.max(from, v) - v, to - v, step.v);
  }

  private void norm(Step step, Member own, float[] weight) {
    for (int b = 0; b < step.count; b++) {
      FloatLanes.rmsNorm(step.rows[b].x, weight, (float) config.rmsEps(), own.normed[b]); // [D]
      own.hidden.set(b, own.normed[b]);
    }
  }

  // The work items of all sequences in one list: sequence, head, chunk. Each piece is a contiguous
  // range of it, so that a thread reads long contiguous ranges of the cache. An item processes all
  // new rows of a sequence against its chunk, and first stores the keys and values of the rows in
  // that chunk: the thread that reads them has written them, so a later row sees the earlier ones
  // without waiting.
  private void attend(Step step, Member own, int layer, int from, int to) {
    int at = 0;
    for (Run run : step.runs) {
      int chunks = step.rows[run.first + run.count - 1].attention.chunks();
      for (int head = 0; head < config.kvHeads(); head++) {
        for (int chunk = 0; chunk < chunks; chunk++) {
          int first = run.first; // row whose positions reach the chunk
          while (step.rows[first].attention.chunks() <= chunk) {
            first++;
          }
          if (at >= from && at < to) {
            attend(run, first, step, own, layer, head, chunk);
          }
          at += run.first + run.count - first;
        }
      }
    }
  }

  private void attend(Run run, int first, Step step, Member own, int layer, int head, int chunk) {
    int end = run.first + run.count;
    for (int r = first; r < end && step.rows[r].attention.chunks() == chunk + 1; r++) {
      Row row = step.rows[r];
      row.attention.append(run.cache, layer, head, row.k, row.v, row.cos, row.sin, own.scratch);
    }
    for (int r = first; r < end; r++) {
      Row row = step.rows[r];
      row.attention.attend(run.cache, layer, head, chunk, row.q, row.cos, row.sin, own.scratch);
    }
  }

  // attention [N, H·d] -> x [N, D]
  private void output(
      Step step, Member own, PackedLlama.Adapted oProj, int from, int to, boolean first) {
    if (first) {
      for (int b = 0; b < step.count; b++) {
        step.rows[b].attention.merge(own.merged[b], own.scratch);
        own.attended.set(b, own.merged[b]);
      }
      low(step, own, own.merged, oProj);
    }
    linear(oProj, 0, step, own, own.attended, from, to, step.projected);
    residual(step, oProj.base(), from, to);
  }

  // x [N, D] -> silu(gate) · up [N, F]; the rows of both are in the same piece
  private void gate(
      Step step, Member own, PackedLlama.Block block, int from, int to, boolean first) {
    if (first) {
      norm(step, own, block.postAttentionLayernorm());
      low(step, own, own.normed, block.gateProj(), block.upProj());
    }
    linear(block.gateProj(), 0, step, own, own.hidden, from, to, step.gate);
    linear(block.upProj(), 1, step, own, own.hidden, from, to, step.up);
    int begin = firstRow(block.gateProj().base(), from);
    int end = firstRow(block.gateProj().base(), to);
    for (int b = 0; b < step.count; b++) {
      FloatLanes.siluTimes(step.gate[b], step.up[b], begin, end);
    }
  }

  // silu(gate) · up [N, F] -> x [N, D]
  private void down(
      Step step, Member own, PackedLlama.Adapted downProj, int from, int to, boolean first) {
    if (first) {
      for (int b = 0; b < step.count; b++) {
        own.inner.set(b, step.gate[b]);
      }
      low(step, own, step.gate, downProj);
    }
    linear(downProj, 0, step, own, own.inner, from, to, step.projected);
    residual(step, downProj.base(), from, to);
  }

  private void head(Step step, Member own, int from, int to, boolean first) {
    if (first) {
      norm(step, own, packed.norm());
    }
    packed.head().multiply(own.hidden, step.count, from, to, step.logits); // [N, V]
  }

  private static void residual(Step step, PackedMatrix projection, int from, int to) {
    int begin = firstRow(projection, from);
    int end = firstRow(projection, to);
    for (int b = 0; b < step.count; b++) {
      FloatLanes.add(step.rows[b].x, step.projected[b], begin, end);
    }
  }

  // A x of the adapters of the matrices of a phase
  private static void low(Step step, Member own, float[][] exact, PackedLlama.Adapted... layers) {
    for (int slot = 0; slot < layers.length; slot++) {
      if (layers[slot].beside().isPresent()) {
        LowRank pair = layers[slot].beside().get();
        for (int b = 0; b < step.count; b++) {
          pair.down(exact[b], own.low(slot, b, pair.width()), 0);
        }
      }
    }
  }

  // Some blocks of rows of y = W x + B (A x).
  private static void linear(
      PackedLlama.Adapted layer,
      int slot,
      Step step,
      Member own,
      QuantisedVectors rounded,
      int from,
      int to,
      float[][] y) {
    if (from >= to) {
      return;
    }
    layer.base().multiply(rounded, step.count, from, to, y);
    if (layer.beside().isPresent()) {
      LowRank pair = layer.beside().get();
      for (int b = 0; b < step.count; b++) {
        pair.up(own.low(slot, b, pair.width()), 0, from, to, y[b]);
      }
    }
  }

  private static int firstRow(PackedMatrix matrix, int block) {
    return Math.min(matrix.rows(), block * PackedMatrix.LANES);
  }

  // ---------------------------------------------------------------- warming up

  // The compiler counts calls, and until it has compiled a kernel, a call takes a thousand times as
  // long. So the kernels are called often, on as few columns as make a loop.
  private static final int WARM_COLUMNS = 2 * WeightFormat.GROUP;
  private static final int WARM_POSITIONS = 4;
  private static final int MOST_ROUNDS = 6_000;
  private static final int FAST_ROUNDS = 300;
  private static final long FAST_NANOS = 40_000; // once compiled, a round takes a few µs

  /**
   * Runs the kernels of a step on a small part of the weights until the JVM has compiled them, the
   * first step begins or {@link #endWarmUp} is called. To be called on a separate thread while
   * other parts of a program load.
   */
  public void warmUp() {
    warming.lock();
    try (KvCache cache = new KvCache(config.cacheShape())) {
      Warming work = new Warming(cache);
      int fast = 0;
      for (int round = 0; round < MOST_ROUNDS && fast < FAST_ROUNDS && !warm; round++) {
        long start = System.nanoTime();
        work.round();
        fast = System.nanoTime() - start < FAST_NANOS ? fast + 1 : 0;
      }
    } finally {
      warming.unlock();
    }
  }

  /** Ends {@link #warmUp} within about a millisecond and prevents it from running again. */
  public void endWarmUp() {
    warm = true;
  }

  /** Runs every kernel once, on a corner of the weights and with separate buffers. */
  private final class Warming {
    private final KvCache cache;
    private final Row row = new Row(config);
    private final CachedAttention.Scratch scratch = new CachedAttention.Scratch(config);
    private final QuantisedVectors rounded = new QuantisedVectors(1, WARM_COLUMNS);
    private final PackedMatrix layer;
    private final Optional<LowRank> beside;
    private final PackedMatrix head;
    private final float[] weight = new float[WARM_COLUMNS];
    private final float[] x = new float[WARM_COLUMNS];
    private final float[] normed = new float[WARM_COLUMNS];
    private final float[] merged = new float[config.queryRows()];
    private final float[][] y = new float[1][PackedMatrix.LANES];
    private final float[] low;

    Warming(KvCache cache) {
      this.cache = cache;
      PackedLlama.Adapted q = packed.layers().getFirst().qProj();
      layer = q.base().corner(WARM_COLUMNS);
      beside = q.beside().map(pair -> pair.corner(WARM_COLUMNS));
      low = new float[beside.map(LowRank::width).orElse(0)];
      head = packed.head().corner(WARM_COLUMNS);
      Arrays.fill(weight, 1);
      Arrays.fill(x, 1);
      cache.reserve(WARM_POSITIONS);
      cache.advance(WARM_POSITIONS - 1);
      row.attention.begin(WARM_POSITIONS);
    }

    void round() {
      FloatLanes.rmsNorm(x, weight, (float) config.rmsEps(), normed);
      rounded.set(0, normed);
      layer.multiply(rounded, 1, 0, 1, y);
      if (beside.isPresent()) {
        beside.get().down(normed, low, 0);
        beside.get().up(low, 0, 0, 1, y[0]);
      }
      head.multiply(rounded, 1, 0, 1, y);
      row.attention.append(cache, 0, 0, row.k, row.v, row.cos, row.sin, scratch);
      row.attention.attend(cache, 0, 0, 0, row.q, row.cos, row.sin, scratch);
      row.attention.merge(merged, scratch);
      FloatLanes.siluTimes(row.gate, row.up, 0, FloatLanes.LANES);
      FloatLanes.add(row.x, row.projected, 0, 1);
    }
  }

  /**
   * Ends the threads, including warm-up, and frees the weights; must not be called while a step
   * runs.
   */
  @Override
  public void close() {
    endWarmUp();
    warming.lock();
    try {
      team.close();
      packed.close();
    } finally {
      warming.unlock();
    }
  }
}
