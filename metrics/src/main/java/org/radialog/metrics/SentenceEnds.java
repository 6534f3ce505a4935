package org.radialog.metrics;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.radialog.base.RadialogException;

/**
 * Detects the ends of sentences with the Punkt method (T. Kiss, J. Strunk, Computational
 * Linguistics 32, 2006) and the lists in {@code sentence-ends.txt}. The sentences are those of
 * NLTK's {@code sent_tokenize} for texts whose words are in these lists. A word that is not in the
 * lists is treated as never seen.
 */
final class SentenceEnds {
  private static final int FLAGS = Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNIX_LINES;
  private static final String SPACE = WordTokenizer.SPACE;
  private static final String CLOSING = "‘’“”«»";

  // Characters that end a word without a space.
  private static final String NO_WORD = "[)\";}\\]*:@'({\\[" + CLOSING + "?!]";

  private static final Pattern POSSIBLE_END =
      Pattern.compile(
          "[.?!](?=(?<after>" + NO_WORD + "|" + SPACE + "+(?<next>[^\\s\\x1c-\\x1f]+)))", FLAGS);

  private static final String RUN = "(?:-{2,}|\\.{2,}|(?:\\." + SPACE + "){2,}\\.)";

  private static final Pattern WORD =
      Pattern.compile(
          RUN
              + "|(?=[^(\"`{\\[:;&#*@)}\\]\\-,])[^\\s\\x1c-\\x1f]+?(?="
              + (SPACE + "|$|" + NO_WORD + "|" + RUN)
              + ("|,(?=$|" + SPACE + "|" + NO_WORD + "|" + RUN + ")")
              + ")|[^\\s\\x1c-\\x1f]",
          FLAGS);

  // Quotes and brackets after the end of a sentence belong to that sentence.
  private static final Pattern BELONGS_BEFORE =
      Pattern.compile(
          "[\"')\\]}" + CLOSING + "]+?(?:" + SPACE + "+|(?=--)|$)", FLAGS | Pattern.MULTILINE);

  private static final Pattern NUMBER = Pattern.compile("-?[.,]?\\d[\\d,.-]*\\.?", FLAGS);
  private static final Pattern INITIAL = Pattern.compile("[^\\W\\d]\\.", FLAGS);
  private static final String A_NUMBER = "##number##";

  private enum Words {
    ABBREVIATIONS,
    STARTERS,
    AFTER_NUMBER,
    LOWER,
    LOWER_OR_CAPITAL
  }

  private static final Map<Words, Set<String>> LISTS = lists();

  private SentenceEnds() {}

  /** A word with the properties of its full stop. */
  private static final class Token {
    final String text;
    final String type;
    boolean ends;
    boolean abbreviation;
    boolean ellipsis;

    Token(String text) {
      this.text = text;
      String lower = text.toLowerCase(Locale.ROOT);
      this.type = NUMBER.matcher(lower).matches() ? A_NUMBER : lower;
    }

    boolean hasStop() {
      return text.endsWith(".");
    }

    String typeWithoutStop() {
      return type.length() > 1 && type.endsWith(".") ? type.substring(0, type.length() - 1) : type;
    }

    String typeWithoutEnd() {
      return ends ? typeWithoutStop() : type;
    }

    boolean capitalised() {
      int first = text.codePointAt(0);
      return Character.isUpperCase(first);
    }

    boolean lowerCase() {
      return Character.isLowerCase(text.codePointAt(0));
    }
  }

  private enum Opinion {
    BEGINS,
    DOES_NOT_BEGIN,
    UNKNOWN
  }

  static List<String> sentences(String text) {
    List<int[]> spans = realigned(text, spans(text));
    List<String> sentences = new ArrayList<>(spans.size());
    for (int[] span : spans) {
      sentences.add(text.substring(span[0], span[1]));
    }
    return sentences;
  }

  private static List<int[]> spans(String text) {
    List<int[]> spans = new ArrayList<>();
    int begin = 0;
    for (Candidate c : candidates(text)) {
      if (plainWord(text, c) || endsInside(c.context(text))) {
        spans.add(new int[] {begin, c.end});
        begin = c.next;
      }
    }
    spans.add(new int[] {begin, Math.max(begin, stripped(text))});
    return spans;
  }

  /**
   * A position where a sentence may end.
   *
   * @param end position after the mark
   * @param next position where the next sentence would begin
   * @param word position where the word before the mark begins
   * @param after position after the text that follows the mark
   */
  private record Candidate(int end, int next, int word, int after) {
    String context(String text) {
      return text.substring(word, after);
    }
  }

  // The most common case by far: letters, a full stop, a space. No closer examination is needed.
  private static boolean plainWord(String text, Candidate c) {
    int stop = c.end - 1;
    if (text.charAt(stop) != '.' || c.next == c.end || stop - c.word < 2) {
      return false;
    }
    for (int i = c.word; i < stop; i++) {
      char letter = text.charAt(i);
      if ((letter < 'a' || letter > 'z') && (letter < 'A' || letter > 'Z')) {
        return false;
      }
    }
    return !in(Words.ABBREVIATIONS, text.substring(c.word, stop).toLowerCase(Locale.ROOT));
  }

  private static List<Candidate> candidates(String text) {
    List<Candidate> candidates = new ArrayList<>();
    Matcher m = POSSIBLE_END.matcher(text);
    int wordBegin = 0;
    int wordEnd = 0;
    Candidate waiting = null;
    while (m.find()) {
      int begin = lastSpace(text, wordEnd, m.start());
      // If marks share a word, as in "clear!!!", the last one is used.
      begin = begin > wordEnd ? begin + 1 : wordBegin;
      if (waiting != null && wordEnd <= begin) {
        candidates.add(waiting);
      }
      wordBegin = begin;
      wordEnd = m.start();
      waiting =
          new Candidate(
              m.end(),
              m.group("next") == null ? m.end() : m.start("next"),
              wordBegin,
              m.end("after"));
    }
    if (waiting != null) {
      candidates.add(waiting);
    }
    return candidates;
  }

  private static int lastSpace(String text, int from, int to) {
    for (int i = to - 1; i > from; i--) {
      if (" \t\n\r\u000b\f".indexOf(text.charAt(i)) >= 0) {
        return i;
      }
    }
    return from;
  }

  private static int stripped(String text) {
    int end = text.length();
    while (end > 0 && WordTokenizer.isSpace(text.charAt(end - 1))) {
      end--;
    }
    return end;
  }

  private static List<int[]> realigned(String text, List<int[]> spans) {
    List<int[]> result = new ArrayList<>();
    int taken = 0;
    for (int i = 0; i < spans.size(); i++) {
      int begin = spans.get(i)[0] + taken;
      int end = spans.get(i)[1];
      taken = 0;
      if (i + 1 < spans.size()) {
        int[] next = spans.get(i + 1);
        Matcher m = BELONGS_BEFORE.matcher(text.substring(next[0], next[1]));
        if (m.lookingAt()) {
          taken = m.end();
          end = next[0] + stripped(m.group());
          result.add(new int[] {begin, end});
          continue;
        }
      }
      if (begin < end) {
        result.add(new int[] {begin, end});
      }
    }
    return result;
  }

  /** Whether a sentence ends before the last word of {@code context}. */
  private static boolean endsInside(String context) {
    List<Token> tokens = new ArrayList<>();
    for (String line : context.split("\n", -1)) {
      Matcher m = WORD.matcher(line);
      while (m.find()) {
        tokens.add(new Token(m.group()));
      }
    }
    tokens.forEach(SentenceEnds::judge);
    for (int i = 0; i + 1 < tokens.size(); i++) {
      reconsider(tokens.get(i), tokens.get(i + 1));
      if (tokens.get(i).ends) {
        return true;
      }
    }
    return false;
  }

  private static void judge(Token token) {
    String text = token.text;
    if (text.equals(".") || text.equals("?") || text.equals("!")) {
      token.ends = true;
    } else if (text.length() > 1 && text.chars().allMatch(c -> c == '.')) {
      token.ellipsis = true;
    } else if (token.hasStop() && !text.endsWith("..")) {
      String word = text.substring(0, text.length() - 1).toLowerCase(Locale.ROOT);
      token.abbreviation =
          in(Words.ABBREVIATIONS, word)
              || in(Words.ABBREVIATIONS, word.substring(word.lastIndexOf('-') + 1))
              || word.equals(". . ");
      token.ends = !token.abbreviation;
    }
  }

  private static void reconsider(Token token, Token next) {
    if (!token.hasStop()) {
      return;
    }
    String type = token.typeWithoutStop();
    String nextType = next.typeWithoutEnd();
    boolean initial = INITIAL.matcher(token.text).matches();
    if (type.equals(A_NUMBER) && in(Words.AFTER_NUMBER, nextType)) {
      token.ends = false;
      return;
    }
    Opinion opinion = opinion(next, nextType);
    if ((token.abbreviation || token.ellipsis) && !initial) {
      if (opinion == Opinion.BEGINS || (next.capitalised() && in(Words.STARTERS, nextType))) {
        token.ends = true;
        return;
      }
    }
    if (initial || type.equals(A_NUMBER)) {
      boolean name =
          initial && opinion == Opinion.UNKNOWN && next.capitalised() && !seenLower(nextType);
      if (opinion == Opinion.DOES_NOT_BEGIN || name) {
        token.ends = false;
      }
    }
  }

  private static Opinion opinion(Token next, String nextType) {
    if (next.text.length() == 1 && ";:,.!?".contains(next.text)) {
      return Opinion.DOES_NOT_BEGIN;
    }
    if (next.capitalised() && in(Words.LOWER, nextType)) {
      return Opinion.BEGINS;
    }
    // Words that begin sentences in lower case in newspapers are different from those in reports.
    return next.lowerCase() ? Opinion.DOES_NOT_BEGIN : Opinion.UNKNOWN;
  }

  private static boolean seenLower(String type) {
    return in(Words.LOWER, type) || in(Words.LOWER_OR_CAPITAL, type);
  }

  private static boolean in(Words list, String word) {
    return LISTS.getOrDefault(list, Set.of()).contains(word);
  }

  private static Map<Words, Set<String>> lists() {
    String text;
    try (InputStream in = SentenceEnds.class.getResourceAsStream("sentence-ends.txt")) {
      if (in == null) {
        throw new RadialogException("the program lacks its file sentence-ends.txt; rebuild it");
      }
      text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new RadialogException("cannot read sentence-ends.txt: " + e, e);
    }
    Map<Words, Set<String>> lists = new HashMap<>();
    Set<String> list = new HashSet<>();
    for (String line : text.lines().filter(l -> !l.startsWith("#")).toList()) {
      if (line.startsWith("[")) {
        String name = line.substring(1, line.indexOf(']'));
        list = new HashSet<>();
        lists.put(Words.valueOf(name.toUpperCase(Locale.ROOT).replace('-', '_')), list);
      } else {
        list.addAll(WordTokenizer.split(line));
      }
    }
    return lists;
  }
}
