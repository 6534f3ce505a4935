package org.radialog.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Tokenises like {@code PTBTokenizer} of pycocoevalcap 1.2: Penn Treebank tokens in lower case,
 * without the punctuation in its list. Brackets remain {@code -lrb-} etc., because the list
 * contains them in capitals only.
 *
 * <p>Implemented from the documented behaviour of the tokenizer. Not reproduced: its conversion of
 * British to American spelling, URLs, and smileys.
 */
final class PtbWords {
  private static final Set<String> PUNCTUATION =
      Set.of("''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";");

  private static final Map<String, String> WRITTEN =
      Map.ofEntries(
          Map.entry("(", "-lrb-"),
          Map.entry(")", "-rrb-"),
          Map.entry("[", "-lsb-"),
          Map.entry("]", "-rsb-"),
          Map.entry("{", "-lcb-"),
          Map.entry("}", "-rcb-"),
          Map.entry("½", "1/2"),
          Map.entry("¼", "1/4"),
          Map.entry("¾", "3/4"));

  private static final String ABBREVIATION =
      "(?:jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|mon|tue|tues|wed|thu|thurs|fri|mr|mrs|ms"
          + "|dr|prof|sr|jr|st|gen|rep|sen|gov|lt|col|capt|sgt|rev|hon|vs|inc|ltd|co|corp|bros|ct|pa"
          + "|va|ga|fla|conn|calif|ariz|tenn|mich|minn|ph\\.d)\\.";

  // The end of a sentence after a single letter with a full stop: the following word begins one.
  private static final String BEGINS = "(?=\\s+(?:the|this|there|these|it|in|no|he|she|we)\\b)";

  // A single underscore between letters or digits is part of their word.
  private static final String INSIDE = "(?:[\\p{L}\\p{N}]|_(?=[\\p{L}\\p{N}]))";

  // As in patient’s and don’t; elsewhere it is a quotation mark.
  private static final Pattern APOSTROPHE = Pattern.compile("(?<=[\\p{L}\\p{N}])’(?=\\p{L})");

  private static final Pattern UNSEEN = Pattern.compile("\\p{Cf}");

  private static final Pattern TOKEN =
      Pattern.compile(
          String.join(
              "|",
              "</?[a-z][^<>]*>", // a tag
              "\\b\\p{L}\\.(?!" + BEGINS + ")(?=\\s+\\p{L}|\\s*$)", // an initial
              "\\b(?:\\p{L}\\.){2,}(?!\\p{L})", // an acronym
              "\\b" + ABBREVIATION + "(?!\\p{L})",
              "\\bno\\.(?=\\s*\\d)",
              "\\bcan(?=not\\b)|\\bgon(?=na\\b)|\\bgot(?=ta\\b)|\\bwan(?=na\\b)|\\bgim(?=me\\b)"
                  + "|\\blem(?=me\\b)",
              "'(?:s|m|d|re|ve|ll|n)\\b",
              "n't\\b",
              // possessive quantifiers, so that a long word uses no stack; no later part could need
              // fewer characters
              "(?:(?!n't\\b)[\\p{L}\\p{N}&&[^\\d]](?:(?!n't\\b)"
                  + INSIDE
                  + ")*+|\\d+(?:\\p{L}|_(?=[\\p{L}\\p{N}]))"
                  + INSIDE
                  + "*+)"
                  + "(?:(?:[-/](?=[\\p{L}\\d])|\\.(?=\\p{L})|'(?!(?:s|m|d|re|ve|ll)\\b)(?=\\p{L}))"
                  + "(?:(?!n't\\b)"
                  + INSIDE
                  + ")++)*+",
              "\\d*(?:[.,:]\\d+)++(?:-\\d+(?:[.,]\\d+)*+)*+|\\d+(?:[-/][\\p{L}\\p{N}]+)*+",
              "\\.{2,}",
              "-{2,}",
              "``|''",
              "#\\p{L}+",
              "_+",
              "\\S"),
          Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE | Pattern.UNICODE_CHARACTER_CLASS);

  private PtbWords() {}

  private static String plain(String text) {
    String plain =
        text.replace('\n', ' ').replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    if (plain.indexOf('’') >= 0) {
      plain = APOSTROPHE.matcher(plain).replaceAll("'");
    }
    // A soft hyphen is dropped; any other character without a mapping separates words.
    return UNSEEN.matcher(plain.replace("\u00AD", "")).replaceAll(" ");
  }

  static List<String> tokens(String text) {
    List<String> tokens = new ArrayList<>();
    Matcher m = TOKEN.matcher(plain(text));
    while (m.find()) {
      String token = m.group().toLowerCase(Locale.ROOT);
      boolean mark = token.chars().noneMatch(Character::isLetterOrDigit);
      if (mark && (token.startsWith("..") || "\"“”‘’…–—".contains(token))) {
        continue; // an ellipsis, a quotation mark or a dash in another form
      }
      if (!PUNCTUATION.contains(token) && !token.startsWith("--")) {
        tokens.add(WRITTEN.getOrDefault(token, token));
      }
    }
    return tokens;
  }
}
