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

/** Hugging Face's tokenizer library, told what to do by a {@code tokenizer.json}. Thread-safe. */
public record TokenizerLibrary(HuggingFaceTokenizer tokenizer) implements AutoCloseable {
  private static final String VERBOSITY = "slf4j.internal.verbosity";
  private static final int PIECE = 1 << 14; // characters that the library is given at once
  private static final long ANSWER_BYTES = 160; // of a token, which has a byte at least
  private static final int LARGEST_ARRAY = Integer.MAX_VALUE - 8;

  /**
   * Opens it; never asks the network.
   *
   * @param what names the vocabulary in an error
   */
  public static TokenizerLibrary of(byte[] json, String what) {
    // Otherwise the library asks a cloud's metadata address and reports its use.
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
   * The library logs through SLF4J, which says on stderr that no provider was found where the
   * program that embeds us has none: not ours to print, and no provider is ours to choose.
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
   * The ids of a text, nothing before or behind it. A long one is given to the library in pieces,
   * cut before a single space between two visible characters of ASCII, where words part in every
   * vocabulary.
   *
   * @param space what stands for a space in {@code text}
   * @param most ids that are wanted; of a text that has more there may be some more, not all
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

  /** Whether {@code c} is a visible character of ASCII. */
  static boolean visible(char c) {
    return c > ' ' && c < 0x7F;
  }

  @SuppressWarnings(
      "ReachabilityFenceUsage") // the room is to be free again, and not optimised away
  private int[] ids(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    // A library that finds no room for its answer in the heap takes the whole process down: with
    // this, the want of memory is an error of ours.
    long answer = ANSWER_BYTES * bytes.length;
    Reference.reachabilityFence(new byte[(int) Math.min(answer, LARGEST_ARRAY)]);
    // Half a surrogate pair has no UTF-8.
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
