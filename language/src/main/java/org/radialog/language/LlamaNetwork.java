package org.radialog.language;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.torch.Bf16;
import org.radialog.torch.Lora;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;

/**
 * The layers of a Llama-family model (arXiv 2302.13971), independent of the kind of attention.
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
 * <p>B sequences, T tokens per sequence, N rows of all sequences together, R requested rows, L
 * positions attended to, D hidden width, H heads, K key and value heads, G = H / K, d head size, F
 * MLP width, V vocabulary.
 */
final class LlamaNetwork implements AutoCloseable {
  /** A linear layer without bias. */
  sealed interface Matrix {
    /** A matrix without adapter. */
    record Base(LlamaLinear linear, int layer) implements Matrix {}

    /** A matrix without adapter, in a pass that computes gradients. */
    record Frozen(LlamaLinear linear, int layer) implements Matrix {}

    /** A frozen matrix with a LoRA adapter. */
    record Adapted(Frozen base, Lora lora) implements Matrix {}
  }

  /** One transformer block; the fields have the names in the checkpoint. */
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

  /**
   * Attention of the rows: q [N, H, d], k and v [N, K, d], with rotary embedding applied, to [N, H
   * · d].
   */
  @FunctionalInterface
  interface Attention {
    Tensor attend(int layer, Tensor q, Tensor k, Tensor v);

    /** Stores keys and values for later rows. */
    default void keep(int layer, Tensor k, Tensor v) {
      throw new UnsupportedOperationException("at least one row of every step must be requested");
    }
  }

  /** The requested rows of a step: all rows, or R selected rows. */
  @FunctionalInterface
  private interface Rows {
    Rows ALL = t -> t;

    static Rows named(Tensor index /* [R] */) {
      return t -> t.index_select(0, index);
    }

    /** [N, …] -> [R, …] */
    Tensor from(Tensor t);
  }

  /** Gives tests access to intermediate results, under the module names of the reference. */
  @FunctionalInterface
  interface Probe {
    /** Ignores all results. */
    Probe NONE = (name, value) -> {};

    /** Called in the order of computation; {@code value} is only valid during the call. */
    void see(String name, Tensor value);
  }

  private final LlamaConfig config;
  private final ScalarType type; // dtype of the matrices
  private final List<Block> layers;
  private final Tensor norm; // [D]
  private final LlamaMatrices matrices; // owned by the caller
  private final Rotary rotary;
  private boolean training;

  LlamaNetwork(LlamaMatrices matrices) {
    this(matrices, Matrix.Base::new);
  }

  LlamaNetwork(LlamaMatrices matrices, BiFunction<LlamaLinear, Integer, Matrix> linear) {
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
  }

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

  Tensor rowsOf(int[] ids) {
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
   * Computes the layers and the final norm.
   *
   * @param wanted the R requested rows; in the last layer, only keys and values are computed for
   *     the other rows. If no row is requested, the result must not be used
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
    Tensor cos = rotary.cos(index, needed); // [N, 1, d]
    Tensor sin = rotary.sin(index, needed); // [N, 1, d]
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
        x = scope.keep(layer(i, x, cos, sin, rows, attention, probe)); // [N, D]
      }
      if (i + 1 < layers.size()) {
        probe.see("hidden_states." + (i + 1), x);
      }
    }
    Tensor last = rmsNorm(x, norm); // [N, D]
    probe.see("hidden_states." + layers.size(), last);
    return last;
  }

  // [N, D] -> [N, D] or [R, D], for the requested rows
  private Tensor layer(
      int i, Tensor x, Tensor cos, Tensor sin, Rows rows, Attention attention, Probe probe) {
    Block block = layers.get(i);
    Tensor h = selfAttention(i, block, rmsNorm(x, block.inputLayernorm), cos, sin, rows, attention);
    probe.see("layer" + i + ".attention", h);
    Tensor y = rows.from(x).add(h); // [N, D]
    h = mlp(block, rmsNorm(y, block.postAttentionLayernorm));
    probe.see("layer" + i + ".mlp", h);
    return y.add(h); // [N, D]
  }

  /**
   * Adds the gradients of {@code loss}, a function of the final hidden states, to those of the
   * adapters, one layer at a time. Each layer is computed a second time, so that only its
   * activations and the inputs of all layers are in memory (arXiv 1604.06174).
   *
   * @param x [N, D], without gradient
   * @param loss maps the hidden states after the final norm, [N, D], to a scalar
   * @param seed seed of dropout, so that both computations draw the same values
   * @return the loss, and its gradient with respect to {@code x}, [N, D]
   */
  Backward backward(
      Tensor x, long[] positions, Attention attention, UnaryOperator<Tensor> loss, long seed) {
    Tensor index = Torch.tensor(positions, positions.length); // [N]
    int needed = Math.toIntExact(Arrays.stream(positions).max().orElse(0)) + 1;
    Tensor cos = rotary.cos(index, needed); // [N, 1, d]
    Tensor sin = rotary.sin(index, needed); // [N, 1, d]
    List<Tensor> inputs = new ArrayList<>();
    try (NoGradGuard _ = new NoGradGuard()) {
      for (int i = 0; i < layers.size(); i++) {
        inputs.add(x);
        Torch.seed(seed + i);
        try (Scope scope = new Scope()) {
          x = scope.keep(layer(i, x, cos, sin, Rows.ALL, attention, Probe.NONE));
        }
      }
    }
    Tensor top = x.detach().requires_grad_(true);
    Tensor value = loss.apply(rmsNorm(top, norm));
    value.backward();
    Tensor gradient = top.grad();
    for (int i = layers.size() - 1; i >= 0; i--) {
      try (Scope scope = new Scope()) {
        Tensor input = inputs.get(i).detach().requires_grad_(true);
        Torch.seed(seed + i);
        // The derivative of this sum with respect to the layer's output is the gradient.
        layer(i, input, cos, sin, Rows.ALL, attention, Probe.NONE).mul(gradient).sum().backward();
        gradient = scope.keep(input.grad().detach()); // grad() belongs to its tensor
      }
    }
    return new Backward(Torch.item(value), gradient);
  }

  /** A loss and its gradient with respect to the embeddings, [N, D]. */
  record Backward(double loss, Tensor gradient) {}

  // [N, D] -> [N, D] or [R, D], for the requested rows
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

  // Stores keys and values of rows [N, D] whose outputs are not needed.
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
      case Matrix.Frozen(LlamaLinear linear, int layer) ->
          Bf16.differentiable(x, matrices.matrix(linear, layer));
      case Matrix.Adapted(Matrix.Frozen base, Lora lora) -> lora.add(dense(base, x), x, training);
    };
  }

  private Tensor rmsNorm(Tensor x, Tensor weight) {
    return torch.rms_norm(
        x,
        new long[] {config.hidden()},
        new TensorOptional(weight),
        new DoubleOptional(config.rmsEps()));
  }

  // [1, K, L, d] -> [1, H, L, d]: repeats each head G times
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

  /**
   * Rows {@code firstRow … firstRow + count − 1} of a step, which are appended to {@code cache}.
   */
  record Run(KvCache cache, int firstRow, int count) {
    int start() {
      return cache.length();
    }
  }

  /** The keys or values of a layer in a cache, [K, capacity, d]. */
  static Tensor view(KvCache cache, MemorySegment memory) {
    CacheShape c = cache.shape();
    return Torch.over(memory, ScalarType.Float, c.kvHeads(), cache.capacity(), c.headSize());
  }

  Rotary rotary() {
    return rotary;
  }

  /** Enables dropout on the inputs of adapters, as in training; disabled initially. */
  void training(boolean on) {
    training = on;
  }

  @Override
  public void close() {
    rotary.close();
  }
}
