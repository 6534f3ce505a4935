package org.radialog.metrics;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * The part of METEOR's paraphrase table that is relevant for the given texts: phrases that consist
 * of their words. The table has millions of pairs and is streamed from its file, so memory grows
 * with the vocabulary and not with the table. A phrase is a node in a tree of words.
 */
final class Paraphrases {
  private static final int BUFFER = 1 << 16;
  private static final int ROOT = 0;
  private static final int[] NONE = {};

  private final LongToInt tree = new LongToInt(); // (node, word) to node
  private final List<int[]> others = new ArrayList<>(); // by node, sorted: its paraphrases

  private Paraphrases() {
    others.add(NONE);
  }

  /** No paraphrases. */
  static Paraphrases none() {
    return new Paraphrases();
  }

  /**
   * Reads a table.
   *
   * @param gz groups of three lines: a probability, a phrase, its paraphrase
   * @param vocabulary the relevant words; the index of a word is its number
   * @throws RadialogException if the file is not such a table
   */
  static Paraphrases read(Path gz, List<String> vocabulary) {
    Paraphrases table = new Paraphrases();
    try (InputStream file = Files.newInputStream(gz);
        InputStream in = new GZIPInputStream(new BufferedInputStream(file, BUFFER), BUFFER)) {
      table.read(in, new Words(vocabulary), gz);
    } catch (IOException e) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "cannot read METEOR's paraphrase table " + gz + ": " + e.getMessage(),
          e);
    }
    return table;
  }

  private void read(InputStream in, Words words, Path file) throws IOException {
    List<List<Integer>> growing = new ArrayList<>();
    byte[] buffer = new byte[BUFFER];
    int line = 0; // of three
    long lines = 0;
    Phrase first = new Phrase();
    Phrase second = new Phrase();
    byte[] word = new byte[Words.LONGEST];
    int length = 0;
    for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
      for (int i = 0; i < count; i++) {
        byte b = buffer[i];
        if (line == 0) {
          if (b == '\n') {
            line = 1;
            lines++;
            first.clear();
            second.clear();
          }
          continue;
        }
        if (b != ' ' && b != '\n') {
          if (length < word.length) {
            word[length] = b;
          }
          length++;
          continue;
        }
        Phrase phrase = line == 1 ? first : second;
        if (length > 0) {
          phrase.add(first.known ? words.number(word, length) : -1);
          length = 0;
        }
        if (b == '\n') {
          lines++;
          if (line == 2 && first.known && second.known) {
            int from = node(first);
            int to = node(second);
            while (growing.size() <= Math.max(from, to)) {
              growing.add(new ArrayList<>());
            }
            growing.get(from).add(to);
          }
          line = (line + 1) % 3;
        }
      }
    }
    if (lines == 0 || lines % 3 != 0) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          ("%s: expected groups of three lines (probability, phrase, paraphrase), found"
                  + " %d lines")
              .formatted(file, lines));
    }
    for (int node = 0; node < growing.size(); node++) {
      others.set(
          node,
          growing.get(node).stream().mapToInt(Integer::intValue).sorted().distinct().toArray());
    }
  }

  private int node(Phrase phrase) {
    int node = ROOT;
    for (int i = 0; i < phrase.length; i++) {
      long key = key(node, phrase.words[i]);
      int next = tree.get(key);
      if (next < 0) {
        next = others.size();
        others.add(NONE);
        tree.put(key, next);
      }
      node = next;
    }
    return node;
  }

  private static long key(int node, int word) {
    return (long) node << Integer.SIZE | word;
  }

  /** A span of a text that is a phrase of the table. */
  record Span(int node, int begin, int length) {}

  /** The spans of a text that are a phrase or a paraphrase in the table. */
  List<Span> spans(int[] words) {
    List<Span> spans = new ArrayList<>();
    for (int begin = 0; begin < words.length; begin++) {
      int node = ROOT;
      for (int end = begin; end < words.length; end++) {
        node = tree.get(key(node, words[end]));
        if (node < 0) {
          break;
        }
        spans.add(new Span(node, begin, end + 1 - begin));
      }
    }
    return spans;
  }

  /** Whether the table gives {@code other} as a paraphrase of {@code phrase}. */
  boolean has(Span phrase, Span other) {
    return Arrays.binarySearch(others.get(phrase.node), other.node) >= 0;
  }

  boolean isEmpty() {
    return others.size() == 1;
  }

  private static final class Phrase {
    private int[] words = new int[8];
    private int length;
    private boolean known = true;

    void clear() {
      length = 0;
      known = true;
    }

    void add(int word) {
      known &= word >= 0;
      if (length == words.length) {
        words = Arrays.copyOf(words, 2 * length);
      }
      words[length++] = word;
    }
  }

  /** Maps the bytes of words to their numbers. */
  private static final class Words {
    static final int LONGEST = 64;

    private final LongToInt numbers = new LongToInt();
    private final byte[][] bytes;

    Words(List<String> vocabulary) {
      bytes =
          vocabulary.stream()
              .map(word -> word.getBytes(StandardCharsets.UTF_8))
              .toArray(byte[][]::new);
      IntStream.range(0, bytes.length)
          .filter(i -> bytes[i].length <= LONGEST)
          .forEach(i -> numbers.put(hash(bytes[i], bytes[i].length), i));
    }

    int number(byte[] word, int length) {
      if (length > LONGEST) {
        return -1;
      }
      int number = numbers.get(hash(word, length));
      return number >= 0 && Arrays.equals(bytes[number], 0, bytes[number].length, word, 0, length)
          ? number
          : -1;
    }

    private static long hash(byte[] word, int length) {
      long hash = 0xcbf29ce484222325L;
      for (int i = 0; i < length; i++) {
        hash = (hash ^ word[i]) * 0x100000001b3L;
      }
      return hash;
    }
  }
}
