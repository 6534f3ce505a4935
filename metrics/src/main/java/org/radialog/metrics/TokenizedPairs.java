package org.radialog.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * Pairs of texts that are tokenised once for all metrics that compare words. Words and n-grams of
 * up to four words have numbers, so that metrics compare integers.
 */
public final class TokenizedPairs {
  /** The longest n-grams that BLEU and CIDEr use. */
  static final int LONGEST = 4;

  /**
   * A tokenised text.
   *
   * @param words as returned by the tokenizer
   * @param ids the numbers of the words
   * @param runs {@code runs[n - 1]} contains the numbers of its n-grams, sorted, with repetitions.
   *     N-grams of different lengths have different numbers
   */
  @SuppressWarnings("ArrayRecordComponent") // read in inner loops, never changed
  record Text(List<String> words, int[] ids, int[][] runs) {
    int length() {
      return ids.length;
    }
  }

  /** A pair; the references come first because they are the basis of comparison. */
  record Pair(List<Text> references, Text hypothesis) {}

  private final List<TextPair> texts;
  private final List<Pair> pairs;
  private final int runs;

  private TokenizedPairs(List<TextPair> texts, List<Pair> pairs, int runs) {
    this.texts = texts;
    this.pairs = pairs;
    this.runs = runs;
  }

  /**
   * Tokenises the texts.
   *
   * @throws RadialogException if there are no pairs
   */
  public static TokenizedPairs of(List<TextPair> pairs, WordTokenizer tokenizer) {
    if (pairs.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA, "expected pairs of texts to compare, found none");
    }
    List<List<List<String>>> words =
        pairs.parallelStream()
            .map(pair -> {
              List<List<String>> texts = new ArrayList<>();
              texts.add(tokenizer.tokens(pair.hypothesis()));
              pair.references().forEach(text -> texts.add(tokenizer.tokens(text)));
              return texts;
            })
            .toList();
    Numbers numbers = new Numbers();
    List<Pair> numbered = new ArrayList<>(pairs.size());
    for (List<List<String>> texts : words) {
      List<Text> all = texts.stream().map(numbers::text).toList();
      numbered.add(new Pair(all.subList(1, all.size()), all.getFirst()));
    }
    return new TokenizedPairs(List.copyOf(pairs), List.copyOf(numbered), numbers.runs);
  }

  /** The texts themselves. */
  public List<TextPair> texts() {
    return texts;
  }

  /** Number of pairs. */
  public int size() {
    return pairs.size();
  }

  /** The words of a hypothesis. */
  public List<String> hypothesis(int pair) {
    return pairs.get(pair).hypothesis().words();
  }

  /** The words of each reference of a pair. */
  public List<List<String>> references(int pair) {
    return pairs.get(pair).references().stream().map(Text::words).toList();
  }

  List<Pair> pairs() {
    return pairs;
  }

  /** Number of distinct n-grams; their numbers are smaller. */
  int runs() {
    return runs;
  }

  /** A score per pair, computed on all cores. */
  double[] map(PairScore score) {
    return IntStream.range(0, pairs.size())
        .parallel()
        .mapToDouble(i -> score.of(pairs.get(i)))
        .toArray();
  }

  /** The score of one pair. */
  interface PairScore {
    double of(Pair pair);
  }

  /** Numbers words and n-grams. */
  private static final class Numbers {
    private final Map<String, Integer> words = new HashMap<>();
    private final LongToInt longer = new LongToInt();
    private int runs;

    Text text(List<String> text) {
      int[] ids = new int[text.size()];
      int[][] numbers = new int[LONGEST][];
      numbers[0] = new int[ids.length];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = words.computeIfAbsent(text.get(i), w -> runs++);
        numbers[0][i] = ids[i];
      }
      for (int n = 1; n < LONGEST; n++) {
        numbers[n] = new int[Math.max(0, ids.length - n)];
        for (int i = 0; i < numbers[n].length; i++) {
          // an n-gram is the n-gram without its last word, and that word
          long key = (long) numbers[n - 1][i] << Integer.SIZE | ids[i + n];
          int known = longer.get(key);
          if (known < 0) {
            known = runs++;
            longer.put(key, known);
          }
          numbers[n][i] = known;
        }
      }
      for (int[] runsOfOneLength : numbers) {
        Arrays.sort(runsOfOneLength);
      }
      return new Text(text, ids, numbers);
    }
  }
}
