package org.radialog.metrics;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.radialog.base.RadialogException;

/**
 * The senses of a word in WordNet 3.0, inflected or not. The index files are sorted, so a binary
 * search in their bytes replaces a table.
 */
final class WordNet {
  private static final String FOLDER = "/net/sf/extjwnl/data/wordnet/wn30/";

  /** Suffixes of inflected words and their replacements in the dictionary. */
  private enum PartOfSpeech {
    NOUN("s> ses>s xes>x zes>z ches>ch shes>sh men>man ies>y"),
    VERB("s> ies>y es>e es> ed>e ed> ing>e ing>"),
    ADJ("er> est> er>e est>e"),
    ADV("");

    private final String endings;

    PartOfSpeech(String endings) {
      this.endings = endings;
    }

    String file() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** One part of speech. */
  private record Part(
      PartOfSpeech speech,
      List<String> endings,
      SortedLines index,
      Map<String, List<String>> exceptions) {}

  private final List<Part> parts;

  private WordNet(List<Part> parts) {
    this.parts = parts;
  }

  /** WordNet, which is loaded at the first call. */
  static WordNet get() {
    return Loaded.WORD_NET;
  }

  private static final class Loaded {
    static final WordNet WORD_NET = read();
  }

  private static WordNet read() {
    return new WordNet(
        Arrays.stream(PartOfSpeech.values())
            .parallel()
            .map(speech ->
                new Part(
                    speech,
                    WordTokenizer.split(speech.endings),
                    new SortedLines(bytes("index." + speech.file())),
                    exceptions(bytes(speech.file() + ".exc"))))
            .toList());
  }

  private static byte[] bytes(String name) {
    try (InputStream in = WordNet.class.getResourceAsStream(FOLDER + name)) {
      if (in == null) {
        throw new RadialogException(
            "the program lacks WordNet's file "
                + name
                + "; the library extjwnl-data-wn30 is not on the class path");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new RadialogException("cannot read WordNet's file " + name + ": " + e, e);
    }
  }

  // "lungs lung": the inflected form, then its base forms
  private static Map<String, List<String>> exceptions(byte[] bytes) {
    Map<String, List<String>> exceptions = new HashMap<>();
    new String(bytes, StandardCharsets.US_ASCII)
        .lines()
        .map(line -> List.of(line.split(" ", -1)))
        .forEach(words -> exceptions.put(words.getFirst(), words.subList(1, words.size())));
    return exceptions;
  }

  /** The sorted numbers of the senses of a word; none if WordNet does not contain it. */
  int[] senses(String word) {
    IntStream.Builder senses = IntStream.builder();
    for (Part part : parts) {
      for (String form : forms(word, part)) {
        part.index.find(form).forEach(senses::add);
      }
    }
    return senses.build().sorted().distinct().toArray();
  }

  private static Set<String> forms(String word, Part part) {
    Set<String> forms = new LinkedHashSet<>();
    forms.add(word);
    List<String> exceptions = part.exceptions.getOrDefault(word, List.of());
    forms.addAll(exceptions);
    boolean noPlural =
        part.speech == PartOfSpeech.NOUN && (word.length() <= 2 || word.endsWith("ss"));
    if (exceptions.isEmpty() && !noPlural) {
      for (String ending : part.endings) {
        int arrow = ending.indexOf('>');
        if (word.length() > arrow && word.endsWith(ending.substring(0, arrow))) {
          forms.add(word.substring(0, word.length() - arrow) + ending.substring(arrow + 1));
        }
      }
    }
    return forms;
  }

  /** Lines of text, sorted by their bytes; the first word of each line is the key. */
  @SuppressWarnings("ArrayRecordComponent") // content of a file, never changed
  private record SortedLines(byte[] bytes) {
    // "lung n 1 4 @ ~ #p %p 1 1 05390099": the third field is the number of senses at the end
    IntStream find(String word) {
      byte[] key = (word + " ").getBytes(StandardCharsets.UTF_8);
      int low = 0;
      int high = bytes.length;
      while (low < high) {
        int begin = lineBegin((low + high) >>> 1);
        int order = compare(begin, key);
        if (order == 0) {
          return numbers(begin);
        }
        if (order < 0) {
          low = lineEnd(begin) + 1;
        } else {
          high = begin;
        }
      }
      return IntStream.empty();
    }

    private int lineBegin(int at) {
      int begin = at;
      while (begin > 0 && bytes[begin - 1] != '\n') {
        begin--;
      }
      return begin;
    }

    private int lineEnd(int at) {
      int end = at;
      while (end < bytes.length && bytes[end] != '\n') {
        end++;
      }
      return end;
    }

    private int compare(int begin, byte[] key) {
      return Arrays.compareUnsigned(
          bytes, begin, Math.min(begin + key.length, bytes.length), key, 0, key.length);
    }

    private IntStream numbers(int begin) {
      String[] fields =
          new String(bytes, begin, lineEnd(begin) - begin, StandardCharsets.US_ASCII)
              .strip()
              .split(" ", -1);
      int count = Integer.parseInt(fields[2]);
      return Arrays.stream(fields, fields.length - count, fields.length)
          .mapToInt(Integer::parseInt);
    }
  }
}
