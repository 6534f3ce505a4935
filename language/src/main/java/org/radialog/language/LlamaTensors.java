package org.radialog.language;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.Checksum;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.torch.Bf16;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.torch.TorchThreads;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;
import org.radialog.weights.TensorInfo;

/**
 * The tensors of a Llama model in memory, by Hugging Face's names: matrices in one type, norms in
 * fp32. They are converted from a checkpoint, or mapped from a file of converted tensors that
 * {@link #write} made. Closing frees them.
 */
public final class LlamaTensors implements LlamaMatrices {
  private static final int CHUNK = 1 << 18;
  private static final String KEY = "key";
  private static final String CHECKSUMS = "checksums"; // CRC-32C of each tensor
  private static final String CONFIG = "config";

  private final LlamaConfig config;
  private final ScalarType type;
  private final SequencedMap<String, Tensor> tensors;
  private final Optional<Checkpoint> mapped;
  private final boolean converted;

  private LlamaTensors(
      LlamaConfig config,
      ScalarType type,
      SequencedMap<String, Tensor> tensors,
      Optional<Checkpoint> mapped,
      boolean converted) {
    this.config = config;
    this.type = type;
    this.tensors = tensors;
    this.mapped = mapped;
    this.converted = converted;
  }

  /** A tensor that has the required form in its file is used there; the others are converted. */
  static LlamaTensors of(LlamaWeights weights, Optional<LoraAdapter> adapter, ScalarType type) {
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
    Set<String> converted = new HashSet<>();
    try (Scope scope = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      weights
          .shapes()
          .forEach((name, shape) -> {
            ScalarType wanted = shape.length == 1 ? ScalarType.Float : type;
            Optional<Tensor> inPlace =
                adapter.filter(a -> a.targets(name)).isPresent()
                    ? Optional.empty()
                    : inPlace(weights, name, wanted);
            if (inPlace.isEmpty()) {
              converted.add(name);
            }
            tensors.put(name, scope.release(inPlace.orElseGet(() -> Torch.empty(wanted, shape))));
          });
    }
    // Uses all processors, because a start waits for this.
    converted.parallelStream()
        .forEach(name ->
            fill(
                Objects.requireNonNull(tensors.get(name)),
                weights,
                name,
                0,
                adapter.flatMap(a -> a.beside(weights.config(), name)),
                scale(adapter)));
    return new LlamaTensors(
        weights.config(), type, tensors, Optional.empty(), !converted.isEmpty());
  }

  /** A tensor in the scope of the caller over the bytes of the file, if they have that type. */
  static Optional<Tensor> inPlace(LlamaWeights weights, String name, ScalarType type) {
    TensorInfo info = weights.info(name);
    if (info.dtype() != dtype(type)) {
      return Optional.empty();
    }
    MemorySegment bytes = weights.bytes(name);
    return bytes.isNative() ? Optional.of(Torch.over(bytes, type, info.shape())) : Optional.empty();
  }

  public static double scale(Optional<LoraAdapter> adapter) {
    return adapter.map(a -> a.config().scale()).orElse(0.0);
  }

  /**
   * Fills {@code target} with the rows of a tensor starting at {@code firstRow}, in chunks that fit
   * the processor cache.
   *
   * @param target [n, columns], or [n] for a vector
   */
  static void fill(
      Tensor target,
      LlamaWeights weights,
      String name,
      int firstRow,
      Optional<LoraAdapter.Pair> pair,
      double scale) {
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        TorchThreads _ = TorchThreads.of(1)) { // parallelism is above libtorch
      int rows = (int) target.size(0);
      int columns = target.dim() == 1 ? 1 : (int) target.size(1);
      int chunk = Math.clamp(CHUNK / columns, 1, rows);
      for (int first = 0; first < rows; first += chunk) {
        int count = Math.min(chunk, rows - first);
        try (Scope _ = new Scope()) {
          Tensor values =
              Torch.tensor(weights.floats(name, firstRow + first, count), (long) count, columns);
          if (pair.isPresent()) {
            merge(values, pair.get(), firstRow + first, scale);
          }
          target.narrow(0, first, count).view(count, columns).copy_(values);
        }
      }
    }
  }

  // W + scale · B A, for the rows from `first` on
  public static void merge(Tensor rows, LoraAdapter.Pair pair, int first, double scale) {
    int columns = (int) rows.size(1);
    int rank = pair.a().length / columns;
    float[] b = Arrays.copyOfRange(pair.b(), first * rank, (first + (int) rows.size(0)) * rank);
    Tensor bRows = Torch.tensor(b, rows.size(0), rank); // [n, r]
    Tensor a = Torch.tensor(pair.a(), rank, columns); // [r, in]
    rows.addmm_(bRows, a, new Scalar(1), new Scalar(scale));
  }

  private static DType dtype(ScalarType type) {
    return type == ScalarType.Float ? DType.F32 : type == ScalarType.Half ? DType.F16 : DType.BF16;
  }

  /** Whether any tensor was converted from another form, so that {@link #write} is worthwhile. */
  boolean converted() {
    return converted;
  }

  /** Writes all tensors to a safetensors file with {@code key} and their checksums. */
  void write(Path file, String key) {
    SequencedMap<String, SafetensorsWriter.Entry> entries = new LinkedHashMap<>();
    tensors.forEach((name, tensor) ->
        entries.put(
            name,
            new SafetensorsWriter.Entry(
                dtype(Torch.type(tensor)), Torch.shape(tensor), Torch.memory(tensor))));
    List<MemorySegment> bytes =
        entries.values().stream().map(SafetensorsWriter.Entry::bytes).toList();
    SafetensorsWriter.write(file, marks(key, config, bytes), entries);
  }

  // The order of the tensors is that of `shapes`.
  private static Map<String, String> marks(
      String key, LlamaConfig config, List<MemorySegment> tensors) {
    String checksums =
        tensors.parallelStream()
            .map(bytes -> "%08x".formatted(Checksum.of(bytes)))
            .collect(Collectors.joining(" "));
    return Map.of(KEY, key, CONFIG, config.toString(), CHECKSUMS, checksums);
  }

  /**
   * The tensors of a file that {@link #write} made, mapped, with their checksums verified.
   *
   * @return empty if the file has another key
   * @throws RadialogException if it is damaged
   */
  static Optional<LlamaTensors> map(Path file, String key, LlamaWeights weights, ScalarType type) {
    Checkpoint checkpoint = Checkpoint.open(file);
    try {
      Map<String, Object> found = checkpoint.metadata();
      if (!key.equals(found.get(KEY))
          || !weights.config().toString().equals(found.get(CONFIG))
          || !found.containsKey(CHECKSUMS)) {
        checkpoint.close();
        return Optional.empty();
      }
      List<MemorySegment> bytes =
          weights.shapes().sequencedKeySet().stream().map(checkpoint::bytes).toList();
      if (!marks(key, weights.config(), bytes).equals(found)) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            file + " is damaged: the checksum of a tensor differs from its header; delete it");
      }
      LlamaWeights packed = HuggingFaceLlama.of(weights.config(), checkpoint);
      SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
      try (Scope scope = new Scope()) {
        weights
            .shapes()
            .forEach((name, shape) -> {
              ScalarType wanted = shape.length == 1 ? ScalarType.Float : type;
              if (packed.info(name).dtype() != dtype(wanted)) {
                throw new RadialogException(
                    Kind.REFUSED_WEIGHTS,
                    "%s: expected %s as %s, found %s; delete the file"
                        .formatted(file, name, dtype(wanted), packed.info(name)));
              }
              tensors.put(name, scope.release(Torch.over(packed.bytes(name), wanted, shape)));
            });
      }
      return Optional.of(
          new LlamaTensors(weights.config(), type, tensors, Optional.of(checkpoint), false));
    } catch (RuntimeException e) {
      checkpoint.close();
      throw e;
    }
  }

  @Override
  public LlamaConfig config() {
    return config;
  }

  @Override
  public ScalarType type() {
    return type;
  }

  @Override
  public Tensor vector(String name) {
    return get(name);
  }

  @Override
  public Tensor embeddings(int[] ids) {
    return get(LlamaWeights.EMBEDDING)
        .index_select(0, Torch.tensor(ids, ids.length)) // [N, D]
        .to(ScalarType.Float);
  }

  @Override
  public Tensor product(LlamaLinear linear, int layer, Tensor x) {
    return Bf16.linear(x, get(linear.weight(layer)));
  }

  @Override
  public Tensor matrix(LlamaLinear linear, int layer) {
    return get(linear.weight(layer));
  }

  @Override
  public Tensor head() {
    return get(config.tied() ? LlamaWeights.EMBEDDING : LlamaWeights.HEAD);
  }

  @Override
  public int blocks() {
    return 1;
  }

  @Override
  public Tensor logits(Tensor hidden) {
    return Bf16.linear(hidden.to(type), head()).to(ScalarType.Float);
  }

  /** The tensor {@code name}, which is valid until this is closed. */
  Tensor get(String name) {
    return existing(tensors, name);
  }

  static Tensor existing(Map<String, Tensor> tensors, String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS, "language model: there is no tensor " + name);
    }
    return tensor;
  }

  @Override
  public void close() {
    tensors.values().forEach(Tensor::close);
    tensors.clear();
    mapped.ifPresent(Checkpoint::close);
  }
}
