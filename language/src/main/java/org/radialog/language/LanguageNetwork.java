package org.radialog.language;

import java.util.List;

/**
 * A language model as whoever generates text with it sees it: it reads prompts, makes the steps of
 * answers, and says what its cache is like.
 *
 * <p>Not thread-safe: one call at a time.
 */
public interface LanguageNetwork extends LanguageDecoder {
  /** V, the length of a row of logits. */
  int vocab();

  /** What a cache of a sequence holds. */
  CacheShape cacheShape();

  /**
   * Appends {@code input} to one sequence.
   *
   * @return the logits of its last position, [V]
   * @throws org.radialog.base.RadialogException if the sequence outgrows the positions
   */
  float[] prefill(KvCache cache, List<LlamaInput> input);

  /**
   * Whether {@link #extend} computes other bits than {@link #prefill}, as where its weights are
   * rounded further. An earlier answer is then read by {@code extend}, which said it.
   */
  default boolean answersApart() {
    return false;
  }

  /**
   * A network that reads prompts as {@code prompts} and answers as {@code answers}; both stay the
   * caller's to close.
   */
  static LanguageNetwork of(LanguageNetwork prompts, LanguageDecoder answers) {
    return new LanguageNetwork() {
      @Override
      public int vocab() {
        return prompts.vocab();
      }

      @Override
      public CacheShape cacheShape() {
        return prompts.cacheShape();
      }

      @Override
      public float[] prefill(KvCache cache, List<LlamaInput> input) {
        return prompts.prefill(cache, input);
      }

      @Override
      public void extend(List<int[]> tokens, List<KvCache> caches, float[][] logits) {
        answers.extend(tokens, caches, logits);
      }

      @Override
      public int passTokens() {
        return answers.passTokens();
      }

      @Override
      public boolean answersApart() {
        return true;
      }
    };
  }
}
