package org.radialog.clinical;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The words and sentences of a report, read once from left to right.
 *
 * <p>A word is a sequence of letters and digits, including a decimal point. A hyphen separates
 * words and is dropped, as are quotes; other punctuation marks are separate tokens. "Isn't" becomes
 * two words, "is" and "not". De-identification placeholders ({@code XXXX}, {@code ___}) are not
 * words.
 *
 * <p>A sentence ends at a full stop, at an exclamation or question mark (which is kept as a token),
 * at an empty line, at an intended line break, before a list item, and at the end of a line if the
 * next line looks like the start of a sentence and this line does not look incomplete. It does not
 * end at the dot of "Dr.", of a decimal or of a list number.
 *
 * <p>A list item begins at a bullet, at an asterisk or another mark that stands alone, and at the
 * next number or letter of a sequence in the text: "a. … b. …", "(1) … (2) …".
 */
final class Tokens {
  /** The first token of a sentence. */
  static final int SENTENCE = 1;

  /** The first token of a line. */
  static final int LINE = 2;

  /** A token after a gap such as that between the columns of a table. */
  static final int GAP = 4;

  /** A token after a full stop. */
  static final int STOP = 8;

  /** A token after the marker of a list item. */
  static final int ITEM = 16;

  private static final int MOST_SIGNS = 80; // maximum number of letters from a minus to a plus
  // maximum number of letters of words that are contracted with "not"
  private static final int LONGEST_VERB = 8;
  // minimum number of spaces between two words in different columns
  private static final int MOST_SPACES = 3;
  private static final List<String> ROMAN =
      List.of("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii");

  private final String text;
  private int count;
  private int[] starts = new int[64];
  private int[] ends = new int[64];
  private int[] classes = new int[64];
  private byte[] flags = new byte[64];
  private int sentences;
  private int[] firsts = new int[16]; // first token of each sentence
  private boolean[] paragraphs = new boolean[16]; // the sentence begins a paragraph

  // State while reading.
  private boolean open; // a sentence has begun
  private boolean paragraph = true; // the next sentence begins one
  private int pending; // flags of the next token
  private boolean lineBegins = true; // nothing of the line has been read yet
  private char lineMark; // the marker of the last list item
  private int lastNumber; // of a list's items
  private int lastLetter;
  private int lastRoman;

  private Tokens(String text) {
    this.text = text;
  }

  /** Properties of words from the tables. */
  interface Words {
    /** The class of a word: all words that no table tells apart have one. */
    int classOf(CharSequence text, int from, int to);

    /** A word that can be followed by a dot within a sentence. */
    boolean abbreviation(String text, int from, int to);

    /**
     * A word that can be followed by a dot before a small letter: "poss. pneumonia", "neg. for".
     */
    boolean shortened(String text, int from, int to);

    /** A word after which the sentence continues. */
    boolean goesOn(int wordClass);

    /** The class of the verb in "isn't" or "can't"; -1 for other words. */
    int contracted(int wordClass);

    /** The class of "not". */
    int not();
  }

  static Tokens of(String text, Words words) {
    var tokens = new Tokens(text);
    tokens.read(words);
    return tokens;
  }

  private void read(Words words) {
    int length = text.length();
    int i = 0;
    while (i < length) {
      char c = text.charAt(i);
      if (Character.isWhitespace(c)) {
        i = space(i, words);
        continue;
      }
      int mark = mark(i);
      if (mark > i) {
        open = false;
        pending |= ITEM;
        lineBegins = false;
        i = mark;
        continue;
      }
      lineBegins = false;
      if (c == '"' || c == '\'' || c == '_' || c == '*' || (c == '-' && inWord(i))) {
        i++;
        continue;
      }
      int end = i + 1;
      if (Character.isLetterOrDigit(c)) {
        end = wordEnd(i);
        int apart = contractionEnd(i, end, words);
        if (apart > end) {
          add(i, end - 1, words.contracted(words.classOf(contraction(i, end), 0, end - i + 1)));
          add(end - 1, apart, words.not());
          end = apart;
        } else if (!hidden(i, end)) {
          word(i, end, words.classOf(text, i, end), words);
        }
        i = end;
        continue;
      }
      if (c == '.' || c == '!' || c == '?') {
        boolean stop = ends(i, words);
        if (c == '?' && (open || !stop)) {
          add(i, end, words.classOf(text, i, end));
        }
        if (stop) {
          open = false;
          paragraph = false;
          boolean leader =
              c == '.' && i > 1 && text.charAt(i - 1) == '.' && text.charAt(i - 2) == '.';
          pending |= leader ? GAP : c == '?' ? 0 : STOP;
        }
        i++;
        continue;
      }
      add(i, end, words.classOf(text, i, end));
      i = end;
    }
  }

  /** Reads spaces and line breaks; returns the position after them. */
  private int space(int at, Words words) {
    int next = at;
    int breaks = 0;
    boolean set = false;
    boolean tab = false;
    while (next < text.length() && Character.isWhitespace(text.charAt(next))) {
      char w = text.charAt(next);
      next++;
      if (w == '\n' || (w == '\r' && !(next < text.length() && text.charAt(next) == '\n'))) {
        breaks++;
      } else if (w == PlainText.LINE_BREAK) {
        breaks++;
        set = true;
      } else if (w == '\f') {
        breaks += 2;
      }
      tab |= w == '\t';
    }
    if (breaks == 0) {
      if (tab || next - at >= MOST_SPACES) {
        pending |= GAP;
      }
      return next;
    }
    if (breaks > 1) {
      open = false;
      paragraph = true;
    } else if (open && lineEnds(next, set, words)) {
      open = false;
    }
    pending |= LINE;
    lineBegins = true;
    return next;
  }

  /** The position after the list marker that begins at {@code at}; {@code at} if there is none. */
  private int mark(int at) {
    char c = text.charAt(at);
    if (c == PlainText.BULLET) {
      return at + 1;
    }
    if (lineBegins && text.startsWith("##", at)) { // a heading of Markdown
      int end = at + 2;
      while (end < text.length() && text.charAt(end) == '#') {
        end++;
      }
      return end;
    }
    return switch (c) {
      case '*', '>', '#', '+', '~', '=', 'o', '-', PlainText.DASH -> sign(at, c);
      case '/' -> {
        boolean twice = text.startsWith("//", at) && !(at > 0 && text.charAt(at - 1) == ':');
        yield twice ? at + 2 : at;
      }
      default -> number(at);
    };
  }

  /**
   * The position after a sign that begins an item because it is first on its line or stands alone.
   */
  private int sign(int at, char c) {
    boolean last = at + 1 == text.length();
    boolean item = !last && apart(at);
    boolean touches = // "-No effusion", but not "-ve for effusion"
        !last
            && Character.isLetter(text.charAt(at + 1))
            && !text.startsWith("ve ", at + 1)
            && !plusFollows(at);
    if (lineBegins && (item || (c == '-' && touches))) {
      lineMark = c;
      return at + 1;
    }
    boolean alone =
        c == '*' || c == '>' || c == '~' || (c == lineMark && c != '-' && c != PlainText.DASH);
    if (item && alone && !betweenDigits(at) && (c != 'o' || upperBehind(at))) {
      return at + 1;
    }
    return c == '~' && touches ? at + 1 : number(at); // "~" separates lines in HL7
  }

  /**
   * Whether the line contains a plus before a word later on, so that a minus is a negation: "-a,
   * +b".
   */
  private boolean plusFollows(int at) {
    int end = Math.min(text.length() - 1, at + MOST_SIGNS);
    for (int i = at + 1; i < end && text.charAt(i) != '\n'; i++) {
      if (text.charAt(i) == '+'
          && text.charAt(i - 1) == ' '
          && Character.isLetter(text.charAt(i + 1))) {
        return true;
      }
    }
    return false;
  }

  /** Whether there are spaces or ends of the text on both sides. */
  private boolean apart(int at) {
    return (at == 0 || Character.isWhitespace(text.charAt(at - 1)))
        && (at + 1 == text.length() || Character.isWhitespace(text.charAt(at + 1)));
  }

  /** "5 * 3", "5 > 3"; "~ 3 cm" also belongs to a number. */
  private boolean betweenDigits(int at) {
    return at > 1
        && at + 2 < text.length()
        && (Character.isDigit(text.charAt(at - 2)) || text.charAt(at) == '~')
        && Character.isDigit(text.charAt(at + 2));
  }

  private boolean upperBehind(int at) {
    return at + 2 < text.length() && Character.isUpperCase(text.charAt(at + 2));
  }

  /** The position after the number or letter of a list item, if it is the next of its sequence. */
  private int number(int at) {
    char c = text.charAt(at);
    boolean bracket = c == '(' || c == '[' || c == '#';
    int from = bracket ? at + 1 : at;
    if (from >= text.length()
        || !Character.isLetterOrDigit(text.charAt(from))
        || (from > 0 && Character.isLetterOrDigit(text.charAt(from - 1)))) {
      return at;
    }
    int to = from;
    while (to < text.length() && to - from <= 4 && Character.isLetterOrDigit(text.charAt(to))) {
      to++;
    }
    int end = numberEnd(to, c, Character.isDigit(text.charAt(from)));
    if (to - from > 4 || end == to) {
      return at;
    }
    boolean first = !open || lineBegins || text.charAt(starts[count - 1]) == ':';
    String mark = text.substring(from, to);
    if (Character.isDigit(mark.charAt(0))) {
      int number = to - from <= 2 ? numberOf(mark) : -1;
      if (number > 0 && (number == lastNumber + 1 || (first && number == 1))) {
        lastNumber = number;
        return end;
      }
      return at;
    }
    int letter = to - from == 1 && mark.charAt(0) < 128 ? (mark.charAt(0) | 32) - 'a' + 1 : -1;
    if (letter > 0 && (letter == 1 ? first : letter == lastLetter + 1)) {
      lastLetter = letter;
      return end;
    }
    int roman = ROMAN.indexOf(mark.toLowerCase(Locale.ROOT)) + 1;
    if (roman > 0 && (roman == 1 ? first : roman == lastRoman + 1)) {
      lastRoman = roman;
      return end;
    }
    return at;
  }

  private static int numberOf(String digits) {
    int number = 0;
    for (int i = 0; i < digits.length(); i++) {
      int digit = Character.digit(digits.charAt(i), 10);
      if (digit < 0) {
        return -1;
      }
      number = 10 * number + digit;
    }
    return number;
  }

  /**
   * The position after the character that closes the number of an item; {@code at} if there is
   * none.
   */
  private int numberEnd(int at, char opening, boolean digits) {
    if (opening == '#') {
      return at < text.length() && Character.isWhitespace(text.charAt(at)) ? at + 1 : at;
    }
    char closing = at < text.length() ? text.charAt(at) : '\n';
    if (opening == '(' || opening == '[') {
      return closing == ')' || closing == ']' ? at + 1 : at;
    }
    if (closing == '.' || closing == ')' || closing == ']' || closing == ':' || closing == '/') {
      int next = at + 1;
      boolean apart =
          next < text.length()
              && (Character.isWhitespace(text.charAt(next))
                  || (digits && closing == '.' && Character.isLetter(text.charAt(next)))
                  || (Character.isUpperCase(text.charAt(next))
                      && next + 1 < text.length()
                      && Character.isLowerCase(text.charAt(next + 1))));
      return apart ? next : at;
    }
    boolean dash = text.startsWith(" - ", at) || text.startsWith(" – ", at);
    return dash ? at + 3 : at;
  }

  /**
   * The position after "isn ' t" or "isn t", as produced by tokenizers; {@code end} for other
   * words.
   */
  private int contractionEnd(int from, int end, Words words) {
    if (end - from < 3 || end - from > LONGEST_VERB || (text.charAt(end - 1) | 32) != 'n') {
      return end;
    }
    int at = end;
    while (at < text.length() && at < end + 3 && " '".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    boolean t =
        at > end
            && at < text.length()
            && (text.charAt(at) | 32) == 't'
            && !(at + 1 < text.length() && Character.isLetterOrDigit(text.charAt(at + 1)));
    boolean contracted =
        t && words.contracted(words.classOf(contraction(from, end), 0, end - from + 1)) >= 0;
    return contracted ? at + 1 : end;
  }

  private String contraction(int from, int end) {
    return text.substring(from, end) + "t";
  }

  /** Adds a word, or the two words of a contraction with "not". */
  private void word(int from, int to, int wordClass, Words words) {
    char last = text.charAt(to - 1);
    if ((last == 't' || last == 'T') && to - from == 3 && text.charAt(from + 1) == '\'') {
      add(from, to, (text.charAt(from) | 32) == 'n' ? words.not() : wordClass); // "is n't"
      return;
    }
    if ((last == 't' || last == 'T') && to - from > 3) {
      int verb = words.contracted(wordClass);
      if (verb >= 0) {
        int not = text.charAt(to - 2) == '\'' ? to - 3 : to - 2;
        add(from, not, verb);
        add(not, to, words.not());
        return;
      }
    }
    add(from, to, wordClass);
  }

  /** A hyphen between two letters or digits, or at the end of a line within a word. */
  private boolean inWord(int at) {
    return at > 0
        && at + 1 < text.length()
        && Character.isLetterOrDigit(text.charAt(at - 1))
        && Character.isLetterOrDigit(text.charAt(at + 1));
  }

  private int wordEnd(int from) {
    int length = text.length();
    int end = from + 1;
    while (end < length) {
      char c = text.charAt(end);
      if (Character.isLetterOrDigit(c)) {
        end++;
      } else if (c == '\'' && end + 1 < length && Character.isLetter(text.charAt(end + 1))) {
        end += 2;
      } else if (c == '.'
          && end + 1 < length
          && Character.isDigit(text.charAt(end + 1))
          && Character.isDigit(text.charAt(end - 1))) {
        end += 2;
      } else {
        break;
      }
    }
    return end;
  }

  /** Whether this is a de-identification placeholder. */
  private boolean hidden(int from, int to) {
    if (to - from < 3) {
      return false;
    }
    for (int i = from; i < to; i++) {
      char c = text.charAt(i);
      if (c != 'X' && c != 'x') {
        return false;
      }
    }
    return true;
  }

  private boolean ends(int at, Words words) {
    char c = text.charAt(at);
    int length = text.length();
    char next = at + 1 < length ? text.charAt(at + 1) : '\n';
    if (c == '!') {
      return true;
    }
    if (c == '?') {
      // "?pneumonia" and "? pneumonia" question the following mention
      int ahead = at + 1;
      while (ahead < length && text.charAt(ahead) == ' ') {
        ahead++;
      }
      return !(ahead < length && Character.isLowerCase(text.charAt(ahead)));
    }
    if (next == '.') {
      return false;
    }
    boolean behindWord = open && ends[count - 1] == at;
    if (behindWord && words.shortened(text, starts[count - 1], at)) {
      return false;
    }
    if (!Character.isWhitespace(next) && !Character.isUpperCase(next)) {
      // "pneumothorax.small effusion", but not "e.g." or "1.5"
      return !Character.isLetterOrDigit(next)
          || (behindWord
              && at - starts[count - 1] > 3
              && Character.isLetter(next)
              && !words.abbreviation(text, starts[count - 1], at));
    }
    if (!behindWord) {
      return true;
    }
    int from = starts[count - 1];
    if (Character.isUpperCase(next) && at - from == 1) {
      return false; // the dots of "U.S."
    }
    return !words.abbreviation(text, from, at);
  }

  /**
   * Whether a line break ends the sentence; the first letter of the next line is at {@code next}.
   */
  private boolean lineEnds(int next, boolean set, Words words) {
    if (next >= text.length()) {
      return true;
    }
    char c = text.charAt(next);
    switch (c) {
      case '-', '*', PlainText.BULLET, '>', PlainText.DASH -> {
        return true;
      }
      case '+', '#', '~', 'o', '=' -> {
        if (next + 1 < text.length() && Character.isWhitespace(text.charAt(next + 1))) {
          return true;
        }
      }
      default -> {}
    }
    boolean bracket = c == '(' || c == '[';
    int from = bracket ? next + 1 : next;
    int end = from;
    while (end < text.length() && end - from < 3 && Character.isLetterOrDigit(text.charAt(end))) {
      end++;
    }
    if (end < text.length()
        && (end - from == 1 || (end - from == 2 && Character.isDigit(text.charAt(from))))) {
      char behind = text.charAt(end);
      if (behind == ')' || (behind == '.' && !bracket && numberEnd(end, ' ', false) > end)) {
        return true;
      }
    }
    return (set || Character.isUpperCase(c)) && count > 0 && !words.goesOn(classes[count - 1]);
  }

  private void begin(boolean paragraph) {
    if (sentences == firsts.length) {
      firsts = Arrays.copyOf(firsts, 2 * sentences);
      paragraphs = Arrays.copyOf(paragraphs, 2 * sentences);
    }
    firsts[sentences] = count;
    paragraphs[sentences] = paragraph;
    sentences++;
  }

  private void add(int start, int end, int wordClass) {
    if (!open) {
      begin(paragraph);
      open = true;
      paragraph = false;
      pending |= SENTENCE;
    }
    if (count == starts.length) {
      starts = Arrays.copyOf(starts, 2 * count);
      ends = Arrays.copyOf(ends, 2 * count);
      classes = Arrays.copyOf(classes, 2 * count);
      flags = Arrays.copyOf(flags, 2 * count);
    }
    starts[count] = start;
    ends[count] = end;
    classes[count] = wordClass;
    flags[count] = (byte) pending;
    pending = 0;
    count++;
  }

  int count() {
    return count;
  }

  /**
   * Whether the token has one of the flags in {@code some}; the position after the last token has
   * none.
   */
  boolean has(int token, int some) {
    return token < count && (flags[token] & some) != 0;
  }

  int wordClass(int token) {
    return classes[token];
  }

  int start(int token) {
    return starts[token];
  }

  int end(int token) {
    return ends[token];
  }

  /** Whether the token is a word and not punctuation. */
  boolean isWord(int token) {
    return Character.isLetterOrDigit(text.charAt(starts[token]));
  }

  /** Whether the tokens are words in capitals only. */
  boolean allCapitals(int first, int end) {
    for (int t = first; t < end; t++) {
      for (int i = starts[t]; i < ends[t]; i++) {
        if (Character.isLowerCase(text.charAt(i))) {
          return false;
        }
      }
    }
    return true;
  }

  /** The first letter of the token. */
  char letter(int token) {
    return text.charAt(starts[token]);
  }

  int sentences() {
    return sentences;
  }

  int first(int sentence) {
    return firsts[sentence];
  }

  /** The position after the last token of the sentence. */
  int behind(int sentence) {
    return sentence + 1 < sentences ? firsts[sentence + 1] : count;
  }

  boolean beginsParagraph(int sentence) {
    return paragraphs[sentence];
  }
}
