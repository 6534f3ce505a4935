package org.radialog.model;

import java.util.List;

/**
 * One decode step of a language model. B sequences, V words.
 *
 * <p>Not thread-safe: one step at a time.
 */
public interface LanguageDecoder {
  /**
   * Appends one token to each of B sequences and computes what may follow.
   *
   * @param tokens B ids, each in [0, V)
   * @param caches B distinct caches; each grows by one position
   * @param logits B arrays of V, overwritten
   */
  void step(int[] tokens, List<KvCache> caches, float[][] logits);
}
