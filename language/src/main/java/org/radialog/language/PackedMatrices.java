package org.radialog.language;

import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.kernels.LowRank;
import org.radialog.kernels.PackedMatrix;
import org.radialog.kernels.QuantisedVectors;
import org.radialog.torch.Bf16;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;

/**
 * The matrices for prefill from the packed weights of {@link LlamaDecoder}: a panel of rows is
 * converted to bfloat16, multiplied and discarded. Head and embeddings are those of a decode step.
 *
 * <p>N rows · P rows of a panel · L lanes · r rank.
 */
final class PackedMatrices implements LlamaMatrices {
  // Bytes of a panel: large enough for the product to run at full speed, small enough to stay in
  // the processor cache.
  private static final long PANEL = 8L << 20;
  private static final int TOGETHER = 8; // blocks of a prompt, which share a dequantised panel
  private static final int LANES = PackedMatrix.LANES;

  private final LlamaWeights weights;
  private final PackedLlama packed;
  private final SequencedMap<String, Tensor> vectors = new LinkedHashMap<>();

  PackedMatrices(LlamaWeights weights, PackedLlama packed) {
    this.weights = weights;
    this.packed = packed;
    try (Scope scope = new Scope()) {
      for (int i = 0; i < packed.layers().size(); i++) {
        PackedLlama.Block block = packed.layers().get(i);
        add(scope, LlamaWeights.inputNorm(i), block.inputLayernorm());
        add(scope, LlamaWeights.postAttentionNorm(i), block.postAttentionLayernorm());
      }
      add(scope, LlamaWeights.NORM, packed.norm());
    }
  }

  private void add(Scope scope, String name, float[] values) {
    vectors.put(name, scope.release(Torch.tensor(values, values.length)));
  }

  @Override
  public LlamaConfig config() {
    return weights.config();
  }

  @Override
  public ScalarType type() {
    return ScalarType.BFloat16;
  }

  @Override
  public Tensor vector(String name) {
    return LlamaTensors.existing(vectors, name);
  }

  @Override
  public Tensor embeddings(int[] ids) {
    return LlamaStream.embeddings(weights, ids);
  }

  @Override
  public Tensor product(LlamaLinear linear, int layer, Tensor x) {
    PackedLlama.Adapted matrix = packed.layers().get(layer).linear(linear);
    try (Scope scope = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      Tensor y = product(matrix.base(), x); // [N, out]
      if (matrix.beside().isPresent()) {
        LowRank pair = matrix.beside().get();
        y = y.add_(beside(pair, matrix.base().blocks(), x).narrow(1, 0, y.size(1)));
      }
      return scope.keep(y);
    }
  }

  // x [N, in] -> [N, out]
  private static Tensor product(PackedMatrix matrix, Tensor x) {
    long n = x.size(0);
    int columns = matrix.columns();
    int blocks = Math.toIntExact(Math.clamp(PANEL / (2L * columns * LANES), 1, matrix.blocks()));
    Tensor y = Torch.empty(ScalarType.BFloat16, n, (long) matrix.blocks() * LANES); // padded rows
    for (int first = 0; first < matrix.blocks(); first += blocks) {
      int count = Math.min(blocks, matrix.blocks() - first);
      try (Scope _ = new Scope()) {
        long rows = (long) count * LANES; // P
        Tensor panel = Torch.empty(ScalarType.BFloat16, columns, rows); // Wᵀ [in, P]
        var memory = Torch.memory(panel);
        for (int b = 0; b < count; b++) {
          matrix.bfloat16(first + b, memory, 2L * LANES * b, 2 * rows);
        }
        for (long row = 0; row < n; row += BLOCK) {
          long some = Math.min(BLOCK, n - row);
          try (Scope _ = new Scope()) {
            // [some, P], rows of a block of lanes in the order of lanes
            Tensor product = Bf16.mm(x.narrow(0, row, some), panel);
            y.narrow(0, row, some)
                .narrow(1, (long) first * LANES, rows)
                .view(some, count, 2, LANES / 2)
                .copy_(product.view(some, count, LANES / 2, 2).transpose(2, 3)); // [·, ·, 2, L/2]
          }
        }
      }
    }
    return y.narrow(1, 0, matrix.rows());
  }

  // B (A x): [N, in] -> [N, blocks · L]
  private static Tensor beside(LowRank pair, int blocks, Tensor x) {
    Tensor down = Torch.over(pair.down(), ScalarType.Float, x.size(1), pair.width()); // Aᵀ [in, r']
    Tensor up =
        Torch.over(pair.up(), ScalarType.Float, blocks, pair.rank(), LANES); // [blocks, r, L]
    Tensor b = up.transpose(0, 1).reshape(pair.rank(), (long) blocks * LANES); // [r, blocks · L]
    TensorVector parts = new TensorVector();
    for (long row = 0; row < x.size(0); row += BLOCK) {
      Tensor some = x.narrow(0, row, Math.min(BLOCK, x.size(0) - row));
      Tensor hidden = some.to(ScalarType.Float).mm(down).narrow(1, 0, pair.rank()); // [·, r]
      parts.push_back(hidden.mm(b));
    }
    return parts.size() == 1 ? parts.get(0) : torch.cat(parts, 0);
  }

  @Override
  public Tensor matrix(LlamaLinear linear, int layer) {
    return whole(packed.layers().get(layer).linear(linear).base());
  }

  @Override
  public Tensor head() {
    return whole(packed.head());
  }

  // [out, in]
  private static Tensor whole(PackedMatrix matrix) {
    long columns = matrix.columns();
    long rows = (long) matrix.blocks() * LANES; // padded
    try (Scope scope = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      Tensor panel = Torch.empty(ScalarType.BFloat16, columns, rows); // Wᵀ, in the order of lanes
      MemorySegment memory = Torch.memory(panel);
      IntStream.range(0, matrix.blocks())
          .parallel()
          .forEach(block -> matrix.bfloat16(block, memory, 2L * LANES * block, 2 * rows));
      Tensor ordered =
          panel.view(columns, matrix.blocks(), LANES / 2, 2).transpose(2, 3); // [in, ·, 2, L/2]
      return scope.keep(
          ordered.reshape(columns, rows).t().narrow(0, 0, matrix.rows()).contiguous());
    }
  }

  @Override
  public int blocks() {
    return TOGETHER;
  }

  @Override
  public Tensor logits(Tensor hidden) {
    float[] rows = Torch.floats(hidden); // [N, D]
    int width = config().hidden();
    int n = rows.length / width;
    PackedMatrix head = packed.head();
    QuantisedVectors vectors = new QuantisedVectors(n, width);
    for (int i = 0; i < n; i++) {
      float[] row = new float[width];
      System.arraycopy(rows, i * width, row, 0, width);
      vectors.set(i, row);
    }
    float[][] y = new float[n][config().vocab()];
    int parts = Math.min(head.blocks(), Runtime.getRuntime().availableProcessors());
    IntStream.range(0, parts)
        .parallel()
        .forEach(i ->
            head.multiply(
                vectors,
                n,
                (int) ((long) head.blocks() * i / parts),
                (int) ((long) head.blocks() * (i + 1) / parts),
                y));
    float[] logits = new float[n * config().vocab()];
    for (int i = 0; i < n; i++) {
      System.arraycopy(y[i], 0, logits, i * config().vocab(), config().vocab());
    }
    long[] shape = Torch.shape(hidden); // [..., D]
    shape[shape.length - 1] = config().vocab();
    return Torch.tensor(logits, shape); // [..., V]
  }

  @Override
  public void close() {
    vectors.values().forEach(Tensor::close);
    vectors.clear();
  }
}
