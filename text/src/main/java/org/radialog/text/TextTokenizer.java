package org.radialog.text;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.radialog.base.RadialogException;
import org.radialog.clinical.PromptPart;
import org.radialog.weights.Checkpoint;

/**
 * Converts text to the token ids of a language model and back.
 *
 * <p>A special token (a role mark, an end of turn) can only come from our own text; the same
 * characters in untrusted text are plain text. The Hugging Face library, which is built in the
 * background, does the merging; the first encoding waits for it. It is unpacked to the folder in
 * the system property {@code ENGINE_CACHE_DIR} and never accesses the network.
 *
 * <p>Thread-safe.
 */
public sealed interface TextTokenizer extends AutoCloseable
    permits ByteLevelTokenizer, SentencePieceTokenizer {

  /**
   * The tokenizer of a GGUF file, which may be closed afterwards: {@code tokenizer.ggml.model} =
   * {@code llama} (SentencePiece), or {@code gpt2} (byte-level BPE) with a known {@code
   * tokenizer.ggml.pre}.
   *
   * @throws RadialogException if the file has none or an unsupported one
   */
  static TextTokenizer of(Checkpoint gguf) {
    return GgufVocabulary.tokenizer(gguf.metadata());
  }

  /**
   * The tokenizer of a Hugging Face folder: {@code tokenizer.json}, otherwise SentencePiece's
   * {@code tokenizer.model}, with the settings in {@code tokenizer_config.json}, {@code
   * special_tokens_map.json} and {@code added_tokens.json}.
   *
   * @throws RadialogException if the folder has none or an unsupported one
   */
  static TextTokenizer open(Path folder) {
    return TokenizerFolder.open(folder);
  }

  /** The number of tokens; all ids are less. */
  int size();

  /** The id of the token that ends a turn. */
  int endOfTurn();

  /** The id of the token before a conversation; empty if the model was trained without one. */
  OptionalInt beginning();

  /** Whether {@code id} is a special token, such as the mark of a role or of an end. */
  boolean special(int id);

  /**
   * The token ids of a text by itself, without any tokens before or after it.
   *
   * @param parseSpecial whether special tokens in the text are recognised; must be false for
   *     untrusted text
   */
  int[] encode(String text, boolean parseSpecial);

  /**
   * The token ids of a prompt: those before the first image, between two images, and after the last
   * one. There is one list more than there are images, and lists may be empty. Special tokens are
   * recognised in templates only. How the parts between two images are combined depends on the
   * model family: byte-level BPE encodes each part separately, SentencePiece all of them as one
   * text.
   *
   * @param beginning whether the conversation begins here, so that {@link #beginning()} comes first
   */
  default List<int[]> encode(List<PromptPart> parts, boolean beginning) {
    return encode(parts, beginning, Integer.MAX_VALUE);
  }

  /**
   * Like {@link #encode(List, boolean)}, for a prompt with a limit of {@code most} tokens. A prompt
   * that is longer than this many of the longest tokens is refused before any of it is encoded;
   * otherwise encoding stops as soon as the prompt is known to be too long.
   *
   * @throws RadialogException if it has more tokens
   */
  List<int[]> encode(List<PromptPart> parts, boolean beginning, int most);

  /**
   * Checks only the length of a text, so that it can be refused before any work is done.
   *
   * @throws RadialogException if it is longer than {@code most} of the longest tokens
   */
  default void requireRoom(String text, int most) {
    TokenPlaces.of(List.of(new PromptPart.Text(text)), most, longestToken());
  }

  /** The maximum number of characters per token; empty if there is no limit. */
  OptionalInt longestToken();

  /**
   * The text of some tokens. Bytes that are not UTF-8 become U+FFFD. Special tokens appear as text
   * (byte-level BPE) or not at all (SentencePiece), as in the reference implementation of each
   * family.
   */
  default String decode(int[] ids) {
    Decoder decoder = decoder();
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(decoder.next(id));
    }
    return text.append(decoder.end()).toString();
  }

  /**
   * A new decoder for the tokens of an answer, which arrive one by one. Special tokens give no
   * text, for any family.
   */
  Decoder decoder();

  /** Frees the memory of the library; after that, only decoding is possible. */
  @Override
  void close();

  /**
   * Converts tokens to text as they arrive. A character that consists of several tokens appears
   * with the last of them. To be used by one thread.
   */
  interface Decoder {
    /**
     * The characters that {@code id} completes; there may be none. Special tokens, unknown tokens
     * and unused entries of the vocabulary give none.
     *
     * @throws IllegalArgumentException if there is no such token
     */
    String next(int id);

    /** The remaining text: U+FFFD if the tokens ended within a character, otherwise empty. */
    String end();
  }
}
