package org.radialog.text;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.radialog.base.RadialogException;
import org.radialog.clinical.PromptPart;
import org.radialog.weights.Checkpoint;

/**
 * Text to a language model's token ids and back.
 *
 * <p>A special token (a role mark, an end of turn) comes only from text of ours: the same
 * characters in text from outside are plain text. The merging is done by Hugging Face's own
 * library, which is built in the background: the first encoding waits for it. It unpacks into the
 * folder of the system property {@code ENGINE_CACHE_DIR}, and never asks the network.
 *
 * <p>Thread-safe.
 */
public sealed interface TextTokenizer extends AutoCloseable
    permits ByteLevelTokenizer, SentencePieceTokenizer {

  /**
   * The tokenizer of a GGUF file, which may be closed afterwards: {@code tokenizer.ggml.model} =
   * {@code llama} (SentencePiece), or {@code gpt2} (byte-level BPE) with one of the known {@code
   * tokenizer.ggml.pre}.
   *
   * @throws RadialogException if the file has none, or one of another kind
   */
  static TextTokenizer of(Checkpoint gguf) {
    return GgufVocabulary.tokenizer(gguf.metadata());
  }

  /**
   * The tokenizer of a Hugging Face folder: {@code tokenizer.json}, else {@code tokenizer.model} of
   * SentencePiece, with what {@code tokenizer_config.json}, {@code special_tokens_map.json} and
   * {@code added_tokens.json} say beside them.
   *
   * @throws RadialogException if the folder has none, or one of another kind
   */
  static TextTokenizer open(Path folder) {
    return TokenizerFolder.open(folder);
  }

  /** The number of tokens; ids are below it. */
  int size();

  /** The id of the token that ends a turn. */
  int endOfTurn();

  /** The id that stands before a conversation; empty where the model was trained without one. */
  OptionalInt beginning();

  /** Whether {@code id} is a special token: a mark of a role, of an end, or another one. */
  boolean special(int id);

  /**
   * The token ids of a text by itself; nothing is put before or behind it.
   *
   * @param parseSpecial whether special tokens written in the text are meant; never for text from
   *     outside
   */
  int[] encode(String text, boolean parseSpecial);

  /**
   * The token ids of a prompt: those before the first image slot, between two, and behind the last
   * one; an image less than there are lists, which may be empty. Special tokens are read from
   * templates only. How the parts between two images hang together is the model family's:
   * byte-level BPE reads each by itself, SentencePiece all of them as one text.
   *
   * @param beginning whether the conversation begins here, so that {@link #beginning()} comes first
   */
  default List<int[]> encode(List<PromptPart> parts, boolean beginning) {
    return encode(parts, beginning, Integer.MAX_VALUE);
  }

  /**
   * As {@link #encode(List, boolean)}, of a prompt for which there are {@code most} places. One
   * that is longer than so many of the longest tokens is refused before any of it is looked at, and
   * of another no more is encoded than shows that it is too long.
   *
   * @throws RadialogException if it has more tokens
   */
  List<int[]> encode(List<PromptPart> parts, boolean beginning, int most);

  /**
   * Looks at a text's length alone, for a refusal before any work is done for it.
   *
   * @throws RadialogException if it is longer than {@code most} of the longest tokens
   */
  default void requireRoom(String text, int most) {
    TokenPlaces.of(List.of(new PromptPart.Text(text)), most, longestToken());
  }

  /** Characters that one token stands for, at most; empty where there is no such limit. */
  OptionalInt longestToken();

  /**
   * The text of some tokens. Bytes that are no UTF-8 become U+FFFD. Special tokens appear as they
   * are written (byte-level BPE) or not at all (SentencePiece), as in each family's reference.
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
   * A new decoder for the tokens of an answer, which come one by one. A special token is never text
   * there, whatever the family.
   */
  Decoder decoder();

  /** Frees the library's memory; encoding is over, decoding goes on. */
  @Override
  void close();

  /**
   * Turns tokens into text as they come. A character that stands in several tokens appears with the
   * last of them. Belongs to one thread.
   */
  interface Decoder {
    /**
     * The characters that are whole with {@code id}; often some, sometimes none. None for a special
     * token, an unknown one and an unused place of the vocabulary.
     *
     * @throws IllegalArgumentException if there is no such token
     */
    String next(int id);

    /** What is left: U+FFFD if the tokens ended within a character, else nothing. */
    String end();
  }
}
