package org.radialog.base;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Text that came from outside (a file's values, a file's name, a caller's words), made fit for one
 * line of a message: shortened, and without a character that a terminal or a log would obey instead
 * of show. Everything that a message, a table or a progress line quotes goes through here; JSON,
 * CSV and report texts are data and escape by their own rules.
 */
public final class Printable {
  private static final Pattern LINE_ENDS = Pattern.compile("\\s*[\\r\\n]+\\s*");

  /** Characters of a value that a message shows. */
  public static final int LENGTH = 80;

  /** Characters that a line of a message has at most. */
  public static final int LINE = 1000;

  private Printable() {}

  /** A value from outside: at most {@link #LENGTH} characters, then how many there are in all. */
  public static String of(CharSequence value) {
    if (value.length() <= LENGTH) {
      return escaped(value);
    }
    return escaped(value.subSequence(0, beforePair(value, LENGTH)))
        + "… ("
        + value.length()
        + " characters)";
  }

  /** Whatever a file or a caller gave, as {@link #of(CharSequence)} shows it. */
  public static String of(Object value) {
    return of((CharSequence) String.valueOf(value));
  }

  /**
   * A whole message as one line, escaped: of more than {@link #LINE} characters it keeps the
   * beginning, where the file stands, and the end, which says what to do.
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

  // A place that is not between the halves of a surrogate pair.
  private static int beforePair(CharSequence text, int place) {
    return Character.isHighSurrogate(text.charAt(place - 1)) ? place - 1 : place;
  }

  /**
   * {@code text} in full, each character that would steer a terminal or hide among the others
   * written as its code: controls, line ends, formats such as U+202E, lone surrogates.
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
