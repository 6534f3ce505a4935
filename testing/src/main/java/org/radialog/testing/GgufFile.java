package org.radialog.testing;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.radialog.base.WholeFile;
import org.radialog.weights.DType;

/** Writes a GGUF file, version 3, with F32, F16, BF16, Q8_0 and Q4_0 tensors. */
public final class GgufFile {
  private static final int ALIGNMENT = 32;

  private final SequencedMap<String, Object> metadata = new LinkedHashMap<>();
  private final SequencedMap<String, Weight> tensors = new LinkedHashMap<>();

  /** Returns the values of a tensor by name and shape, row-major. */
  @FunctionalInterface
  public interface Values {
    float[] of(String name, long... shape);
  }

  /**
   * A model of the llama architecture with a byte-level vocabulary like that of SmolLM2 and an
   * output head tied to the embedding table.
   *
   * @param size sizes; the vocabulary may be larger than the number of tokens
   * @param types types of the tokens: 1 normal, 3 control
   * @param merges pairs of tokens separated by a space
   */
  public static GgufFile llama(
      LlamaSize size,
      List<String> tokens,
      List<Integer> types,
      List<String> merges,
      Values values) {
    GgufFile gguf =
        new GgufFile()
            .put("general.architecture", "llama")
            .put("llama.block_count", size.layers())
            .put("llama.context_length", size.positions())
            .put("llama.embedding_length", size.hidden())
            .put("llama.feed_forward_length", size.intermediate())
            .put("llama.attention.head_count", size.heads())
            .put("llama.attention.head_count_kv", size.kvHeads())
            .put("llama.attention.layer_norm_rms_epsilon", (float) size.rmsEps())
            .put("llama.rope.freq_base", (float) size.ropeTheta())
            .put("llama.rope.dimension_count", size.headDim())
            .put("llama.vocab_size", size.vocab())
            .put("tokenizer.ggml.model", "gpt2")
            .put("tokenizer.ggml.pre", "smollm")
            .put("tokenizer.ggml.tokens", tokens)
            .put("tokenizer.ggml.token_type", types)
            .put("tokenizer.ggml.merges", merges)
            .put("tokenizer.ggml.bos_token_id", 1)
            .put("tokenizer.ggml.eos_token_id", 2)
            .put("tokenizer.ggml.unknown_token_id", 0)
            .put("tokenizer.ggml.padding_token_id", 2)
            .put("tokenizer.ggml.add_bos_token", false)
            .put("tokenizer.ggml.add_space_prefix", false);
    int queries = size.heads() * size.headDim();
    int keys = size.kvHeads() * size.headDim();
    gguf.add(values, "token_embd.weight", size.vocab(), size.hidden());
    for (int i = 0; i < size.layers(); i++) {
      String block = "blk." + i + ".";
      gguf.add(values, block + "attn_norm.weight", size.hidden());
      gguf.add(values, block + "attn_q.weight", queries, size.hidden());
      gguf.add(values, block + "attn_k.weight", keys, size.hidden());
      gguf.add(values, block + "attn_v.weight", keys, size.hidden());
      gguf.add(values, block + "attn_output.weight", size.hidden(), queries);
      gguf.add(values, block + "ffn_norm.weight", size.hidden());
      gguf.add(values, block + "ffn_gate.weight", size.intermediate(), size.hidden());
      gguf.add(values, block + "ffn_up.weight", size.intermediate(), size.hidden());
      gguf.add(values, block + "ffn_down.weight", size.hidden(), size.intermediate());
    }
    gguf.add(values, "output_norm.weight", size.hidden());
    return gguf;
  }

  private void add(Values values, String name, long... shape) {
    tensor(name, values.of(name, shape), shape);
  }

  /**
   * Adds metadata: an Integer (stored as UINT32), Float, Boolean or String, or a list of Strings,
   * Integers (stored as INT32) or Floats.
   */
  public GgufFile put(String key, Object value) {
    metadata.put(key, value);
    return this;
  }

  /** Adds an F32 tensor, row-major, with dimensions in PyTorch's order. */
  public GgufFile tensor(String name, float[] values, long... shape) {
    return tensor(name, Weight.floats(DType.F32, values, shape));
  }

  /** Adds a tensor. */
  public GgufFile tensor(String name, Weight weight) {
    tensors.put(name, weight);
    return this;
  }

  /** Writes the file. */
  public void write(Path file) {
    Fields header = new Fields().raw("GGUF".getBytes(StandardCharsets.US_ASCII)).u32(3);
    header.u64(tensors.size()).u64(metadata.size());
    metadata.forEach((key, value) -> {
      text(header, key);
      value(header, value);
    });
    long offset = 0;
    for (Map.Entry<String, Weight> e : tensors.entrySet()) {
      long[] shape = e.getValue().shape();
      text(header, e.getKey());
      header.u32(shape.length);
      for (int i = shape.length - 1; i >= 0; i--) {
        header.u64(shape[i]);
      }
      header.u32(type(e.getValue().dtype())).u64(offset);
      offset += e.getValue().bytes() + padding(e.getValue().bytes());
    }
    WholeFile.write(
        file,
        out -> {
          out.write(header.toArray());
          pad(out, header.size());
          for (Weight weight : tensors.values()) {
            weight.writeTo(out);
            pad(out, weight.bytes());
          }
        });
  }

  private static int padding(long length) {
    return (int) Math.floorMod(-length, (long) ALIGNMENT);
  }

  private static void pad(OutputStream out, long length) throws IOException {
    out.write(new byte[padding(length)]);
  }

  private static int type(DType dtype) {
    return switch (dtype) {
      case F32 -> 0;
      case F16 -> 1;
      case Q4_0 -> 2;
      case Q8_0 -> 8;
      case BF16 -> 30;
      case F64,
          I64,
          I32,
          I16,
          I8,
          U64,
          U32,
          U16,
          U8,
          BOOL,
          Q4_1,
          Q5_0,
          Q5_1,
          Q2_K,
          Q3_K,
          Q4_K,
          Q5_K,
          Q6_K,
          FOREIGN ->
          throw new IllegalArgumentException("no GGUF tensor of " + dtype + " is written");
    };
  }

  private static void text(Fields out, String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    out.u64(utf8.length).raw(utf8);
  }

  private static void value(Fields out, Object value) {
    if (value instanceof List<?> list) {
      out.u32(9);
      out.u32(list.getFirst() instanceof Integer ? 5 : valueType(list.getFirst()));
      out.u64(list.size());
      list.forEach(item -> plain(out, item));
    } else {
      out.u32(valueType(value));
      plain(out, value);
    }
  }

  private static int valueType(Object value) {
    return switch (value) {
      case Integer _ -> 4;
      case Float _ -> 6;
      case Boolean _ -> 7;
      case String _ -> 8;
      default -> throw new IllegalArgumentException("no GGUF type for " + value);
    };
  }

  private static void plain(Fields out, Object value) {
    switch (value) {
      case Integer n -> out.u32(n);
      case Float f -> out.u32(Float.floatToIntBits(f));
      case Boolean b -> out.u8(b ? 1 : 0);
      case String s -> text(out, s);
      default -> throw new IllegalArgumentException("no GGUF type for " + value);
    }
  }
}
