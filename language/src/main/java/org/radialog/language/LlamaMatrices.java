package org.radialog.language;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The matrices of {@link LlamaNetwork}: tensors in memory, or created on demand from a form that
 * takes less memory. Results belong to the scope of the caller.
 *
 * <p>N rows · D hidden · V vocabulary.
 */
interface LlamaMatrices extends AutoCloseable {
  /** Number of rows of a prompt that are computed together. */
  int BLOCK = 64;

  /** The shape of the model. */
  LlamaConfig config();

  /** The type of the matrices, their inputs and the products. */
  ScalarType type();

  /** The weight of a norm in fp32, [D]; it is valid until this is closed. */
  Tensor vector(String name);

  /** The embeddings of ids, each in [0, V): fp32 [N, D]. */
  Tensor embeddings(int[] ids);

  /** {@code x Wᵀ}: [N, in] to [N, out], both in {@link #type}. */
  Tensor product(LlamaLinear linear, int layer, Tensor x);

  /**
   * The number of blocks of {@link #BLOCK} rows that should be multiplied at once. If it is more
   * than one, a bf16 product is still computed block by block.
   */
  int blocks();

  /**
   * A matrix as a tensor [out, in] in {@link #type}, through which gradients pass. It belongs to
   * the scope of the caller, or lives until this is closed.
   */
  Tensor matrix(LlamaLinear linear, int layer);

  /** The head as a tensor [V, D], like {@link #matrix}. */
  Tensor head();

  /** The logits of hidden states: [..., D] to fp32 [..., V]. */
  Tensor logits(Tensor hidden);

  @Override
  void close();
}
