package org.radialog.language;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.SequencedMap;
import org.radialog.base.RadialogException;
import org.radialog.kernels.QuantisedRows;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.TensorInfo;

/**
 * The tensors of a Llama model under Hugging Face's names ({@code model.embed_tokens.weight},
 * {@code model.layers.3.self_attn.q_proj.weight}, {@code lm_head.weight} …), in any type of file.
 * The rows of q and k are in the order of the rotate-half layout: pair (i, i + d/2).
 *
 * <p>Safe for several threads.
 */
public interface LlamaWeights {
  /** The key of the embedding table, [V, D]. */
  String EMBEDDING = "model.embed_tokens.weight";

  /** The key of the final norm, [D]. */
  String NORM = "model.norm.weight";

  /** The key of the head, [V, D]; absent if the head is tied to the embedding table. */
  String HEAD = "lm_head.weight";

  /** The shape of the model. */
  LlamaConfig config();

  /**
   * Type and shape of a tensor in the file.
   *
   * @throws RadialogException if there is no tensor with this name
   */
  TensorInfo info(String name);

  /**
   * The raw, possibly quantised bytes of a tensor, row-major, valid until the file is closed.
   *
   * @throws RadialogException if there is no tensor with this name
   */
  MemorySegment bytes(String name);

  /**
   * A matrix in groups of 32, if its form in the file can be read without loss by the kernels of
   * {@link LlamaDecoder}.
   *
   * @throws RadialogException if there is no tensor with this name
   */
  default Optional<QuantisedRows> quantised(String name) {
    return Optional.empty();
  }

  /**
   * Some rows of a tensor as fp32, row-major; a row of a vector is one value.
   *
   * @throws RadialogException if there is no tensor with this name
   * @throws IndexOutOfBoundsException if it does not have those rows
   */
  float[] floats(String name, int firstRow, int rows);

  /**
   * The values of a tensor as fp32, row-major.
   *
   * @throws RadialogException if there is no tensor with this name
   */
  default float[] floats(String name) {
    return floats(name, 0, Math.toIntExact(info(name).shape()[0]));
  }

  /** The key of the head: {@link #HEAD}, or {@link #EMBEDDING} if it is tied. */
  default String head() {
    return config().tied() ? EMBEDDING : HEAD;
  }

  /** The names of all tensors with their shapes, in the order of a forward pass. */
  default SequencedMap<String, long[]> shapes() {
    return shapes(config());
  }

  /** The names of all tensors of a model of shape {@code c}, with their shapes. */
  static SequencedMap<String, long[]> shapes(LlamaConfig c) {
    SequencedMap<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put(EMBEDDING, new long[] {c.vocab(), c.hidden()});
    for (int i = 0; i < c.layers(); i++) {
      shapes.put(inputNorm(i), new long[] {c.hidden()});
      for (LlamaLinear linear : LlamaLinear.values()) {
        shapes.put(linear.weight(i), new long[] {linear.rows(c), linear.columns(c)});
        if (linear == LlamaLinear.O_PROJ) {
          shapes.put(postAttentionNorm(i), new long[] {c.hidden()});
        }
      }
    }
    shapes.put(NORM, new long[] {c.hidden()});
    if (!c.tied()) {
      shapes.put(HEAD, new long[] {c.vocab(), c.hidden()});
    }
    return shapes;
  }

  /**
   * Checks that every tensor exists with the shape that the model needs.
   *
   * @throws RadialogException if one does not
   */
  default void checkShapes() {
    shapes()
        .forEach((name, shape) -> {
          if (!Arrays.equals(info(name).shape(), shape)) {
            throw new RadialogException(
                "language model: expected %s of shape %s, found %s"
                    .formatted(name, Arrays.toString(shape), info(name)));
          }
        });
  }

  /**
   * The weights of a GGUF file of the {@code llama} architecture, which must stay open as long as
   * they are used.
   *
   * @throws RadialogException if it has another architecture or lacks a tensor
   */
  static LlamaWeights of(Checkpoint gguf) {
    return GgufLlama.of(gguf);
  }

  /**
   * The weights of a checkpoint with Hugging Face's names, which must stay open as long as they are
   * used. A matrix may be quantised as in an imported model folder.
   *
   * @throws RadialogException if a tensor is missing or has another shape
   */
  static LlamaWeights of(LlamaConfig config, Checkpoint checkpoint) {
    return HuggingFaceLlama.of(config, checkpoint);
  }

  /** The key of the norm before attention of {@code layer}, [D]. */
  static String inputNorm(int layer) {
    return "model.layers." + layer + ".input_layernorm.weight";
  }

  /** The key of the norm before the MLP of {@code layer}, [D]. */
  static String postAttentionNorm(int layer) {
    return "model.layers." + layer + ".post_attention_layernorm.weight";
  }
}
