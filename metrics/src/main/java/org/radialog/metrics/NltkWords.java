package org.radialog.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Tokenises like NLTK 3.10's {@code word_tokenize}: sentences by {@link SentenceEnds}, then the
 * rules of the Treebank tokenizer with NLTK's additions in each sentence. A rule puts spaces around
 * the text it separates; the order of the rules matters.
 */
final class NltkWords {
  private static final int FLAGS =
      Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNICODE_CASE | Pattern.UNIX_LINES;

  /**
   * A replacement.
   *
   * @param marks characters of which the text must contain at least one for the rule to apply;
   *     searching for them is cheaper than for the pattern
   */
  private record Rule(Pattern pattern, String replacement, Marks marks) {
    static Rule of(String marks, String pattern, String replacement) {
      return new Rule(Pattern.compile(pattern, FLAGS), replacement, Marks.of(marks));
    }

    String apply(String text, Marks inText) {
      return marks.meets(inText) ? pattern.matcher(text).replaceAll(replacement) : text;
    }
  }

  /** A set of characters; all characters beyond ASCII are treated as one. */
  private record Marks(long low, long high, boolean beyond) {
    static Marks of(String text) {
      long low = 0;
      long high = 0;
      boolean beyond = false;
      for (int i = 0; i < text.length(); i++) {
        char c = text.charAt(i);
        if (c < 64) {
          low |= 1L << c;
        } else if (c < 128) {
          high |= 1L << (c - 64);
        } else {
          beyond = true;
        }
      }
      return new Marks(low, high, beyond);
    }

    boolean meets(Marks other) {
      return (low & other.low) != 0 || (high & other.high) != 0 || (beyond && other.beyond);
    }
  }

  private static final List<Rule> BEFORE_PADDING =
      List.of(
          // opening quotes
          Rule.of("`«", "([«“‘„]|[`]+)", " $1 "),
          Rule.of("\"", "^\"", "``"),
          Rule.of("`\"", "(``)", " $1 "),
          Rule.of("\"'", "([ \\(\\[{<])(\"|'{2})", "$1 `` "),
          Rule.of("'", "(?i)(?<!\\w)(')(?!(?:re|ve|ll|m|t|s|d|n)\\b)(?=\\w)", "$1 "),
          // punctuation
          Rule.of(
              ".", "([^.])(\\.)([\\]\\)}>\"'»”’ ]*+)" + WordTokenizer.SPACE + "*$", "$1 $2 $3 "),
          Rule.of(":,", "([:,])([^\\d])", " $1 $2"),
          Rule.of(":,", "([:,])$", " $1 "),
          Rule.of(".", "\\.{2,}", " $0 "),
          Rule.of(";@#$%&", "[;@#$%&]", " $0 "),
          Rule.of("\u2014", "[\\u2012-\\u2015]", " $0 "),
          Rule.of(".", "([^.])(\\.)([\\]\\)}>\"']*)" + WordTokenizer.SPACE + "*$", "$1 $2$3 "),
          Rule.of("?!", "[?!]", " $0 "),
          Rule.of("'", "([^'])' ", "$1 ' "),
          Rule.of("*", "[*]", " $0 "),
          Rule.of("[](){}<>", "[\\]\\[\\(\\)\\{\\}<>]", " $0 "),
          Rule.of("-", "--", " -- "));

  private static final List<Rule> AFTER_PADDING =
      List.of(
          // closing quotes
          Rule.of("»", "([»”’])", " $1 "),
          Rule.of("'", "''", " '' "),
          Rule.of("\"", "\"", " '' "),
          // only the following rules distinguish these
          Rule.of("'", WordTokenizer.SPACE + "+", " "),
          Rule.of("'", "([^' ])('[sS]|'[mM]|'[dD]|') ", "$1 $2 "),
          Rule.of("'", "([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", "$1 $2 "),
          // contractions
          Rule.of("'", "(?i)\\b(d(?='ye\\b)|more(?='n\\b))('ye|'n)", " $1 $2 "),
          Rule.of("'", "(?i) ('t)(is|was)\\b", " $1 $2 "));

  private static final Rule JOINED =
      Rule.of(
          "",
          "(?i)\\b(can(?=not\\b)|gim(?=me\\b)|gon(?=na\\b)|got(?=ta\\b)|lem(?=me\\b)|wan(?=na"
              + WordTokenizer.SPACE
              + "))(not|me|na|ta)",
          " $1 $2 ");

  private NltkWords() {}

  static List<String> tokens(String text) {
    List<String> tokens = new ArrayList<>();
    for (String sentence : SentenceEnds.sentences(text)) {
      tokens.addAll(words(sentence));
    }
    return tokens;
  }

  private static List<String> words(String sentence) {
    Marks marks = Marks.of(sentence);
    String text = sentence;
    for (Rule rule : BEFORE_PADDING) {
      text = rule.apply(text, marks);
    }
    text = " " + text + " ";
    for (Rule rule : AFTER_PADDING) {
      text = rule.apply(text, marks);
    }
    if (doubled(text)) {
      text = JOINED.pattern.matcher(text).replaceAll(JOINED.replacement);
    }
    return WordTokenizer.split(text);
  }

  // Each of the words of JOINED contains one of these letters twice; few others do.
  private static boolean doubled(String text) {
    for (int i = 1; i < text.length(); i++) {
      char c = text.charAt(i);
      if ("nmtNMT".indexOf(c) >= 0
          && Character.toLowerCase(c) == Character.toLowerCase(text.charAt(i - 1))) {
        return true;
      }
    }
    return false;
  }
}
