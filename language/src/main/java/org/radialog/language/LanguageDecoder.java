package org.radialog.language;

import java.util.Arrays;
import java.util.List;

/**
 * The decode passes of a language model. B sequences, N tokens of all of them together, V words.
 *
 * <p>Not thread-safe: one pass at a time.
 */
@FunctionalInterface
public interface LanguageDecoder {
  /**
   * Appends one token or more to each of B sequences and computes what may follow each of them.
   *
   * @param tokens B arrays of one id or more, each id in [0, V)
   * @param caches B distinct caches; each grows by as many positions
   * @param logits N arrays of V, overwritten: those of the first sequence's tokens in their order,
   *     then the second's
   */
  void extend(List<int[]> tokens, List<KvCache> caches, float[][] logits);

  /**
   * Appends one token to each of B sequences and computes what may follow.
   *
   * @param tokens B ids, each in [0, V)
   * @param caches B distinct caches; each grows by one position
   * @param logits B arrays of V, overwritten
   */
  default void step(int[] tokens, List<KvCache> caches, float[][] logits) {
    extend(Arrays.stream(tokens).mapToObj(id -> new int[] {id}).toList(), caches, logits);
  }

  /**
   * Up to how many tokens in one pass of {@link #extend} cost clearly less than in a pass each,
   * where a token's logits have the same bits in either; 1 where they have not.
   */
  default int passTokens() {
    return 1;
  }

  /** The likeliest of the first {@code choices} words; of equal ones the first. */
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
