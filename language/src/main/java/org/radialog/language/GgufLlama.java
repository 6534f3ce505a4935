package org.radialog.language;

import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.kernels.QuantisedRows;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.TensorInfo;

/**
 * The weights of a GGUF file of the architecture {@code llama}, whose q and k rows are interleaved
 * for llama.cpp's rotary layout: {@code hf = stored.reshape(heads, d/2, 2, in).transpose(1, 2)}.
 */
public final class GgufLlama implements LlamaWeights {
  /**
   * A tensor of the file: its name there, and the number of heads whose rows are interleaved, 0 for
   * none.
   */
  private record Source(String name, int interleavedHeads) {}

  private final LlamaConfig config;
  private final Checkpoint gguf;
  private final Map<String, Source> sources = new LinkedHashMap<>();

  private GgufLlama(LlamaConfig config, Checkpoint gguf) {
    this.config = config;
    this.gguf = gguf;
    add(EMBEDDING, "token_embd.weight", 0);
    for (int i = 0; i < config.layers(); i++) {
      String block = "blk." + i + ".";
      add(LlamaWeights.inputNorm(i), block + "attn_norm.weight", 0);
      for (LlamaLinear linear : LlamaLinear.values()) {
        add(linear.weight(i), block + name(linear), interleavedHeads(linear));
      }
      add(LlamaWeights.postAttentionNorm(i), block + "ffn_norm.weight", 0);
    }
    add(NORM, "output_norm.weight", 0);
    if (!config.tied()) {
      add(HEAD, "output.weight", 0);
    }
  }

  private void add(String name, String stored, int interleavedHeads) {
    sources.put(name, new Source(stored, interleavedHeads));
  }

  private static String name(LlamaLinear linear) {
    return switch (linear) {
      case Q_PROJ -> "attn_q.weight";
      case K_PROJ -> "attn_k.weight";
      case V_PROJ -> "attn_v.weight";
      case O_PROJ -> "attn_output.weight";
      case GATE_PROJ -> "ffn_gate.weight";
      case UP_PROJ -> "ffn_up.weight";
      case DOWN_PROJ -> "ffn_down.weight";
    };
  }

  private int interleavedHeads(LlamaLinear linear) {
    return switch (linear) {
      case Q_PROJ -> config.heads();
      case K_PROJ -> config.kvHeads();
      case V_PROJ, O_PROJ, GATE_PROJ, UP_PROJ, DOWN_PROJ -> 0;
    };
  }

  public static GgufLlama of(Checkpoint gguf) {
    Map<String, Object> metadata = gguf.metadata();
    if (!"llama".equals(metadata.get("general.architecture"))) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "language model: expected a GGUF file of the architecture llama, found "
              + metadata.getOrDefault("general.architecture", gguf.format()));
    }
    if (gguf.tensors().containsKey("rope_freqs.weight")) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "language model: the GGUF file scales its rotary frequencies by the tensor"
              + " rope_freqs.weight, which is not supported: use the safetensors files of that"
              + " model");
    }
    LlamaFields.check(metadata);
    int hidden = integer(metadata, "llama.embedding_length");
    int heads = integer(metadata, "llama.attention.head_count");
    LlamaConfig config =
        new LlamaConfig(
            vocabulary(gguf),
            hidden,
            integer(metadata, "llama.block_count"),
            heads,
            optional(metadata, "llama.attention.head_count_kv").orElse(heads),
            headSize(metadata, hidden, heads),
            integer(metadata, "llama.feed_forward_length"),
            // stored as fp32; the model was made with the shortest decimal that rounds to it
            shortest(number(metadata, "llama.attention.layer_norm_rms_epsilon")),
            metadata.containsKey("llama.rope.freq_base")
                ? shortest(number(metadata, "llama.rope.freq_base"))
                : 10_000,
            Optional.empty(),
            !gguf.tensors().containsKey("output.weight"),
            integer(metadata, "llama.context_length"));
    if (optional(metadata, "llama.vocab_size").orElse(config.vocab()) > config.vocab()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "language model: the GGUF file says llama.vocab_size %s and its embedding table has %d rows"
              .formatted(metadata.get("llama.vocab_size"), config.vocab()));
    }
    GgufLlama weights = new GgufLlama(config, gguf);
    weights.checkShapes();
    return weights;
  }

  private static int vocabulary(Checkpoint gguf) {
    TensorInfo table = gguf.tensors().get("token_embd.weight");
    if (table == null || table.shape().length != 2 || table.shape()[0] > Integer.MAX_VALUE) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "language model: expected a matrix token_embd.weight in the GGUF file, found " + table);
    }
    return (int) table.shape()[0];
  }

  private static int headSize(Map<String, Object> metadata, int hidden, int heads) {
    int size =
        optional(metadata, "llama.attention.key_length")
            .orElseGet(() -> hidden / Math.max(1, heads));
    int rotary = optional(metadata, "llama.rope.dimension_count").orElse(size);
    int values = optional(metadata, "llama.attention.value_length").orElse(size);
    if (rotary != size || values != size) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "language model: expected keys, values and rotary embedding of one size, found %d, %d and %d"
              .formatted(size, values, rotary));
    }
    return size;
  }

  private static int integer(Map<String, Object> metadata, String key) {
    return optional(metadata, key)
        .orElseThrow(() ->
            new RadialogException(
                Kind.REFUSED_WEIGHTS,
                "language model: expected an integer as " + key + " in the GGUF file, found none"));
  }

  private static Optional<Integer> optional(Map<String, Object> metadata, String key) {
    Object value = metadata.get(key);
    if (value == null) {
      return Optional.empty();
    }
    if (value instanceof Long n && n >= 0 && n <= Integer.MAX_VALUE) {
      return Optional.of(n.intValue());
    }
    throw new RadialogException(
        Kind.REFUSED_WEIGHTS,
        "language model: expected an integer as " + key + " in the GGUF file, found " + value);
  }

  private static double number(Map<String, Object> metadata, String key) {
    if (metadata.get(key) instanceof Double value) {
      return value;
    }
    throw new RadialogException(
        Kind.REFUSED_WEIGHTS,
        "language model: expected a number as "
            + key
            + " in the GGUF file, found "
            + metadata.get(key));
  }

  private static double shortest(double value) {
    return Double.parseDouble(Float.toString((float) value));
  }

  /** The names of its tensors in the file. */
  public Set<String> stored() {
    return sources.values().stream().map(Source::name).collect(Collectors.toSet());
  }

  @Override
  public LlamaConfig config() {
    return config;
  }

  @Override
  public TensorInfo info(String name) {
    TensorInfo stored = gguf.tensors().get(source(name).name);
    if (stored == null) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "language model: the GGUF file has no tensor "
              + source(name).name
              + ", which is "
              + name);
    }
    return stored.named(name);
  }

  @Override
  public MemorySegment bytes(String name) {
    Source source = source(name);
    MemorySegment stored = gguf.bytes(source.name);
    if (source.interleavedHeads == 0) {
      return stored;
    }
    long row =
        (long) config.hidden()
            / info(name).dtype().blockElements()
            * info(name).dtype().blockBytes();
    int rows = Math.toIntExact(stored.byteSize() / row);
    MemorySegment ordered = MemorySegment.ofArray(new byte[Math.toIntExact(stored.byteSize())]);
    for (int r = 0; r < rows; r++) {
      MemorySegment.copy(stored, storedRow(r) * row, ordered, r * row, row);
    }
    return ordered.asReadOnly();
  }

  @Override
  public Optional<QuantisedRows> quantised(String name) {
    TensorInfo info = info(name);
    if (info.shape().length != 2) {
      return Optional.empty();
    }
    int rows = Math.toIntExact(info.shape()[0]);
    int columns = Math.toIntExact(info.shape()[1]);
    return switch (info.dtype()) {
      case Q4_0 -> Optional.of(QuantisedRows.q4_0(bytes(name), rows, columns));
      case Q4_1 -> Optional.of(QuantisedRows.q4_1(bytes(name), rows, columns));
      case Q8_0 -> Optional.of(QuantisedRows.q8_0(bytes(name), rows, columns));
      case F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL -> Optional.empty();
      case Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, FOREIGN -> Optional.empty();
    };
  }

  @Override
  public float[] floats(String name, int firstRow, int rows) {
    Source source = source(name);
    long[] shape = info(name).shape();
    int columns = shape.length == 1 ? 1 : Math.toIntExact(shape[1]);
    if (source.interleavedHeads == 0) {
      return gguf.floats(source.name, (long) firstRow * columns, Math.multiplyExact(rows, columns));
    }
    float[] ordered = new float[Math.multiplyExact(rows, columns)];
    for (int r = 0; r < rows; r++) {
      float[] row = gguf.floats(source.name, storedRow(firstRow + r) * columns, columns);
      System.arraycopy(row, 0, ordered, r * columns, columns);
    }
    return ordered;
  }

  // Row (head, half, i) of the rotate-half layout is stored at (head, i, half).
  private long storedRow(int row) {
    int d = config.headSize();
    int inHead = row % d;
    int half = inHead / (d / 2);
    int i = inHead % (d / 2);
    return (long) row - inHead + 2L * i + half;
  }

  private Source source(String name) {
    Source source = sources.get(name);
    if (source == null) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS, "language model: there is no tensor " + name);
    }
    return source;
  }
}
