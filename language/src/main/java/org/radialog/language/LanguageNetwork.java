package org.radialog.language;

import java.util.List;

/**
 * The interface of a language model for code that generates text with it: it reads prompts, makes
 * decode steps, and gives the shape of its cache.
 *
 * <p>Not thread-safe: one call at a time.
 */
public interface LanguageNetwork extends LanguageDecoder {
  /** V, the length of a row of logits. */
  int vocab();

  /** The content of a cache of a sequence. */
  CacheShape cacheShape();

  /**
   * Appends {@code input} to one sequence.
   *
   * @return the logits of its last position, [V]
   * @throws org.radialog.base.RadialogException if the sequence exceeds the positions
   */
  float[] prefill(KvCache cache, List<LlamaInput> input);

  /**
   * Whether the results of {@link #extend} and {@link #prefill} differ in their bits, for example
   * because its weights are rounded further. An earlier answer is then read with {@code extend},
   * which generated it.
   */
  default boolean answersApart() {
    return false;
  }

  /**
   * A network that reads prompts with {@code prompts} and answers with {@code answers}; the caller
   * has to close both.
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
