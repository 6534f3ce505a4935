package org.radialog.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.stream.IntStream;
import org.radialog.base.RadialogException;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.SLF4JServiceProvider;

/**
 * The tokenizer library of Hugging Face, configured with a {@code tokenizer.json}. Thread-safe.
 *
 * @param tokenizer the native tokenizer
 */
public record TokenizerLibrary(HuggingFaceTokenizer tokenizer) implements AutoCloseable {
  private static final String VERBOSITY = "slf4j.internal.verbosity";
  // maximum number of characters passed to the library at once
  private static final int PIECE = 1 << 14;
  private static final long ANSWER_BYTES = 160; // minimum number of bytes per token
  private static final int LARGEST_ARRAY = Integer.MAX_VALUE - 8;

  /**
   * Opens the library without accessing the network.
   *
   * @param what a name for the vocabulary in error messages
   */
  public static TokenizerLibrary of(byte[] json, String what) {
    // Otherwise the library queries a cloud metadata address and reports its use.
    System.setProperty("ai.djl.offline", "true");
    quieten();
    try {
      return new TokenizerLibrary(
          HuggingFaceTokenizer.newInstance(
              new ByteArrayInputStream(json),
              Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false")));
    } catch (IOException | RuntimeException e) {
      throw new RadialogException(what + " is not a valid tokenizer: " + e, e);
    }
  }

  /**
   * The library logs through SLF4J, which prints on stderr that no provider was found if the
   * embedding program has none. We must not print anything, and the choice of a provider is not
   * ours.
   */
  private static synchronized void quieten() {
    boolean provided =
        ServiceLoader.load(SLF4JServiceProvider.class, LoggerFactory.class.getClassLoader())
            .stream()
            .findAny()
            .isPresent();
    if (provided || System.getProperty(VERBOSITY) != null) {
      return;
    }
    System.setProperty(VERBOSITY, "ERROR");
    try {
      LoggerFactory.getILoggerFactory();
    } finally {
      System.clearProperty(VERBOSITY);
    }
  }

  /**
   * The ids of a text, without any tokens before or after it. A long text is passed to the library
   * in pieces, split before a single space between two visible ASCII characters, where words are
   * separated in every vocabulary.
   *
   * @param space the character that represents a space in {@code text}
   * @param most number of ids that are needed; for a text with more, some more may be returned, but
   *     not all
   */
  public int[] ids(String text, char space, int most) {
    if (text.length() <= PIECE) {
      return ids(text);
    }
    IntStream.Builder ids = IntStream.builder();
    long count = 0;
    for (int from = 0; from < text.length() && count <= most; ) {
      int to = end(text, from, space);
      int[] piece = ids(text.substring(from, to));
      Arrays.stream(piece).forEach(ids::add);
      count += piece.length;
      from = to;
    }
    return ids.build().toArray();
  }

  private static int end(String text, int from, char space) {
    int wanted = from + PIECE;
    for (int i = Math.min(wanted, text.length() - 2); i > from; i--) {
      if (parts(text, i, space)) {
        return text.length() <= wanted ? text.length() : i;
      }
    }
    for (int i = wanted + 1; i < text.length() - 1; i++) {
      if (parts(text, i, space)) {
        return i;
      }
    }
    return text.length();
  }

  /** Whether the tokens before {@code at} and those from there on are those of the two parts. */
  static boolean parts(String text, int at, char space) {
    return text.charAt(at) == space && visible(text.charAt(at - 1)) && visible(text.charAt(at + 1));
  }

  /** Whether {@code c} is a visible ASCII character. */
  static boolean visible(char c) {
    return c > ' ' && c < 0x7F;
  }

  @SuppressWarnings("ReachabilityFenceUsage") // the memory must be freed and not optimised away
  private int[] ids(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    // If the library finds no memory for its answer in the heap, it crashes the process; this check
    // turns it into an error.
    long answer = ANSWER_BYTES * bytes.length;
    Reference.reachabilityFence(new byte[(int) Math.min(answer, LARGEST_ARRAY)]);
    // Half a surrogate pair cannot be encoded in UTF-8.
    String wellFormed = new String(bytes, StandardCharsets.UTF_8);
    return Arrays.stream(tokenizer.encode(wellFormed, false, false).getIds())
        .mapToInt(Math::toIntExact)
        .toArray();
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
