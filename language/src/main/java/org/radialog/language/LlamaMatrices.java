package org.radialog.language;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What {@link LlamaNetwork} multiplies with: tensors in memory, or made for the moment of their use
 * from a form that takes less room. Results belong to the scope of the caller.
 *
 * <p>N rows · D hidden · V vocabulary.
 */
interface LlamaMatrices extends AutoCloseable {
  /** Rows of a prompt that are computed together. */
  int BLOCK = 64;

  /** The shape of the model. */
  LlamaConfig config();

  /** The type of matrices, of what they are multiplied with, and of products. */
  ScalarType type();

  /** A norm's weight in fp32, [D]; it lives until this is closed. */
  Tensor vector(String name);

  /** The embeddings of ids, each in [0, V): fp32 [N, D]. */
  Tensor embeddings(int[] ids);

  /** {@code x Wᵀ}: [N, in] to [N, out], both in {@link #type}. */
  Tensor product(LlamaLinear linear, int layer, Tensor x);

  /**
   * Of how many blocks of {@link #BLOCK} rows it pays to ask for the product at once. Where it is
   * more than one, a product of bf16 is computed block by block.
   */
  int blocks();

  /** The logits of hidden states: [..., D] to fp32 [..., V]. */
  Tensor logits(Tensor hidden);

  @Override
  void close();
}
