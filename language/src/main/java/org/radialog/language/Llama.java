package org.radialog.language;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.RadialogException;
import org.radialog.torch.Bf16;
import org.radialog.torch.BlasThreads;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.torch.TorchThreads;

/**
 * A Llama-family language model on libtorch (arXiv 2302.13971): oracle, training, prefill, and the
 * decode step of the precisions fp32 and bf16.
 *
 * <p>B sequences · T tokens of each · N rows of all sequences together · L positions attended to ·
 * D hidden · H heads · K key/value heads · G = H/K · d head size · V vocabulary.
 *
 * <p>The rows of all sequences are joined for the linear layers; attention runs per sequence. The
 * residual stream, norms, rotary embedding and attention are fp32 at both precisions; bf16 is the
 * type of the matrices, their inputs and their outputs, and of the products inside the attention of
 * a long text ({@link BlockAttention}).
 *
 * <p>The layers are in {@link LlamaNetwork}. A prompt in bf16 is computed in {@link PromptBlocks},
 * whose bits do not depend on how it is cut into calls. {@link LlamaLoading} makes a model of a
 * checkpoint or of a file of packed weights.
 *
 * <p>Not thread-safe: one call at a time, except that several threads may compute a {@link #loss}.
 */
public final class Llama implements LanguageNetwork, AutoCloseable {
  /** The label of a position without a target. */
  public static final int IGNORED = -100;

  private final LlamaNetwork network;
  private final LlamaConfig config;
  private final ScalarType type; // of matrices
  private final LlamaMatrices matrices; // owns the memory of the base
  private final PromptBlocks blocks; // where the type is bf16
  private final Optional<BlasThreads> blas;

  /** A model with these matrices, which it closes when it is closed. */
  Llama(LlamaMatrices matrices) {
    this(matrices, new LlamaNetwork(matrices), Optional.empty());
  }

  /**
   * A model over matrices with adapters beside them, as {@code network} has them, for training.
   * While it is open, OpenBLAS has one thread if the layers are bf16: libtorch calls it in each of
   * its own threads then, for the attention. In fp32 it computes the layers.
   */
  static Llama adapted(LlamaMatrices matrices, LlamaNetwork network) {
    return new Llama(
        matrices,
        network,
        matrices.type() == ScalarType.BFloat16 ? Optional.of(BlasThreads.one()) : Optional.empty());
  }

  private Llama(LlamaMatrices matrices, LlamaNetwork network, Optional<BlasThreads> blas) {
    this.network = network;
    this.config = matrices.config();
    this.type = matrices.type();
    this.matrices = matrices;
    this.blocks = new PromptBlocks(network, matrices);
    this.blas = blas;
  }

  // ---------------------------------------------------------------- training

  /** The embeddings of {@code ids}, fp32 [ids.length, D], without gradient. */
  public Tensor embed(int[] ids) {
    try (Scope scope = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      return scope.keep(network.rowsOf(ids));
    }
  }

  /**
   * The hidden states after the final norm.
   *
   * @param embeddings [B, T, D] fp32; shorter sequences are padded on the right with any finite
   *     values, which no real row sees
   * @return [B, T, D] fp32
   */
  public Tensor forward(Tensor embeddings) {
    return forward(embeddings, LlamaNetwork.Probe.NONE);
  }

  Tensor forward(Tensor embeddings, LlamaNetwork.Probe probe) {
    long b = embeddings.size(0);
    long t = embeddings.size(1);
    try (Scope scope = new Scope()) {
      Tensor x = embeddings.reshape(b * t, config.hidden()); // [B·T, D]
      Tensor hidden =
          network.transform(x, positions(b, t), causal(b, t), Optional.empty(), probe); // [B·T, D]
      return scope.keep(hidden.view(b, t, config.hidden())); // [B, T, D]
    }
  }

  private static long[] positions(long b, long t) {
    long[] positions = new long[Math.toIntExact(b * t)];
    Arrays.setAll(positions, i -> i % t);
    return positions;
  }

  // Of B sequences of T rows each.
  private LlamaNetwork.Attention causal(long b, long t) {
    return (layer, q, k, v) ->
        LlamaNetwork.attention(
                q.view(b, t, config.heads(), config.headSize()).transpose(1, 2), // [B, H, T, d]
                network.repeat(k.view(b, t, config.kvHeads(), config.headSize()).transpose(1, 2)),
                network.repeat(v.view(b, t, config.kvHeads(), config.headSize()).transpose(1, 2)),
                new TensorOptional(),
                true) // [B, H, T, d]
            .transpose(1, 2) // [B, T, H, d]
            .reshape(b * t, config.queryRows()); // [B·T, H·d]
  }

  /** The logits of hidden states: [..., D] to [..., V], fp32. */
  public Tensor logits(Tensor hidden) {
    try (Scope scope = new Scope()) {
      return scope.keep(matrices.logits(hidden)); // [..., V]
    }
  }

  /**
   * The mean cross-entropy over all labels of the batch. The head is computed only for positions
   * with a label.
   *
   * @param embeddings [B, T, D] as for {@link #forward}
   * @param labels B rows of T ids, {@value #IGNORED} if there is none; the label at t is the target
   *     of position t − 1
   * @return a scalar
   * @throws IllegalArgumentException if no position has a label
   */
  public Tensor loss(Tensor embeddings, int[][] labels) {
    try (Scope scope = new Scope()) {
      Tensor hidden = forward(embeddings).view(-1, config.hidden()); // [B·T, D]
      return scope.keep(loss(hidden, labels, Math.toIntExact(embeddings.size(1)))); // []
    }
  }

  /**
   * Adds the gradients of {@link #loss}, multiplied by {@code weight}, to those of the adapters and
   * of whatever {@code embeddings} were computed from. It computes each layer twice and holds the
   * activations of one layer at a time, and one layer's matrices where they are made for the moment
   * of their use.
   *
   * @param seed of dropout
   * @return the loss, multiplied by {@code weight}
   * @throws IllegalArgumentException if no position has a label
   */
  public double backward(Tensor embeddings, int[][] labels, double weight, long seed) {
    long b = embeddings.size(0);
    long t = embeddings.size(1);
    try (Scope _ = new Scope()) {
      LlamaNetwork.Backward done =
          network.backward(
              embeddings.detach().reshape(b * t, config.hidden()), // [B·T, D]
              positions(b, t),
              causal(b, t),
              hidden -> loss(hidden, labels, (int) t).mul(new Scalar(weight)),
              seed);
      if (embeddings.requires_grad()) {
        Tensor gradient = done.gradient().view(b, t, config.hidden());
        embeddings.mul(gradient).sum().backward(); // its derivative is the gradient
      }
      return done.loss();
    }
  }

  private Tensor loss(Tensor hidden /* [B·T, D] */, int[][] labels, int t) {
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
      Tensor chosen = hidden.index_select(0, Torch.tensor(longs(rows), rows.size())); // [M, D]
      Tensor target = Torch.tensor(longs(targets), targets.size()); // [M]
      Tensor logits =
          Bf16.differentiable(chosen.to(type), matrices.head()).to(ScalarType.Float); // [M, V]
      return scope.keep(torch.cross_entropy_loss(logits, target)); // []
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
   * Sets the number of threads that compute a prompt in bf16, instead of the number of processors;
   * the result does not depend on it.
   */
  void threads(int count) {
    blocks.threads(count);
  }

  /**
   * Appends an input of any length to each of B sequences.
   *
   * @param caches B distinct caches
   * @param inputs B inputs, each of at least one position
   * @return for each sequence the logits of its last position, [V]
   * @throws RadialogException if a sequence exceeds the positions of the model
   * @throws IllegalArgumentException if an id or a width does not fit the model
   */
  public List<float[]> prefill(List<KvCache> caches, List<List<LlamaInput>> inputs) {
    List<LlamaNetwork.Run> runs = runs(caches, inputs.stream().map(Llama::count).toList());
    if (type == ScalarType.BFloat16) {
      List<float[]> logits = new ArrayList<>();
      for (int b = 0; b < runs.size(); b++) {
        logits.add(blocks.append(runs.get(b), inputs.get(b)));
      }
      return logits;
    }
    long[] last = runs.stream().mapToLong(run -> run.firstRow() + run.count() - 1).toArray();
    return append(runs, inputs.stream().flatMap(List::stream).toList(), Optional.of(last));
  }

  /**
   * Appends {@code input} to its runs.
   *
   * @param last the last row of each run, if only their logits are wanted
   * @return the logits of those or of all N rows, each [V]
   */
  private List<float[]> append(
      List<LlamaNetwork.Run> runs, List<LlamaInput> input, Optional<long[]> last) {
    try (TorchThreads _ = TorchThreads.all()) {
      if (type != ScalarType.BFloat16) {
        return appended(runs, input, last);
      }
      try (BlasThreads _ = BlasThreads.one()) {
        return appended(runs, input, last);
      }
    }
  }

  private List<float[]> appended(
      List<LlamaNetwork.Run> runs, List<LlamaInput> input, Optional<long[]> last) {
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      Tensor x = network.embed(input); // [N, D]
      Tensor logits = logits(extend(x, runs, last)); // [N or B, V]
      List<float[]> result = new ArrayList<>();
      for (int row = 0; row < logits.size(0); row++) {
        result.add(Torch.floats(logits.select(0, row))); // [V]
      }
      runs.forEach(run -> run.cache().advance(run.count()));
      return result;
    }
  }

  @Override
  public void extend(List<int[]> tokens, List<KvCache> caches, float[][] logits) {
    List<LlamaNetwork.Run> runs = runs(caches, tokens.stream().map(ids -> ids.length).toList());
    List<LlamaInput> input = tokens.stream().<LlamaInput>map(LlamaInput.Tokens::new).toList();
    List<float[]> result = append(runs, input, Optional.empty());
    for (int row = 0; row < logits.length; row++) {
      System.arraycopy(result.get(row), 0, logits[row], 0, config.vocab());
    }
  }

  private List<LlamaNetwork.Run> runs(List<KvCache> caches, List<Integer> counts) {
    if (caches.size() != counts.size() || caches.isEmpty()) {
      throw new IllegalArgumentException(
          "expected one cache for each input, got " + caches.size() + " for " + counts.size());
    }
    List<LlamaNetwork.Run> runs = new ArrayList<>();
    int row = 0;
    for (int b = 0; b < caches.size(); b++) {
      KvCache cache = caches.get(b);
      int count = counts.get(b);
      if (count == 0) {
        throw new IllegalArgumentException("the input of sequence " + b + " is empty");
      }
      if (!cache.shape().equals(config.cacheShape())) {
        throw new IllegalArgumentException(
            "the cache of sequence " + b + " belongs to another model: " + cache.shape());
      }
      cache.reserve(cache.length() + count);
      runs.add(new LlamaNetwork.Run(cache, row, count));
      row += count;
    }
    return runs;
  }

  private static int count(List<LlamaInput> input) {
    return input.stream().mapToInt(LlamaInput::count).sum();
  }

  /**
   * The hidden states after the final norm, of all rows [N, D] or of the last of each run [B, D];
   * keys and values are stored in the caches.
   */
  private Tensor extend(Tensor x /* [N, D] */, List<LlamaNetwork.Run> runs, Optional<long[]> last) {
    long[] positions =
        runs.stream()
            .flatMapToInt(run -> IntStream.range(run.start(), run.start() + run.count()))
            .asLongStream()
            .toArray();
    List<TensorOptional> masks = runs.stream().map(this::mask).toList();
    LlamaNetwork.Attention attention =
        (layer, q, k, v) -> {
          boolean ends = last.isPresent() && layer == config.layers() - 1;
          TensorVector outputs = new TensorVector();
          for (int b = 0; b < runs.size(); b++) {
            LlamaNetwork.Run run = runs.get(b);
            Tensor queries = ends ? q.narrow(0, b, 1) : rows(q, run);
            outputs.push_back(
                attend(layer, run, masks.get(b), queries, rows(k, run), rows(v, run)));
          }
          return outputs.size() == 1 ? outputs.get(0) : torch.cat(outputs, 0); // [N, H·d]
        };
    return network.transform(x, positions, attention, last, LlamaNetwork.Probe.NONE);
  }

  private static Tensor rows(Tensor t, LlamaNetwork.Run run) {
    return t.narrow(0, run.firstRow(), run.count());
  }

  // The mask of a run of several rows after an earlier part: [count, L], 0 or −inf. A run without
  // an earlier part is causal; a run of one row sees everything.
  private TensorOptional mask(LlamaNetwork.Run run) {
    int past = run.start();
    if (run.count() == 1 || past == 0) {
      return new TensorOptional();
    }
    int length = past + run.count();
    float[] mask = new float[run.count() * length];
    for (int row = 0; row < run.count(); row++) {
      Arrays.fill(mask, row * length + past + row + 1, (row + 1) * length, Float.NEGATIVE_INFINITY);
    }
    return new TensorOptional(Torch.tensor(mask, run.count(), length));
  }

  // q [n, H, d], of all rows of the run or of its last; k and v [run.count(), K, d] -> [n, H·d]
  private Tensor attend(
      int layer, LlamaNetwork.Run run, TensorOptional mask, Tensor q, Tensor k, Tensor v) {
    int length = run.start() + run.count();
    Tensor keys = LlamaNetwork.view(run.cache(), run.cache().keys(layer)); // [K, capacity, d]
    Tensor values = LlamaNetwork.view(run.cache(), run.cache().values(layer)); // [K, capacity, d]
    keys.narrow(1, run.start(), run.count()).copy_(k.transpose(0, 1));
    values.narrow(1, run.start(), run.count()).copy_(v.transpose(0, 1));
    keys = keys.narrow(1, 0, length).unsqueeze(0); // [1, K, L, d]
    values = values.narrow(1, 0, length).unsqueeze(0); // [1, K, L, d]
    if (q.size(0) == 1) {
      // the G queries of a group take the place of positions, which avoids copying keys
      Tensor grouped = q.view(1, config.kvHeads(), config.group(), config.headSize());
      return LlamaNetwork.attention(
              grouped, keys, values, new TensorOptional(), false) // [1, K, G, d]
          .reshape(1, config.queryRows()); // [1, H·d]
    }
    boolean causal = run.start() == 0;
    return LlamaNetwork.attention(
            q.transpose(0, 1).unsqueeze(0), // [1, H, n, d]
            network.repeat(keys), // [1, H, L, d]
            network.repeat(values), // [1, H, L, d]
            mask,
            causal) // [1, H, n, d]
        .transpose(1, 2) // [1, n, H, d]
        .reshape(run.count(), config.queryRows()); // [n, H·d]
  }

  /** The matrices. */
  LlamaMatrices matrices() {
    return matrices;
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

  /** The type of the matrices: {@code FP32} or {@code BF16}. */
  public Precision precision() {
    return type == ScalarType.Float ? Precision.FP32 : Precision.BF16;
  }

  /**
   * Whether {@link #forward} applies dropout to the inputs of the adapter, as in training; false at
   * first.
   */
  public void training(boolean on) {
    network.training(on);
  }

  @Override
  public void close() {
    blas.ifPresent(BlasThreads::close);
    blocks.close();
    network.close();
    matrices.close();
  }
}
