package org.radialog.language;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.torch.Bf16;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;

/**
 * The matrices of a model that is too large to be held in the type of its computation: some rows of
 * a matrix are converted, an adapter is added to them, they are multiplied and discarded. It is
 * slow, because every pass converts everything; it is the reference for models of any size.
 */
final class LlamaStream implements LlamaMatrices {
  /** Maximum number of bytes of matrices that are converted at once and kept. */
  static final long RESIDENT = 4L << 30;

  private static final int TOGETHER = 8; // blocks of a prompt, which share a converted matrix
  private static final int PANEL = 1 << 24; // number of values converted at once

  private final LlamaWeights weights;
  private final ScalarType type;
  private final Optional<LoraAdapter> adapter;
  private final SequencedMap<String, Tensor> vectors = new LinkedHashMap<>();

  LlamaStream(LlamaWeights weights, Optional<LoraAdapter> adapter, ScalarType type) {
    this.weights = weights;
    this.type = type;
    this.adapter = adapter;
    try (Scope scope = new Scope()) {
      weights
          .shapes()
          .forEach((name, shape) -> {
            if (shape.length == 1) {
              vectors.put(name, scope.release(Torch.tensor(weights.floats(name), shape)));
            }
          });
    }
  }

  /** Whether the matrices to be converted are larger than may be kept. */
  static boolean pays(LlamaWeights weights, Optional<LoraAdapter> adapter, ScalarType type) {
    long bytes = 0;
    try (Scope _ = new Scope()) {
      for (Map.Entry<String, long[]> e : weights.shapes().entrySet()) {
        long[] shape = e.getValue();
        if (shape.length == 2
            && (adapter.filter(a -> a.targets(e.getKey())).isPresent()
                || LlamaTensors.inPlace(weights, e.getKey(), type).isEmpty())) {
          bytes += shape[0] * shape[1] * (type == ScalarType.Float ? 4 : 2);
        }
      }
    }
    return bytes > RESIDENT;
  }

  @Override
  public LlamaConfig config() {
    return weights.config();
  }

  @Override
  public ScalarType type() {
    return type;
  }

  @Override
  public Tensor vector(String name) {
    return LlamaTensors.existing(vectors, name);
  }

  @Override
  public Tensor embeddings(int[] ids) {
    return embeddings(weights, ids);
  }

  /** Rows of the embedding table in the file, in fp32: [N, D]. */
  static Tensor embeddings(LlamaWeights weights, int[] ids) {
    int hidden = weights.config().hidden();
    float[] rows = new float[ids.length * hidden];
    for (int i = 0; i < ids.length; i++) {
      float[] row = weights.floats(LlamaWeights.EMBEDDING, ids[i], 1); // [D]
      System.arraycopy(row, 0, rows, i * hidden, hidden);
    }
    return Torch.tensor(rows, ids.length, hidden); // [N, D]
  }

  @Override
  public Tensor product(LlamaLinear linear, int layer, Tensor x) {
    return product(linear.weight(layer), x);
  }

  @Override
  public Tensor matrix(LlamaLinear linear, int layer) {
    return whole(linear.weight(layer));
  }

  @Override
  public Tensor head() {
    return whole(weights.head());
  }

  // [out, in]
  private Tensor whole(String name) {
    Optional<Tensor> inPlace = LlamaTensors.inPlace(weights, name, type);
    if (inPlace.isPresent()) {
      return inPlace.get();
    }
    long[] shape = weights.info(name).shape();
    try (Scope scope = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      Tensor w = Torch.empty(type, shape);
      parts(w).parallelStream()
          .forEach(part ->
              LlamaTensors.fill(part.rows, weights, name, part.offset, Optional.empty(), 1));
      return scope.keep(w);
    }
  }

  @Override
  public int blocks() {
    return TOGETHER;
  }

  @Override
  public Tensor logits(Tensor hidden) {
    long[] shape = Torch.shape(hidden); // [..., D]
    Tensor rows = hidden.reshape(-1, config().hidden()).to(type); // [N, D]
    shape[shape.length - 1] = config().vocab();
    return product(weights.head(), rows).to(ScalarType.Float).reshape(shape); // [..., V]
  }

  // [N, in] -> [N, out]
  private Tensor product(String name, Tensor x) {
    long[] shape = weights.info(name).shape();
    int rows = (int) shape[0];
    int columns = (int) shape[1];
    Optional<LoraAdapter.Pair> pair = adapter.flatMap(a -> a.beside(config(), name));
    Optional<Tensor> inPlace =
        pair.isPresent() ? Optional.empty() : LlamaTensors.inPlace(weights, name, type);
    double scale = LlamaTensors.scale(adapter);
    if (inPlace.isPresent()) {
      try (Scope scope = new Scope()) {
        Tensor y = Torch.empty(type, x.size(0), rows); // [N, out]
        multiply(x, inPlace.get(), y);
        return scope.keep(y);
      }
    }
    int panel = Math.clamp(PANEL / columns, 1, rows);
    try (Scope scope = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      Tensor y = Torch.empty(type, x.size(0), rows); // [N, out]
      for (int first = 0; first < rows; first += panel) {
        int count = Math.min(panel, rows - first);
        int firstOf = first;
        try (Scope _ = new Scope()) {
          Tensor w = Torch.empty(type, count, columns); // [n, in]
          parts(w).parallelStream()
              .forEach(part ->
                  LlamaTensors.fill(part.rows, weights, name, firstOf + part.offset, pair, scale));
          multiply(x, w, y.narrow(1, first, count));
        }
      }
      return scope.keep(y);
    }
  }

  // x [N, in], w [n, in] -> y [N, n]; in bf16, whose sums depend on the number of rows, block by
  // block
  private void multiply(Tensor x, Tensor w, Tensor y) {
    long n = x.size(0);
    long block = type == ScalarType.BFloat16 ? BLOCK : n;
    for (long row = 0; row < n; row += block) {
      long count = Math.min(block, n - row);
      try (Scope _ = new Scope()) {
        y.narrow(0, row, count).copy_(Bf16.linear(x.narrow(0, row, count), w));
      }
    }
  }

  /** A part of a panel that one thread fills. */
  private record Part(Tensor rows, int offset) {}

  private static List<Part> parts(Tensor panel) {
    int rows = (int) panel.size(0);
    int count = Math.clamp(rows / 16, 1, 4 * Runtime.getRuntime().availableProcessors());
    List<Part> parts = new ArrayList<>();
    IntStream.range(0, count)
        .forEach(i -> {
          int from = (int) ((long) rows * i / count);
          int to = (int) ((long) rows * (i + 1) / count);
          parts.add(new Part(panel.narrow(0, from, to - from), from));
        });
    return parts;
  }

  @Override
  public void close() {
    vectors.values().forEach(Tensor::close);
    vectors.clear();
  }
}
