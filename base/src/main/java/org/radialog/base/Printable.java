package org.radialog.base;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Untrusted text (a value in a file, a file name, a caller's string) prepared for one line of a
 * message: it is shortened, and characters that a terminal or a log would interpret instead of
 * display are escaped. All text quoted in a message, a table or a progress line must go through
 * here; JSON, CSV and report texts are data and are escaped by their own rules.
 */
public final class Printable {
  private static final Pattern LINE_ENDS = Pattern.compile("\\s*[\\r\\n]+\\s*");

  /** Maximum number of characters of a value in a message. */
  public static final int LENGTH = 80;

  /** Maximum number of characters in a line of a message. */
  public static final int LINE = 1000;

  private Printable() {}

  /**
   * An untrusted value: at most {@link #LENGTH} characters, followed by their total number if there
   * are more.
   */
  public static String of(CharSequence value) {
    if (value.length() <= LENGTH) {
      return escaped(value);
    }
    return escaped(value.subSequence(0, beforePair(value, LENGTH)))
        + "… ("
        + value.length()
        + " characters)";
  }

  /** Any untrusted value, as shown by {@link #of(CharSequence)}. */
  public static String of(Object value) {
    return of((CharSequence) String.valueOf(value));
  }

  /**
   * A whole message as one escaped line. If it has more than {@link #LINE} characters, the
   * beginning, which names the file, and the end, which says what to do, are kept.
   */
  public static String line(CharSequence message) {
    String line = escaped(LINE_ENDS.matcher(message).replaceAll(" "));
    if (line.length() <= LINE) {
      return line;
    }
    int head = beforePair(line, LINE / 2);
    int tail = beforePair(line, line.length() - LINE / 3);
    return "%s… (%s characters) …%s"
        .formatted(line.substring(0, head), Integer.toString(line.length()), line.substring(tail));
  }

  // An index that is not between the halves of a surrogate pair.
  private static int beforePair(CharSequence text, int place) {
    return Character.isHighSurrogate(text.charAt(place - 1)) ? place - 1 : place;
  }

  /**
   * {@code text} in full, with every character escaped that could control a terminal or be
   * invisible: control characters, line ends, format characters such as U+202E, lone surrogates.
   */
  public static String escaped(CharSequence text) {
    var shown = new StringBuilder(text.length());
    text.codePoints()
        .forEach(c -> {
          switch (Character.getType(c)) {
            case Character.CONTROL,
                Character.FORMAT,
                Character.LINE_SEPARATOR,
                Character.PARAGRAPH_SEPARATOR,
                Character.SURROGATE ->
                shown.append(String.format(Locale.ROOT, c > 0xFFFF ? "\\u{%x}" : "\\u%04x", c));
            default -> shown.appendCodePoint(c);
          }
        });
    return shown.toString();
  }
}
