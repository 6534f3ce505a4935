package org.radialog.clinical;

import java.text.Normalizer;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A normalised report for the labeler, which is independent of how the text was processed before.
 *
 * <p>Compatibility characters (ligatures, full-width letters, accents) become plain letters. Soft
 * hyphens and zero-width characters are removed, and words hyphenated at the end of a line are
 * joined. All list markers become one bullet, and all kinds of dashes, quotes and spaces become one
 * of each. Representations of a line break ({@code <br>}, U+2028, a literal {@code \n}) become a
 * {@link #LINE_BREAK}, which is an intended break; a line break in a plain text may be caused by
 * word wrapping.
 *
 * <p>Every character keeps the part of the report that it represents, so that matches can be shown
 * in the original. A report in plain ASCII is used unchanged.
 */
final class PlainText {
  /** An intended line break. */
  static final char LINE_BREAK = '\u000B';

  /** The marker of a list item. */
  static final char BULLET = '•';

  /** A dash that is not a hyphen. */
  static final char DASH = '–';

  // maximum number of letters of a word part next to a hyphen
  private static final int LONGEST_PART = 40;
  private static final int LONGEST_TAG = 200;

  private static final Set<String> BREAKING_TAGS =
      Set.of(
          "br", "p", "div", "li", "ul", "ol", "dl", "dd", "dt", "tr", "table", "pre", "hr", "h1",
          "h2", "h3", "h4", "h5", "h6");
  private static final Set<String> CELL_TAGS = Set.of("td", "th");
  private static final Set<String> INLINE_TAGS =
      Set.of(
          "b", "i", "u", "s", "em", "strong", "span", "font", "sup", "sub", "small", "mark", "code",
          "label", "tt", "a", "html", "body", "tbody", "thead");
  private static final Map<String, String> ENTITIES =
      Map.ofEntries(
          Map.entry("nbsp", " "),
          Map.entry("amp", "&"),
          Map.entry("lt", "<"),
          Map.entry("gt", ">"),
          Map.entry("quot", "\""),
          Map.entry("apos", "'"),
          Map.entry("rsquo", "'"),
          Map.entry("lsquo", "'"),
          Map.entry("shy", ""),
          Map.entry("ndash", "–"),
          Map.entry("mdash", "–"),
          Map.entry("bull", "•"),
          Map.entry("middot", "•"),
          Map.entry("hellip", "..."));

  private final String report;
  private final PhraseTable table;
  private final StringBuilder text = new StringBuilder();
  private int[] from; // [characters] start of the part of the report that it represents
  private int[] to; // [characters] end of that part
  private int hyphen = -1; // position of a hyphen after a letter, followed by a line break
  private boolean broken; // the break after the hyphen has been read

  private PlainText(String report, PhraseTable table) {
    this.report = report;
    this.table = table;
    from = new int[report.length() + 16];
    to = new int[report.length() + 16];
  }

  /** The normalised text of {@code report}, or null if it equals the report. */
  static @Nullable PlainText of(String report, PhraseTable table) {
    if (plain(report)) {
      return null;
    }
    var text = new PlainText(report, table);
    text.read();
    return text;
  }

  /** The text. */
  String text() {
    return text.toString();
  }

  /** The start of the part of the report that the character at {@code at} represents. */
  int from(int at) {
    return from[at];
  }

  /** The end of the part of the report that the characters up to {@code end} represent. */
  int to(int end) {
    return to[end - 1];
  }

  private static boolean plain(String report) {
    int length = report.length();
    for (int i = 0; i < length; i++) {
      char c = report.charAt(i);
      if (c > '~') {
        return false;
      }
      switch (c) {
        case '\\', '<', '&', '`' -> {
          return false;
        }
        case '-' -> {
          if (i + 1 < length && Character.isWhitespace(report.charAt(i + 1))) {
            if (brokenAt(report, i + 1)) {
              return false;
            }
          }
        }
        case '_' -> {
          if (report.startsWith("_x000D_", i)) {
            return false;
          }
        }
        default -> {}
      }
    }
    return true;
  }

  /** Whether a line ends at {@code at}, ignoring a few spaces. */
  private static boolean brokenAt(String report, int at) {
    int end = Math.min(report.length(), at + LONGEST_PART);
    for (int i = at; i < end; i++) {
      char c = report.charAt(i);
      if (breaks(c) || report.startsWith("\\n", i) || report.startsWith("\\r", i)) {
        return true;
      }
      if (c != ' ' && c != '\t') {
        return false;
      }
    }
    return false;
  }

  private static boolean breaks(char c) {
    return c == '\n'
        || c == '\r'
        || c == LINE_BREAK
        || c == '\f'
        || c == '\u0085'
        || c == '\u2028'
        || c == '\u2029';
  }

  private void read() {
    int length = report.length();
    int i = 0;
    while (i < length) {
      char c = report.charAt(i);
      i =
          switch (c) {
            case '\\' -> escape(i);
            case '<' -> tag(i);
            case '&' -> entity(i);
            case '`' -> put('\'', i, i + 1);
            case '_' ->
                report.startsWith("_x000D_", i) ? put(LINE_BREAK, i, i + 7) : put(c, i, i + 1);
            default -> c <= '~' ? put(c, i, i + 1) : other(i);
          };
    }
  }

  /** Appends a character that represents a part of the report; returns the end of that part. */
  private int put(char c, int start, int end) {
    if (hyphen >= 0) {
      if (breaks(c)) {
        broken = true;
      } else if (!Character.isWhitespace(c)) {
        if (broken && Character.isLetter(c)) {
          join(c, start);
        }
        hyphen = -1;
      }
    } else if (c == '-'
        && !text.isEmpty()
        && Character.isLetter(text.charAt(text.length() - 1))
        && brokenAt(report, end)) {
      hyphen = text.length();
      broken = false;
    }
    int at = text.length();
    if (at == from.length) {
      from = Arrays.copyOf(from, 2 * at);
      to = Arrays.copyOf(to, 2 * at);
    }
    text.append(c);
    from[at] = start;
    to[at] = end;
    return end;
  }

  private void put(String characters, int start, int end) {
    for (int i = 0; i < characters.length(); i++) {
      put(characters.charAt(i), start, end);
    }
  }

  /**
   * Removes a hyphen and the break after it if they are within a word. In "right-" and "sided", two
   * words with a hyphen, the first is a word of the tables by itself.
   */
  private void join(char next, int at) {
    char last = text.charAt(hyphen - 1);
    if (!Character.isLowerCase(next)
        && !(Character.isUpperCase(next) && Character.isUpperCase(last))) {
      return;
    }
    int first = hyphen;
    while (first > 0
        && Character.isLetter(text.charAt(first - 1))
        && hyphen - first <= LONGEST_PART) {
      first--;
    }
    int end = at;
    while (end < report.length()
        && Character.isLetter(report.charAt(end))
        && end - at <= LONGEST_PART) {
      end++;
    }
    if (hyphen - first > LONGEST_PART || end - at > LONGEST_PART) {
      return;
    }
    String before = text.substring(first, hyphen);
    String whole = before + report.substring(at, end);
    if (knows(whole) || !knows(before)) {
      text.setLength(hyphen);
    }
  }

  private boolean knows(String word) {
    return table.knows(table.classOf(word, 0, word.length()));
  }

  /**
   * Handles a literal {@code \n}, as in a text that was escaped once too often, or {@code \.br\} of
   * HL7.
   */
  private int escape(int at) {
    if (report.startsWith("\\.br\\", at)) {
      return put(LINE_BREAK, at, at + 5);
    }
    char kind = at + 1 < report.length() ? report.charAt(at + 1) : ' ';
    if (kind != 'n' && kind != 'r' && kind != 't') {
      return put('\\', at, at + 1);
    }
    int end = at + 2;
    while (end < report.length()
        && Character.isLetter(report.charAt(end))
        && end - at <= LONGEST_PART) {
      end++;
    }
    // "effusion\nodule": the n belongs to the word if only that gives a known word
    if (end > at + 2
        && knows(report.substring(at + 1, end))
        && !knows(report.substring(at + 2, end))) {
      return put('\\', at, at + 1);
    }
    return put(kind == 't' ? '\t' : kind == 'r' ? ' ' : LINE_BREAK, at, at + 2);
  }

  private int tag(int at) {
    int name = report.startsWith("</", at) ? at + 2 : at + 1;
    int end = name;
    while (end < report.length()
        && end - name <= LONGEST_PART
        && Character.isLetterOrDigit(report.charAt(end))) {
      end++;
    }
    String tag = report.substring(name, end).toLowerCase(Locale.ROOT);
    boolean breaking = BREAKING_TAGS.contains(tag);
    if (breaking || CELL_TAGS.contains(tag) || INLINE_TAGS.contains(tag)) {
      int last = Math.min(report.length(), at + LONGEST_TAG);
      for (int i = end; i < last && report.charAt(i) != '<'; i++) {
        if (report.charAt(i) == '>') {
          if (breaking) {
            put(LINE_BREAK, at, i + 1);
          } else if (CELL_TAGS.contains(tag)) {
            put('\t', at, i + 1);
          }
          return i + 1;
        }
      }
    }
    return put('<', at, at + 1);
  }

  private int entity(int at) {
    if (report.startsWith("&lt;br", at)) { // an escaped tag
      int close = at + 6;
      while (close < report.length()
          && " /".indexOf(report.charAt(close)) >= 0
          && close < at + 10) {
        close++;
      }
      if (report.startsWith("&gt;", close)) {
        return put(LINE_BREAK, at, close + 4);
      }
    }
    int end = Math.min(report.length(), at + 9);
    int semicolon = at + 1;
    while (semicolon < end && report.charAt(semicolon) != ';') {
      semicolon++;
    }
    if (semicolon < end) {
      String name = report.substring(at + 1, semicolon);
      String known = ENTITIES.get(name);
      if (known != null) {
        put(known, at, semicolon + 1);
        return semicolon + 1;
      }
      if (name.startsWith("#")) {
        int code = code(name);
        if (code == '\n' || code == '\r') {
          return put(LINE_BREAK, at, semicolon + 1);
        }
        if (code > 0) {
          letter(code, at, semicolon + 1);
          return semicolon + 1;
        }
      }
    }
    return put('&', at, at + 1);
  }

  /** The character of {@code #8226} or {@code #x2022}; 0 if there is none. */
  private static int code(String name) {
    boolean hex = name.length() > 1 && (name.charAt(1) == 'x' || name.charAt(1) == 'X');
    int code = 0;
    for (int i = hex ? 2 : 1; i < name.length(); i++) {
      int digit = Character.digit(name.charAt(i), hex ? 16 : 10);
      if (digit < 0) {
        return 0;
      }
      code = code * (hex ? 16 : 10) + digit;
    }
    return code <= Character.MAX_CODE_POINT ? code : 0;
  }

  private int other(int at) {
    int code = report.codePointAt(at);
    int end = at + Character.charCount(code);
    letter(code, at, end);
    return end;
  }

  /** Appends the representation of the character {@code code}. */
  private void letter(int code, int start, int end) {
    switch (code) {
      case 0xAD -> { // a soft hyphen, which breaks a word at the end of a line
        if (brokenAt(report, end)) {
          put('-', start, end);
        }
      }
      case 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF -> {}
      case 0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069 -> {}
      case 0x85, 0x2028 -> put(LINE_BREAK, start, end);
      case 0x2029 -> put("\n\n", start, end);
      case 0x2018, 0x2019, 0x201B, 0x2BC, 0x2032, 0xB4 -> put('\'', start, end);
      case 0x201C, 0x201D, 0x201E, 0x201F, 0x2033, 0xAB -> put('"', start, end);
      case 0xBB -> put(between(start, end) ? BULLET : '"', start, end);
      case 0x2010, 0x2011, 0x2212, 0x2043 -> put(code == 0x2043 ? BULLET : '-', start, end);
      case 0x2012, 0x2013, 0x2014, 0x2015, 0x2E3A, 0x2E3B, 0x2190, 0x2192, 0x21D2, 0x27F6 ->
          put(DASH, start, end);
      case 0xB7, 0x2219, 0x22C5 -> put(digits(start, end) ? '.' : BULLET, start, end);
      case 0xD8, 0xF8, 0x2205, 0x2300 -> { // the sign for "no", unless it is a diameter sign
        boolean within = start > 0 && Character.isLetterOrDigit(report.charAt(start - 1));
        put(within ? "o" : diameter(end) ? " " : "no ", start, end);
      }
      case 0x152, 0x153 -> put("oe", start, end);
      case 0xC6, 0xE6 -> put("ae", start, end);
      case 0xB1 -> put("+/-", start, end);
      case 0xD7 -> put('x', start, end);
      case 0x3001 -> put(',', start, end);
      case 0x3002 -> put('.', start, end);
      case 0x2610 -> put("[ ]", start, end);
      case 0x2611, 0x2612, 0x2713, 0x2714, 0x2705 -> put("[x]", start, end);
      case 0x2717, 0x2718, 0x274C -> put("(-)", start, end);
      default -> {
        boolean symbol = Character.getType(code) == Character.OTHER_SYMBOL && apart(start, end);
        if (symbol || bullet(code)) {
          put(BULLET, start, end);
        } else if (Character.isSpaceChar(code)) {
          put(' ', start, end);
        } else if (code <= '~') {
          put((char) code, start, end);
        } else {
          compatible(code, start, end);
        }
      }
    }
  }

  /** List markers: dots, squares, triangles, stars, pointers, circled numbers, those of Word. */
  private static boolean bullet(int code) {
    return (code >= 0x2022 && code <= 0x2023)
        || (code >= 0x25A0 && code <= 0x25FF)
        || (code >= 0x2605 && code <= 0x2606)
        || (code >= 0x2460 && code <= 0x24FF)
        || (code >= 0x2720 && code <= 0x2767)
        || (code >= 0x2776 && code <= 0x27BF)
        || (code >= 0x2B1B && code <= 0x2B1C)
        || (code >= 0x29BE && code <= 0x29BF)
        || (code >= 0xF0A0 && code <= 0xF0FF)
        || code == 0xA7
        || code == 0xB6
        || code == 0x204C
        || code == 0x204D
        || code == 0x203A
        || code == 0x30FB
        || code == 0xFF65;
  }

  private void compatible(int code, int start, int end) {
    String apart = Normalizer.normalize(Character.toString(code), Normalizer.Form.NFKD);
    for (int i = 0; i < apart.length(); i++) {
      char c = apart.charAt(i);
      if (Character.getType(c) != Character.NON_SPACING_MARK) { // accents are removed
        put(c == 0x2044 ? '/' : c, start, end); // the stroke of "½"
      }
    }
  }

  private boolean digits(int start, int end) {
    return start > 0
        && end < report.length()
        && Character.isDigit(report.charAt(start - 1))
        && Character.isDigit(report.charAt(end));
  }

  /** Whether no letter or digit is adjacent to this part of the report. */
  private boolean between(int start, int end) {
    return !(start > 0 && Character.isLetterOrDigit(report.charAt(start - 1)))
        && !(end < report.length() && Character.isLetterOrDigit(report.charAt(end)));
  }

  /** Whether there are spaces or ends of the report on both sides. */
  private boolean apart(int start, int end) {
    return (start == 0 || Character.isWhitespace(report.charAt(start - 1)))
        && (end == report.length() || Character.isWhitespace(report.charAt(end)));
  }

  private boolean diameter(int end) {
    int next = end;
    while (next < report.length() && report.charAt(next) == ' ' && next - end < LONGEST_PART) {
      next++;
    }
    return next < report.length() && Character.isDigit(report.charAt(next));
  }
}
