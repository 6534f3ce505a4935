package org.radialog.clinical;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.radialog.base.RadialogException;

/**
 * A table of phrases that are looked up in a text all at once.
 *
 * <p>A phrase is a sequence of words in lower case. {@code opacit*} matches every word with this
 * beginning, {@code (a|b c)} either alternative, {@code [a]} an optional word, {@code ..3} up to
 * three words in between (one to nine; {@code ..} is two) without punctuation, and {@code @NAME} a
 * list of {@code words.txt}. A punctuation mark is a separate word.
 *
 * <p>Phrases are stored in a tree of words. A look-up walks the tree from one token on; its maximum
 * length depends only on the phrases, so the time is linear in the length of the text.
 */
final class PhraseTable {
  private static final String FOLDER = "labeler/";
  private static final int LETTERS = 128;

  /** Receives the phrases that begin at a token. */
  interface Hits {
    /**
     * Called for one phrase.
     *
     * @param end the position after its last token
     * @param skipped number of words that were skipped by a gap
     */
    void hit(int output, int end, int skipped);
  }

  /** Builds the table. */
  static final class Builder {
    private final List<int[]> letters = new ArrayList<>();
    private final List<@Nullable Integer> exact = new ArrayList<>();
    private final List<@Nullable Integer> prefix = new ArrayList<>();
    private final Map<List<String>, Integer> symbols = new HashMap<>();
    private final Map<Integer, List<Integer>> groups = new HashMap<>(); // by the symbol of a word
    private final Map<String, Choice> choices = new HashMap<>();
    private final Map<String, List<String>> lists = new HashMap<>();
    private final List<Node> nodes = new ArrayList<>();

    Builder() {
      letters.add(new int[LETTERS]);
      exact.add(null);
      prefix.add(null);
      nodes.add(new Node());
    }

    /** Defines a list {@code a | b c}; each alternative may be a phrase with parts. */
    void define(String name, String alternatives) {
      lists.put(name, split("(" + alternatives + ")"));
    }

    /** Adds {@code phrase}; its hits have {@code output}. */
    void add(String phrase, int output) {
      for (int node : grow(Set.of(0), phrase)) {
        if (node == 0) {
          throw new RadialogException("the phrase \"" + phrase + "\" can match without any word");
        }
        if (!nodes.get(node).outputs.contains(output)) {
          nodes.get(node).outputs.add(output);
        }
      }
    }

    /** Gives a word a separate class, whether or not a phrase contains it. */
    void word(String word) {
      symbol(word);
    }

    /** The nodes at which {@code phrase} ends if it begins at {@code from}. */
    private Set<Integer> grow(Set<Integer> from, String phrase) {
      Set<Integer> ends = from;
      for (String part : parts(phrase)) {
        ends = step(ends, part);
      }
      return ends;
    }

    private Set<Integer> step(Set<Integer> from, String part) {
      Set<Integer> ends = new LinkedHashSet<>();
      if (bracketed(part)) {
        Choice choice = choice(part);
        if (part.charAt(0) == '[') {
          ends.addAll(from);
        }
        for (String row : choice.rows()) {
          ends.addAll(grow(from, row));
        }
        if (!choice.words().isEmpty()) {
          follow(from, symbol(choice.words()), ends);
        }
      } else if (part.startsWith("..")) {
        follow(from, -(part.length() > 2 ? part.charAt(2) - '0' : 2), ends);
      } else {
        follow(from, symbol(part), ends);
      }
      return ends;
    }

    private void follow(Set<Integer> from, int edge, Set<Integer> ends) {
      for (int node : from) {
        ends.add(child(node, edge));
      }
    }

    private static boolean bracketed(String part) {
      return part.startsWith("[") || part.startsWith("(") || part.startsWith("@");
    }

    /** The alternatives of a bracket or a list: single words, and sequences of words. */
    private record Choice(List<String> words, List<String> rows) {}

    private Choice choice(String part) {
      Choice known = choices.get(part);
      if (known != null) {
        return known;
      }
      var words = new TreeSet<String>();
      List<String> rows = new ArrayList<>();
      for (String alternative : part.charAt(0) == '@' ? list(part) : split(part)) {
        List<String> inner = parts(alternative);
        if (inner.size() > 1 || alternative.startsWith("[") || alternative.startsWith("..")) {
          rows.add(alternative);
        } else if (bracketed(alternative)) {
          Choice nested = choice(alternative);
          words.addAll(nested.words());
          rows.addAll(nested.rows());
        } else {
          words.add(alternative);
        }
      }
      var choice = new Choice(List.copyOf(words), List.copyOf(rows));
      choices.put(part, choice);
      return choice;
    }

    private int child(int node, int edge) {
      return nodes
          .get(node)
          .edges
          .computeIfAbsent(
              edge,
              e -> {
                nodes.add(new Node());
                return nodes.size() - 1;
              });
    }

    /** The number of a word or prefix, from 1. */
    private int symbol(String word) {
      Integer known = symbols.get(List.of(word));
      if (known != null) {
        return known;
      }
      int number = symbols.size() + 1;
      symbols.put(List.of(word), number);
      boolean open = word.endsWith("*") && word.length() > 1;
      int at = spell(open ? word.substring(0, word.length() - 1) : word);
      (open ? prefix : exact).set(at, number);
      return number;
    }

    /** Single words that are alternatives have one number and one edge. */
    private int symbol(List<String> words) {
      if (words.size() == 1) {
        return symbol(words.getFirst());
      }
      Integer known = symbols.get(words);
      if (known != null) {
        return known;
      }
      int number = symbols.size() + 1;
      symbols.put(words, number);
      for (String word : words) {
        groups.computeIfAbsent(symbol(word), w -> new ArrayList<>()).add(number);
      }
      return number;
    }

    private int spell(String word) {
      int at = 0;
      for (int i = 0; i < word.length(); i++) {
        char c = word.charAt(i);
        if (c >= LETTERS) {
          throw new RadialogException("the word \"" + word + "\" has a letter outside ASCII");
        }
        int next = letters.get(at)[c];
        if (next == 0) {
          letters.add(new int[LETTERS]);
          exact.add(null);
          prefix.add(null);
          next = letters.size() - 1;
          letters.get(at)[c] = next;
        }
        at = next;
      }
      return at;
    }

    private List<String> list(String part) {
      List<String> list = lists.get(part);
      if (list == null) {
        throw new RadialogException(
            "the list %s is not in words.txt, which has %s"
                .formatted(part, new TreeSet<>(lists.keySet())));
      }
      return list;
    }

    /** The words and bracketed parts of a phrase. */
    private static List<String> parts(String phrase) {
      List<String> parts = new ArrayList<>();
      int depth = 0;
      int start = 0;
      for (int i = 0; i <= phrase.length(); i++) {
        char c = i < phrase.length() ? phrase.charAt(i) : ' ';
        depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
        if (c == ' ' && depth == 0) {
          if (i > start) {
            parts.add(phrase.substring(start, i));
          }
          start = i + 1;
        }
      }
      if (depth != 0) {
        throw new RadialogException("the phrase \"" + phrase + "\" has a bracket without its pair");
      }
      return parts;
    }

    /** The alternatives of {@code (a|b)} or {@code [a|b]}. */
    private static List<String> split(String part) {
      List<String> alternatives = new ArrayList<>();
      int depth = 0;
      int start = 1;
      for (int i = 1; i < part.length(); i++) {
        char c = part.charAt(i);
        if (depth == 0 && (c == '|' || i == part.length() - 1)) {
          alternatives.add(part.substring(start, i).strip());
          start = i + 1;
        }
        depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
      }
      return alternatives;
    }

    PhraseTable build() {
      return new PhraseTable(this);
    }
  }

  private static final class Node {
    /** By symbol; a gap of up to n words is the edge -n. */
    final Map<Integer, Integer> edges = new HashMap<>();

    final List<Integer> outputs = new ArrayList<>();
  }

  /** A line of a table: its section and its text. */
  record Line(String section, String text) {}

  private final short[] letters; // [spellings, 128] → spelling
  private final int[][] ended; // [spellings] → symbols of a word that ends here
  // [spellings] → symbols of a word that continues with unknown letters
  private final int[][] begun;
  private final int[] edgeKeys; // open addressing: node * symbols + symbol + 1
  private final int[] edgeEnds;
  private final int symbolCount;
  private final int[][] gapSizes; // [nodes] → maximum number of words in each gap
  private final int[][] gapEnds;
  private final int[][] outputs; // [nodes]
  private final boolean[] starts; // [classes] a phrase may begin with it

  private PhraseTable(Builder b) {
    int spellings = b.letters.size();
    if (spellings > Short.MAX_VALUE) {
      throw new RadialogException("the phrase tables have too many words: " + spellings);
    }
    letters = new short[spellings * LETTERS];
    for (int s = 0; s < spellings; s++) {
      for (int c = 0; c < LETTERS; c++) {
        letters[s * LETTERS + c] = (short) b.letters.get(s)[c];
      }
    }
    ended = new int[spellings][];
    begun = new int[spellings][];
    inherit(b, 0, new int[0]);

    symbolCount = b.symbols.size() + 1;
    int edges = b.nodes.stream().mapToInt(n -> n.edges.size()).sum();
    int slots = Integer.highestOneBit(Math.max(8, edges * 4) - 1) * 2;
    edgeKeys = new int[slots];
    edgeEnds = new int[slots];
    int count = b.nodes.size();
    if ((long) count * symbolCount > Integer.MAX_VALUE) {
      throw new RadialogException("the phrase tables are too large: " + count + " nodes");
    }
    gapSizes = new int[count][];
    gapEnds = new int[count][];
    outputs = new int[count][];
    for (int n = 0; n < count; n++) {
      Node node = b.nodes.get(n);
      int[] gaps = node.edges.keySet().stream().filter(e -> e < 0).mapToInt(e -> -e).toArray();
      gapSizes[n] = gaps;
      gapEnds[n] = Arrays.stream(gaps).map(g -> node.edges.getOrDefault(-g, 0)).toArray();
      outputs[n] = node.outputs.stream().mapToInt(o -> o).toArray();
      for (Map.Entry<Integer, Integer> edge : node.edges.entrySet()) {
        if (edge.getKey() > 0) {
          put(n * symbolCount + edge.getKey(), edge.getValue());
        }
      }
    }
    starts = new boolean[2 * spellings];
    for (int c = 0; c < starts.length; c++) {
      for (int symbol : symbols(c)) {
        starts[c] |= edge(0, symbol) != 0;
      }
    }
  }

  /** The symbols of every spelling: its own, those of its prefixes, and their groups. */
  private void inherit(Builder b, int spelling, int[] inherited) {
    Integer prefix = b.prefix.get(spelling);
    int[] open = prefix == null ? inherited : with(inherited, prefix, b.groups);
    Integer exact = b.exact.get(spelling);
    begun[spelling] = open;
    ended[spelling] = exact == null ? open : with(open, exact, b.groups);
    for (int next : b.letters.get(spelling)) {
      if (next != 0) {
        inherit(b, next, open);
      }
    }
  }

  private static int[] with(int[] symbols, int symbol, Map<Integer, List<Integer>> groups) {
    var all = new TreeSet<Integer>();
    for (int s : symbols) {
      all.add(s);
    }
    all.add(symbol);
    all.addAll(groups.getOrDefault(symbol, List.of()));
    return all.stream().mapToInt(s -> s).toArray();
  }

  private void put(int key, int end) {
    int slot = slot(key);
    while (edgeKeys[slot] != 0) {
      slot = (slot + 1) & (edgeKeys.length - 1);
    }
    edgeKeys[slot] = key;
    edgeEnds[slot] = end;
  }

  private int edge(int node, int symbol) {
    int key = node * symbolCount + symbol;
    int slot = slot(key);
    while (edgeKeys[slot] != 0) {
      if (edgeKeys[slot] == key) {
        return edgeEnds[slot];
      }
      slot = (slot + 1) & (edgeKeys.length - 1);
    }
    return 0;
  }

  private int slot(int key) {
    return ((key * 0x9E3779B9) >>> 7) & (edgeKeys.length - 1);
  }

  /**
   * The class of a word: words that no phrase distinguishes have the same class. Class 0 occurs in
   * no phrase.
   */
  int classOf(CharSequence text, int from, int to) {
    int spelling = 0;
    for (int i = from; i < to; i++) {
      char c = text.charAt(i);
      if (c == '\'') {
        continue;
      }
      if (c >= 'A' && c <= 'Z') {
        c = (char) (c + 'a' - 'A');
      } else if (c == PlainText.DASH) {
        c = '-';
      } else if (c == '|') { // the separator of the alternatives in a phrase
        c = '=';
      }
      int next = c < LETTERS ? letters[spelling * LETTERS + c] : 0;
      if (next == 0) {
        return 2 * spelling + 1;
      }
      spelling = next;
    }
    return 2 * spelling;
  }

  private int[] symbols(int wordClass) {
    return (wordClass & 1) == 0 ? ended[wordClass >> 1] : begun[wordClass >> 1];
  }

  /** Whether words of this class occur in a phrase. */
  boolean knows(int wordClass) {
    return symbols(wordClass).length > 0;
  }

  /** Whether a single word of this class is a phrase of {@code output}. */
  boolean is(int wordClass, int output) {
    for (int symbol : symbols(wordClass)) {
      for (int known : outputs[edge(0, symbol)]) {
        if (known == output) {
          return true;
        }
      }
    }
    return false;
  }

  /**
   * Finds the phrases that begin at token {@code at}.
   *
   * @param limit the position after the last token that may be used
   * @return the number of nodes visited
   */
  int find(Tokens tokens, int at, int limit, Hits hits) {
    return starts[tokens.wordClass(at)] ? walk(tokens, 0, at, limit, 0, hits) : 1;
  }

  private int walk(Tokens tokens, int node, int at, int limit, int skipped, Hits hits) {
    for (int output : outputs[node]) {
      hits.hit(output, at, skipped);
    }
    int visited = 1;
    if (at == limit) {
      return visited;
    }
    for (int symbol : symbols(tokens.wordClass(at))) {
      int next = edge(node, symbol);
      if (next != 0) {
        visited += walk(tokens, next, at + 1, limit, skipped, hits);
      }
    }
    int[] gaps = gapSizes[node];
    for (int g = 0; g < gaps.length; g++) {
      int next = gapEnds[node][g];
      for (int words = 0; words <= gaps[g] && at + words < limit; words++) {
        if (words > 0 && !tokens.isWord(at + words - 1)) {
          break;
        }
        visited += walk(tokens, next, at + words, limit, skipped + words, hits);
      }
    }
    return visited;
  }

  /**
   * The lines of a table without comments ({@code #}) and blank lines; section names are in braces.
   */
  static List<Line> read(String name) {
    try (InputStream in = PhraseTable.class.getResourceAsStream(FOLDER + name)) {
      if (in == null) {
        throw new RadialogException(
            FOLDER + name + " is missing from the class path: build the module clinical");
      }
      var reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
      List<Line> lines = new ArrayList<>();
      String section = "";
      for (String raw : reader.lines().toList()) {
        int comment = raw.indexOf('#');
        String line = (comment < 0 ? raw : raw.substring(0, comment)).strip();
        if (line.startsWith("{") && line.endsWith("}")) {
          section = line.substring(1, line.length() - 1).strip();
        } else if (!line.isEmpty()) {
          lines.add(new Line(section, line));
        }
      }
      return lines;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
