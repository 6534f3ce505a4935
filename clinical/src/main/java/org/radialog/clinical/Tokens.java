package org.radialog.clinical;

import java.util.Arrays;

/**
 * The words and sentences of a report, read once from left to right.
 *
 * <p>A word is a run of letters and digits, with the point of a decimal and the dots of an
 * abbreviation inside; a hyphen separates words and is not kept, other punctuation is a token of
 * its own. What de-identification left ({@code XXXX}, {@code ___}) is no word.
 *
 * <p>A sentence ends at a full stop, an exclamation or question mark, an empty line, before an item
 * of a list, and at a line's end where the next line begins like a sentence and this one does not
 * end like a part of one. It does not end at the dot of "Dr.", of a decimal or of a list's number.
 */
final class Tokens {
  private final String text;
  private int count;
  private int[] starts = new int[64];
  private int[] ends = new int[64];
  private int[] classes = new int[64];
  private int sentences;
  private int[] firsts = new int[16]; // first token of each sentence
  private boolean[] paragraphs = new boolean[16]; // the sentence begins a paragraph

  private Tokens(String text) {
    this.text = text;
  }

  /** Words that a dot may follow within a sentence, and words after which a sentence goes on. */
  interface Endings {
    boolean abbreviation(String text, int from, int to);

    boolean goesOn(int wordClass);
  }

  static Tokens of(String text, PhraseTable table, Endings endings) {
    var tokens = new Tokens(text);
    tokens.read(table, endings);
    return tokens;
  }

  private void read(PhraseTable table, Endings endings) {
    int length = text.length();
    boolean open = false; // a sentence has begun
    boolean paragraph = true;
    int i = 0;
    while (i < length) {
      char c = text.charAt(i);
      if (c == '\n' || c == '\r') {
        int next = i;
        int breaks = 0;
        while (next < length && Character.isWhitespace(text.charAt(next))) {
          char w = text.charAt(next);
          next++;
          if (w == '\n' || (w == '\r' && !(next < length && text.charAt(next) == '\n'))) {
            breaks++;
          }
        }
        if (breaks > 1) {
          open = false;
          paragraph = true;
        } else if (open && lineEnds(next, endings)) {
          open = false;
        }
        i = next;
        continue;
      }
      if (Character.isWhitespace(c) || (c == '-' && inWord(i))) {
        i++;
        continue;
      }
      int end = i + 1;
      if (Character.isLetterOrDigit(c)) {
        end = wordEnd(i);
        if (hidden(i, end)) {
          i = end;
          continue;
        }
      } else if (c == '_' || c == '*') {
        i++;
        continue;
      }
      boolean stop = (c == '.' || c == '!' || c == '?') && ends(i, open, endings);
      if (stop) {
        open = false;
        paragraph = false;
        i++;
        continue;
      }
      if (c == '.') {
        i++;
        continue;
      }
      if (!open) {
        begin(paragraph);
        open = true;
        paragraph = false;
      }
      add(i, end, table.classOf(text, i, end));
      i = end;
    }
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
      } else if ((c == '\'' || c == '’')
          && end + 1 < length
          && Character.isLetter(text.charAt(end + 1))) {
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

  /** What stands where de-identification took something out. */
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

  private boolean ends(int at, boolean open, Endings endings) {
    char c = text.charAt(at);
    int length = text.length();
    char next = at + 1 < length ? text.charAt(at + 1) : '\n';
    if (c == '!') {
      return true;
    }
    if (c == '?') {
      // "?pneumonia" and "? pneumonia" put a question about what follows
      int ahead = at + 1;
      while (ahead < length && text.charAt(ahead) == ' ') {
        ahead++;
      }
      return !(ahead < length && Character.isLowerCase(text.charAt(ahead)));
    }
    if (next == '.') {
      return false;
    }
    if (!Character.isWhitespace(next) && !Character.isUpperCase(next)) {
      return !Character.isLetterOrDigit(next);
    }
    if (count == 0 || ends[count - 1] != at || !open) {
      return true;
    }
    int from = starts[count - 1];
    if (Character.isUpperCase(next) && at - from == 1) {
      return false; // the dots of "U.S."
    }
    return !endings.abbreviation(text, from, at);
  }

  /** Whether a line break, with the next line's first letter at {@code next}, ends the sentence. */
  private boolean lineEnds(int next, Endings endings) {
    if (next >= text.length()) {
      return true;
    }
    char c = text.charAt(next);
    if (c == '-' || c == '*' || c == '•' || c == '>') {
      return true;
    }
    if (Character.isDigit(c)) {
      int end = wordEnd(next);
      return end < text.length() && (text.charAt(end) == '.' || text.charAt(end) == ')');
    }
    return Character.isUpperCase(c) && count > 0 && !endings.goesOn(classes[count - 1]);
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
    if (count == starts.length) {
      starts = Arrays.copyOf(starts, 2 * count);
      ends = Arrays.copyOf(ends, 2 * count);
      classes = Arrays.copyOf(classes, 2 * count);
    }
    starts[count] = start;
    ends[count] = end;
    classes[count] = wordClass;
    count++;
  }

  int count() {
    return count;
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

  /** Whether the token is a word, not punctuation. */
  boolean isWord(int token) {
    return Character.isLetterOrDigit(text.charAt(starts[token]));
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

  /** The token behind the sentence's last. */
  int behind(int sentence) {
    return sentence + 1 < sentences ? firsts[sentence + 1] : count;
  }

  boolean beginsParagraph(int sentence) {
    return paragraphs[sentence];
  }
}
