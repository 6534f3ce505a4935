package org.radialog.language;

import java.util.Arrays;
import java.util.List;

/**
 * The decode passes of a language model. B sequences, N tokens of all of them together, V entries
 * of the vocabulary.
 *
 * <p>Not thread-safe: one pass at a time.
 */
@FunctionalInterface
public interface LanguageDecoder {
  /**
   * Appends one or more tokens to each of B sequences and computes the logits after each token.
   *
   * @param tokens B arrays of at least one id, each id in [0, V)
   * @param caches B distinct caches; each grows by the number of its tokens
   * @param logits N arrays of V, overwritten: first those of the tokens of the first sequence, then
   *     those of the second, and so on
   */
  void extend(List<int[]> tokens, List<KvCache> caches, float[][] logits);

  /**
   * Appends one token to each of B sequences and computes the logits after it.
   *
   * @param tokens B ids, each in [0, V)
   * @param caches B distinct caches; each grows by one position
   * @param logits B arrays of V, overwritten
   */
  default void step(int[] tokens, List<KvCache> caches, float[][] logits) {
    extend(Arrays.stream(tokens).mapToObj(id -> new int[] {id}).toList(), caches, logits);
  }

  /**
   * The number of tokens up to which one pass of {@link #extend} is clearly cheaper than one pass
   * per token, if the logits are bit-identical either way; otherwise 1.
   */
  default int passTokens() {
    return 1;
  }

  /** The index of the largest of the first {@code choices} logits; the first of equal ones. */
  static int likeliest(float[] logits, int choices) {
    int best = 0;
    for (int i = 1; i < choices; i++) {
      if (logits[i] > logits[best]) {
        best = i;
      }
    }
    return best;
  }
}
