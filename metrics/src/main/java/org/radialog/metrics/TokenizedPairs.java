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
 * Pairs of texts cut into words, once for all metrics that count words. Words and runs of up to
 * four words have numbers, so that the metrics compare integers.
 */
public final class TokenizedPairs {
  /** The longest runs of words that BLEU and CIDEr count. */
  static final int LONGEST = 4;

  /**
   * A text.
   *
   * @param words as the tokenizer gave them
   * @param ids the numbers of the words
   * @param runs {@code runs[n - 1]} has the numbers of its runs of n words, sorted; a run that
   *     stands there twice is there twice. Runs of different lengths have different numbers
   */
  @SuppressWarnings("ArrayRecordComponent") // read in inner loops, never changed
  record Text(List<String> words, int[] ids, int[][] runs) {
    int length() {
      return ids.length;
    }
  }

  /** A pair; the references first, as they are what is counted against. */
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
   * Cuts the texts into words.
   *
   * @throws RadialogException if there is no pair
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

  /** The number of pairs. */
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

  /** How many different runs there are; their numbers are smaller. */
  int runs() {
    return runs;
  }

  /** A score of each pair, on all cores. */
  double[] map(PairScore score) {
    return IntStream.range(0, pairs.size())
        .parallel()
        .mapToDouble(i -> score.of(pairs.get(i)))
        .toArray();
  }

  /** What a metric says of one pair. */
  interface PairScore {
    double of(Pair pair);
  }

  /** Gives words and runs their numbers. */
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
          // a run is the run of one word less and its last word
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
