package org.radialog.language;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.RadialogException;
import org.radialog.torch.BlasThreads;
import org.radialog.torch.Linear;
import org.radialog.torch.LoraLinear;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.torch.TorchThreads;

/**
 * A Llama-family language model on libtorch (arXiv 2302.13971): oracle, training, prefill, and the
 * decode step of the precisions fp32 and bf16.
 *
 * <pre>
 *   ids ── embed_tokens ─┐
 *   image rows ──────────┴── x ─┬─ RMSNorm ─ q, k, v ─ RoPE ─ attention ─ o ─ + ─┐
 *                               └─────────────────────────────────────────────┘  │   each layer
 *                               ┌────────────────────────────────────────────────┘
 *                               ├─ RMSNorm ─ down(silu(gate) · up) ─ + ── … ── RMSNorm ─ lm_head
 *                               └────────────────────────────────────┘
 * </pre>
 *
 * <p>B sequences · T tokens of each · N rows of all sequences together · L positions attended to ·
 * D hidden · H heads · K key/value heads · G = H/K · d head size · F MLP · V vocabulary.
 *
 * <p>The rows of all sequences are joined for the linear layers; attention runs per sequence. The
 * residual stream, norms, rotary embedding and attention are fp32 at both precisions; bf16 is the
 * type of the matrices, their inputs and their outputs, and of the products inside the attention of
 * a long text ({@link BlockAttention}).
 *
 * <p>A prompt in bf16 is computed in {@link PromptBlocks}, whose bits do not depend on how it is
 * cut into calls. A checkpoint and a file of packed weights become a network under "factories"
 * below.
 *
 * <p>Not thread-safe: one call at a time.
 */
public final class Llama implements LanguageNetwork, AutoCloseable {
  /** The label of a position that has no target. */
  public static final int IGNORED = -100;

  /** A linear layer without bias. */
  private sealed interface Matrix {
    /** As the matrices have it. */
    record Base(LlamaLinear linear, int layer) implements Matrix {}

    /** With an adapter beside it. */
    record Adapted(LoraLinear layer) implements Matrix {}
  }

  /** One transformer block; its fields have the checkpoint's names. */
  private record Block(
      Tensor inputLayernorm, // [D]
      Matrix qProj,
      Matrix kProj,
      Matrix vProj,
      Matrix oProj,
      Tensor postAttentionLayernorm, // [D]
      Matrix gateProj,
      Matrix upProj,
      Matrix downProj) {}

  /** How rows attend: q [N, H, d], k and v [N, K, d], rotated, to [N, H · d]. */
  @FunctionalInterface
  interface Attention {
    Tensor attend(int layer, Tensor q, Tensor k, Tensor v);

    /** Keeps keys and values for rows to come. */
    default void keep(int layer, Tensor k, Tensor v) {
      throw new UnsupportedOperationException("some row of every step is wanted");
    }
  }

  /** Rows of a step: all, or the R that are named. */
  @FunctionalInterface
  private interface Rows {
    Rows ALL = t -> t;

    static Rows named(Tensor index /* [R] */) {
      return t -> t.index_select(0, index);
    }

    /** [N, …] -> [R, …] */
    Tensor from(Tensor t);
  }

  /** Where a test looks inside, under the reference's names of the modules. */
  @FunctionalInterface
  interface Probe {
    /** Looks at nothing. */
    Probe NONE = (name, value) -> {};

    /** Called in the order of computation; {@code value} is valid during the call. */
    void see(String name, Tensor value);
  }

  private final LlamaConfig config;
  private final ScalarType type; // of matrices
  private final List<Block> layers;
  private final Tensor norm; // [D]
  private final LlamaMatrices matrices; // owns the base's memory
  private final Rotary rotary;
  private boolean training;
  private final PromptBlocks blocks; // where the type is bf16

  private Llama(LlamaMatrices matrices) {
    this(matrices, Matrix.Base::new);
  }

  private Llama(LlamaMatrices matrices, BiFunction<LlamaLinear, Integer, Matrix> linear) {
    this.config = matrices.config();
    this.type = matrices.type();
    this.matrices = matrices;
    this.layers =
        IntStream.range(0, config.layers())
            .mapToObj(i ->
                new Block(
                    matrices.vector(LlamaWeights.inputNorm(i)),
                    linear.apply(LlamaLinear.Q_PROJ, i),
                    linear.apply(LlamaLinear.K_PROJ, i),
                    linear.apply(LlamaLinear.V_PROJ, i),
                    linear.apply(LlamaLinear.O_PROJ, i),
                    matrices.vector(LlamaWeights.postAttentionNorm(i)),
                    linear.apply(LlamaLinear.GATE_PROJ, i),
                    linear.apply(LlamaLinear.UP_PROJ, i),
                    linear.apply(LlamaLinear.DOWN_PROJ, i)))
            .toList();
    this.norm = matrices.vector(LlamaWeights.NORM); // [D]
    this.rotary = new Rotary(config);
    this.blocks = new PromptBlocks(this, matrices);
  }

  // ---------------------------------------------------------------- the network

  Tensor embed(List<LlamaInput> input) {
    TensorVector pieces = new TensorVector();
    for (LlamaInput piece : input) {
      pieces.push_back(
          switch (piece) {
            case LlamaInput.Tokens(int[] ids) -> rowsOf(ids); // [n, D]
            case LlamaInput.Answer(int[] ids) -> rowsOf(ids); // [n, D]
            case LlamaInput.Embeddings(float[] rows, int count) -> image(rows, count); // [n, D]
          });
    }
    return torch.cat(pieces, 0); // [N, D]
  }

  private Tensor rowsOf(int[] ids) {
    for (int id : ids) {
      if (id < 0 || id >= config.vocab()) {
        throw new IllegalArgumentException(
            "token id " + id + " is not one of the model's " + config.vocab());
      }
    }
    return matrices.embeddings(ids);
  }

  private Tensor image(float[] rows, int count) {
    if (rows.length != count * config.hidden()) {
      throw new IllegalArgumentException(
          "image embeddings: expected %d rows of %d, found %d values"
              .formatted(count, config.hidden(), rows.length));
    }
    return Torch.tensor(rows, count, config.hidden());
  }

  /**
   * The layers and the final norm.
   *
   * @param wanted the R rows that are wanted of the last layer, which computes only keys and values
   *     for the others; if none is, the result means nothing
   * @return [N, D], or [R, D]
   */
  Tensor transform(
      Tensor x /* [N, D] */,
      long[] positions,
      Attention attention,
      Optional<long[]> wanted,
      Probe probe) {
    Tensor index = Torch.tensor(positions, positions.length); // [N]
    int needed = Math.toIntExact(Arrays.stream(positions).max().orElse(0)) + 1;
    Tensor cos = rotary.cos(needed).index_select(0, index); // [N, 1, d]
    Tensor sin = rotary.sin(needed).index_select(0, index); // [N, 1, d]
    probe.see("rope_cos", cos);
    probe.see("rope_sin", sin);
    probe.see("hidden_states.0", x);
    for (int i = 0; i < layers.size(); i++) {
      try (Scope scope = new Scope()) {
        Block block = layers.get(i);
        if (i + 1 == layers.size() && wanted.isPresent() && wanted.get().length == 0) {
          keep(i, block, rmsNorm(x, block.inputLayernorm), cos, sin, attention);
          return x;
        }
        Rows rows =
            i + 1 < layers.size()
                ? Rows.ALL
                : wanted.map(r -> Rows.named(Torch.tensor(r, r.length))).orElse(Rows.ALL);
        Tensor h =
            selfAttention(i, block, rmsNorm(x, block.inputLayernorm), cos, sin, rows, attention);
        probe.see("layer" + i + ".attention", h);
        Tensor y = rows.from(x).add(h); // [N, D]
        h = mlp(block, rmsNorm(y, block.postAttentionLayernorm));
        probe.see("layer" + i + ".mlp", h);
        x = scope.keep(y.add(h)); // [N, D]
      }
      if (i + 1 < layers.size()) {
        probe.see("hidden_states." + (i + 1), x);
      }
    }
    Tensor last = rmsNorm(x, norm); // [N, D]
    probe.see("hidden_states." + layers.size(), last);
    return last;
  }

  // [N, D] -> [N, D], of those rows
  private Tensor selfAttention(
      int layer, Block block, Tensor x, Tensor cos, Tensor sin, Rows rows, Attention attention) {
    long n = x.size(0);
    Tensor input = x.to(type);
    Tensor asking = rows.from(input); // [N, D]
    Tensor q = heads(dense(block.qProj, asking), asking.size(0), config.heads()); // [N, H, d]
    Tensor k = heads(dense(block.kProj, input), n, config.kvHeads()); // [N, K, d]
    Tensor v = heads(dense(block.vProj, input), n, config.kvHeads()); // [N, K, d]
    Tensor attended =
        attention.attend(
            layer,
            Rotary.rotate(q, rows.from(cos), rows.from(sin)),
            Rotary.rotate(k, cos, sin),
            v); // [N, H·d]
    return dense(block.oProj, attended.to(type));
  }

  // Keys and values of rows [N, D] whose queries nobody wants.
  private void keep(int layer, Block block, Tensor x, Tensor cos, Tensor sin, Attention attention) {
    Tensor input = x.to(type);
    Tensor k = heads(dense(block.kProj, input), x.size(0), config.kvHeads()); // [N, K, d]
    Tensor v = heads(dense(block.vProj, input), x.size(0), config.kvHeads()); // [N, K, d]
    attention.keep(layer, Rotary.rotate(k, cos, sin), v);
  }

  private Tensor heads(Tensor t, long n, int heads) {
    return t.to(ScalarType.Float).view(n, heads, config.headSize());
  }

  // [N, D] -> [N, D]
  private Tensor mlp(Block block, Tensor x) {
    Tensor input = x.to(type);
    Tensor gate = torch.silu(dense(block.gateProj, input)); // [N, F]
    Tensor up = dense(block.upProj, input); // [N, F]
    return dense(block.downProj, gate.mul(up)); // [N, D]
  }

  // [N, in] -> [N, out]
  private Tensor dense(Matrix matrix, Tensor x) {
    return switch (matrix) {
      case Matrix.Base(LlamaLinear linear, int layer) -> matrices.product(linear, layer, x);
      case Matrix.Adapted(LoraLinear lora) -> {
        Tensor input = training && lora.dropout() > 0 ? torch.dropout(x, lora.dropout(), true) : x;
        Tensor down = torch.linear(input, lora.a().to(type)); // [N, r]
        Tensor up = torch.linear(down, lora.b().to(type)); // [N, out]
        yield torch.linear(x, lora.base().weight()).add(up, new Scalar(lora.scale()));
      }
    };
  }

  private Tensor rmsNorm(Tensor x, Tensor weight) {
    return torch.rms_norm(
        x,
        new long[] {config.hidden()},
        new TensorOptional(weight),
        new DoubleOptional(config.rmsEps()));
  }

  // [1, K, L, d] -> [1, H, L, d]: each head stands G times in a row
  Tensor repeat(Tensor t) {
    if (config.group() == 1) {
      return t;
    }
    long b = t.size(0);
    long length = t.size(2);
    return t.unsqueeze(2) // [B, K, 1, L, d]
        .expand(b, config.kvHeads(), config.group(), length, config.headSize()) // [B, K, G, L, d]
        .reshape(b, config.heads(), length, config.headSize()); // [B, H, L, d]
  }

  static Tensor attention(Tensor q, Tensor k, Tensor v, TensorOptional mask, boolean causal) {
    return torch.scaled_dot_product_attention(
        q, k, v, mask, 0, causal, new DoubleOptional(), false);
  }

  // ---------------------------------------------------------------- training

  /** The embeddings of {@code ids}, fp32 [ids.length, D]; they take no gradient. */
  public Tensor embed(int[] ids) {
    try (Scope scope = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      return scope.keep(rowsOf(ids));
    }
  }

  /**
   * The hidden states after the final norm.
   *
   * @param embeddings [B, T, D] fp32; shorter sequences are padded on the right, where rows may
   *     hold anything finite: no real row sees them
   * @return [B, T, D] fp32
   */
  public Tensor forward(Tensor embeddings) {
    return forward(embeddings, Probe.NONE);
  }

  Tensor forward(Tensor embeddings, Probe probe) {
    long b = embeddings.size(0);
    long t = embeddings.size(1);
    long[] positions = new long[Math.toIntExact(b * t)];
    Arrays.setAll(positions, i -> i % t);
    Attention attention =
        (layer, q, k, v) ->
            attention(
                    q.view(b, t, config.heads(), config.headSize()).transpose(1, 2), // [B, H, T, d]
                    repeat(k.view(b, t, config.kvHeads(), config.headSize()).transpose(1, 2)),
                    repeat(v.view(b, t, config.kvHeads(), config.headSize()).transpose(1, 2)),
                    new TensorOptional(),
                    true) // [B, H, T, d]
                .transpose(1, 2) // [B, T, H, d]
                .reshape(b * t, config.queryRows()); // [B·T, H·d]
    try (Scope scope = new Scope()) {
      Tensor x = embeddings.reshape(b * t, config.hidden()); // [B·T, D]
      Tensor hidden = transform(x, positions, attention, Optional.empty(), probe); // [B·T, D]
      return scope.keep(hidden.view(b, t, config.hidden())); // [B, T, D]
    }
  }

  /** The logits of hidden states: [..., D] to [..., V], fp32. */
  public Tensor logits(Tensor hidden) {
    try (Scope scope = new Scope()) {
      return scope.keep(matrices.logits(hidden)); // [..., V]
    }
  }

  /**
   * The mean cross-entropy over all labels of the batch. The head runs only for the positions that
   * have one.
   *
   * @param embeddings [B, T, D] as for {@link #forward}
   * @param labels B rows of T ids, {@value #IGNORED} where there is none; the label at t is what
   *     position t − 1 should predict
   * @return a scalar
   * @throws IllegalArgumentException if no position has a label
   */
  public Tensor loss(Tensor embeddings, int[][] labels) {
    int t = Math.toIntExact(embeddings.size(1));
    List<Long> rows = new ArrayList<>();
    List<Long> targets = new ArrayList<>();
    for (int b = 0; b < labels.length; b++) {
      for (int i = 1; i < t; i++) {
        if (labels[b][i] != IGNORED) {
          rows.add((long) b * t + i - 1);
          targets.add((long) labels[b][i]);
        }
      }
    }
    if (rows.isEmpty()) {
      throw new IllegalArgumentException("no position of the batch has a label");
    }
    try (Scope scope = new Scope()) {
      Tensor hidden = forward(embeddings).view(-1, config.hidden()); // [B·T, D]
      Tensor chosen = hidden.index_select(0, Torch.tensor(longs(rows), rows.size())); // [M, D]
      Tensor target = Torch.tensor(longs(targets), targets.size()); // [M]
      return scope.keep(torch.cross_entropy_loss(logits(chosen), target)); // []
    }
  }

  private static long[] longs(List<Long> values) {
    return values.stream().mapToLong(Long::longValue).toArray();
  }

  // ---------------------------------------------------------------- inference

  @Override
  public float[] prefill(KvCache cache, List<LlamaInput> input) {
    return prefill(List.of(cache), List.of(input)).getFirst();
  }

  /**
   * How many threads compute a prompt in bf16, instead of as many as there are processors; what
   * they compute does not depend on it.
   */
  void threads(int count) {
    blocks.threads(count);
  }

  /**
   * Appends to each of B sequences an input of its own, of any lengths.
   *
   * @param caches B distinct caches
   * @param inputs B inputs, each of one position or more
   * @return for each sequence the logits of its last position, [V]
   * @throws RadialogException if a sequence outgrows the model's positions
   * @throws IllegalArgumentException if an id or a width is not the model's
   */
  public List<float[]> prefill(List<KvCache> caches, List<List<LlamaInput>> inputs) {
    List<Run> runs = runs(caches, inputs.stream().map(Llama::count).toList());
    if (type == ScalarType.BFloat16) {
      List<float[]> logits = new ArrayList<>();
      for (int b = 0; b < runs.size(); b++) {
        logits.add(blocks.append(runs.get(b), inputs.get(b)));
      }
      return logits;
    }
    long[] last = runs.stream().mapToLong(run -> run.firstRow + run.count - 1).toArray();
    return append(runs, inputs.stream().flatMap(List::stream).toList(), Optional.of(last));
  }

  /**
   * Appends {@code input} to its runs.
   *
   * @param last the last row of each run, if only their logits are wanted
   * @return the logits of those or of all N rows, each [V]
   */
  private List<float[]> append(List<Run> runs, List<LlamaInput> input, Optional<long[]> last) {
    try (TorchThreads _ = TorchThreads.all()) {
      if (type != ScalarType.BFloat16) {
        return appended(runs, input, last);
      }
      try (BlasThreads _ = BlasThreads.one()) {
        return appended(runs, input, last);
      }
    }
  }

  private List<float[]> appended(List<Run> runs, List<LlamaInput> input, Optional<long[]> last) {
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      Tensor x = embed(input); // [N, D]
      Tensor logits = logits(extend(x, runs, last)); // [N or B, V]
      List<float[]> result = new ArrayList<>();
      for (int row = 0; row < logits.size(0); row++) {
        result.add(Torch.floats(logits.select(0, row))); // [V]
      }
      runs.forEach(run -> run.cache.advance(run.count));
      return result;
    }
  }

  @Override
  public void extend(List<int[]> tokens, List<KvCache> caches, float[][] logits) {
    List<Run> runs = runs(caches, tokens.stream().map(ids -> ids.length).toList());
    List<LlamaInput> input = tokens.stream().<LlamaInput>map(LlamaInput.Tokens::new).toList();
    List<float[]> result = append(runs, input, Optional.empty());
    for (int row = 0; row < logits.length; row++) {
      System.arraycopy(result.get(row), 0, logits[row], 0, config.vocab());
    }
  }

  /** Rows {@code firstRow … firstRow + count − 1} of a step go to the end of {@code cache}. */
  record Run(KvCache cache, int firstRow, int count) {
    int start() {
      return cache.length();
    }
  }

  private List<Run> runs(List<KvCache> caches, List<Integer> counts) {
    if (caches.size() != counts.size() || caches.isEmpty()) {
      throw new IllegalArgumentException(
          "expected one cache for each input, got " + caches.size() + " for " + counts.size());
    }
    List<Run> runs = new ArrayList<>();
    int row = 0;
    for (int b = 0; b < caches.size(); b++) {
      KvCache cache = caches.get(b);
      int count = counts.get(b);
      if (count == 0) {
        throw new IllegalArgumentException("the input of sequence " + b + " is empty");
      }
      if (!cache.shape().equals(config.cacheShape())) {
        throw new IllegalArgumentException(
            "the cache of sequence " + b + " is of another model: " + cache.shape());
      }
      cache.reserve(cache.length() + count);
      runs.add(new Run(cache, row, count));
      row += count;
    }
    return runs;
  }

  private static int count(List<LlamaInput> input) {
    return input.stream().mapToInt(LlamaInput::count).sum();
  }

  /**
   * The hidden states after the final norm, of all rows [N, D] or of the last of each run [B, D];
   * keys and values go into the caches.
   */
  private Tensor extend(Tensor x /* [N, D] */, List<Run> runs, Optional<long[]> last) {
    long[] positions =
        runs.stream()
            .flatMapToInt(run -> IntStream.range(run.start(), run.start() + run.count))
            .asLongStream()
            .toArray();
    List<TensorOptional> masks = runs.stream().map(this::mask).toList();
    Attention attention =
        (layer, q, k, v) -> {
          boolean ends = last.isPresent() && layer == layers.size() - 1;
          TensorVector outputs = new TensorVector();
          for (int b = 0; b < runs.size(); b++) {
            Run run = runs.get(b);
            Tensor queries = ends ? q.narrow(0, b, 1) : rows(q, run);
            outputs.push_back(
                attend(layer, run, masks.get(b), queries, rows(k, run), rows(v, run)));
          }
          return outputs.size() == 1 ? outputs.get(0) : torch.cat(outputs, 0); // [N, H·d]
        };
    return transform(x, positions, attention, last, Probe.NONE);
  }

  private static Tensor rows(Tensor t, Run run) {
    return t.narrow(0, run.firstRow, run.count);
  }

  // What a run of several rows behind an earlier part may see: [count, L], 0 or −inf. A run without
  // an earlier part is plainly causal, a run of one row sees everything.
  private TensorOptional mask(Run run) {
    int past = run.start();
    if (run.count == 1 || past == 0) {
      return new TensorOptional();
    }
    int length = past + run.count;
    float[] mask = new float[run.count * length];
    for (int row = 0; row < run.count; row++) {
      Arrays.fill(mask, row * length + past + row + 1, (row + 1) * length, Float.NEGATIVE_INFINITY);
    }
    return new TensorOptional(Torch.tensor(mask, run.count, length));
  }

  // q [n, H, d], of all rows of the run or of its last; k and v [run.count, K, d] -> [n, H·d]
  private Tensor attend(int layer, Run run, TensorOptional mask, Tensor q, Tensor k, Tensor v) {
    int length = run.start() + run.count;
    Tensor keys = view(run.cache, run.cache.keys(layer)); // [K, capacity, d]
    Tensor values = view(run.cache, run.cache.values(layer)); // [K, capacity, d]
    keys.narrow(1, run.start(), run.count).copy_(k.transpose(0, 1));
    values.narrow(1, run.start(), run.count).copy_(v.transpose(0, 1));
    keys = keys.narrow(1, 0, length).unsqueeze(0); // [1, K, L, d]
    values = values.narrow(1, 0, length).unsqueeze(0); // [1, K, L, d]
    if (q.size(0) == 1) {
      // the G queries of a group stand where several positions would: no copy of keys
      Tensor grouped = q.view(1, config.kvHeads(), config.group(), config.headSize());
      return attention(grouped, keys, values, new TensorOptional(), false) // [1, K, G, d]
          .reshape(1, config.queryRows()); // [1, H·d]
    }
    boolean causal = run.start() == 0;
    return attention(
            q.transpose(0, 1).unsqueeze(0), // [1, H, n, d]
            repeat(keys), // [1, H, L, d]
            repeat(values), // [1, H, L, d]
            mask,
            causal) // [1, H, n, d]
        .transpose(1, 2) // [1, n, H, d]
        .reshape(run.count, config.queryRows()); // [n, H·d]
  }

  static Tensor view(KvCache cache, MemorySegment memory) {
    CacheShape c = cache.shape();
    return torch.from_blob(
        new Address(memory.address()),
        new long[] {c.kvHeads(), cache.capacity(), c.headSize()},
        new TensorOptions(ScalarType.Float));
  }

  /** A place in memory that somebody else owns. */
  static final class Address extends Pointer {
    Address(long address) {
      this.address = address;
    }
  }

  // ---------------------------------------------------------------- factories

  /** A model of these matrices, which it closes with itself. */
  static Llama of(LlamaMatrices matrices) {
    return new Llama(matrices);
  }

  /**
   * The model as its checkpoint has it. One whose matrices would take more than {@link
   * LlamaStream#RESIDENT} bytes is not converted as a whole: each of its matrices is converted when
   * a prompt needs it.
   *
   * @param weights stays open as long as the model is used
   * @param precision {@code FP32} or {@code BF16}
   */
  public static Llama of(LlamaWeights weights, Precision precision) {
    return of(matrices(weights, Optional.empty(), precision));
  }

  /**
   * The model with an adapter merged into its matrices, in fp32 before they are rounded; see {@link
   * #of}.
   *
   * @param weights stays open as long as the model is used
   * @param precision {@code FP32} or {@code BF16}
   */
  public static Llama merged(LlamaWeights weights, LoraAdapter adapter, Precision precision) {
    return of(matrices(weights, Optional.of(adapter), precision));
  }

  /**
   * A model that computes prompts in bf16 from the packed weights of {@code decoder}, each matrix
   * dequantised when it is needed: nothing is held twice. It has the decoder's adapter.
   *
   * @param decoder stays open as long as the model is used
   */
  public static Llama over(LlamaDecoder decoder) {
    return of(decoder.matrices());
  }

  private static LlamaMatrices matrices(
      LlamaWeights weights, Optional<LoraAdapter> adapter, Precision precision) {
    ScalarType type = type(precision);
    return LlamaStream.pays(weights, adapter, type)
        ? new LlamaStream(weights, adapter, type)
        : LlamaTensors.of(weights, adapter, type);
  }

  /**
   * The model with an adapter beside its matrices, for training. The base takes no gradient.
   *
   * @param lora gives and owns the adapter's tensors, under PEFT's names
   * @param precision {@code FP32} or {@code BF16}, of the base; the adapter is fp32
   */
  public static Llama adapted(
      LlamaWeights weights, LoraConfig adapter, Parameters lora, Precision precision) {
    LlamaTensors tensors = LlamaTensors.of(weights, Optional.empty(), type(precision));
    return new Llama(
        tensors,
        (linear, layer) -> {
          if (!adapter.targets().contains(linear)) {
            return new Matrix.Base(linear, layer);
          }
          Linear base = new Linear(tensors.get(linear.weight(layer)), Optional.empty());
          Parameters beside = lora.at(LoraAdapter.PREFIX + linear.module(layer) + ".");
          return new Matrix.Adapted(
              LoraLinear.of(base, beside, adapter.r(), adapter.alpha())
                  .withDropout(adapter.dropout()));
        });
  }

  /**
   * The model of a file that {@link #pack} made, mapped rather than loaded, its checksums compared.
   *
   * @param weights what it was made of, for its shape
   * @param precision {@code FP32} or {@code BF16}, what it was made in
   * @param key what it was marked with
   * @return empty if the file is marked with another key or is of another model
   * @throws RadialogException if there is no such file or it is damaged
   */
  public static Optional<Llama> packed(
      Path file, String key, LlamaWeights weights, Precision precision) {
    return LlamaTensors.map(file, key, weights, type(precision)).map(Llama::of);
  }

  /**
   * Writes the matrices as they are in memory, an adapter merged into them included, to a file that
   * {@link #packed} maps. Where they were not converted as a whole there is nothing to write.
   *
   * @param key names what the file is made of, for example the digests of base and adapter; asked
   *     for only where there is something to write
   * @throws RadialogException if the file cannot be written
   */
  public void pack(Path file, Supplier<String> key) {
    if (matrices instanceof LlamaTensors tensors && tensors.converted()) {
      tensors.write(file, key.get());
    }
  }

  private static ScalarType type(Precision precision) {
    return switch (precision) {
      case FP32 -> ScalarType.Float;
      case BF16 -> ScalarType.BFloat16;
      case INT8, INT4 ->
          throw new IllegalArgumentException(
              "libtorch runs the language model in fp32 or bf16, not in " + precision.label());
    };
  }

  /** The shape of the model. */
  public LlamaConfig config() {
    return config;
  }

  @Override
  public int vocab() {
    return config.vocab();
  }

  @Override
  public CacheShape cacheShape() {
    return config.cacheShape();
  }

  Rotary rotary() {
    return rotary;
  }

  /** The type of the matrices: {@code FP32} or {@code BF16}. */
  public Precision precision() {
    return type == ScalarType.Float ? Precision.FP32 : Precision.BF16;
  }

  /** Whether {@link #forward} drops inputs of the adapter, as training does; false at first. */
  public void training(boolean on) {
    training = on;
  }

  @Override
  public void close() {
    blocks.close();
    rotary.close();
    matrices.close();
  }
}
