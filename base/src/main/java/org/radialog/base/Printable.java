package org.radialog.base;

import java.util.Locale;

/**
 * Text that came from outside (a file's values, a file's name, a caller's words), made fit for one
 * line of a message: shortened, and without a character that a terminal or a log would obey instead
 * of show. Everything that a message, a table or a progress line quotes goes through here; JSON,
 * CSV and report texts are data and escape by their own rules.
 */
public final class Printable {
  /** Characters of a value that a message shows. */
  public static final int LENGTH = 80;

  private Printable() {}

  /** A value from outside: at most {@link #LENGTH} characters, then how many there are in all. */
  public static String of(CharSequence value) {
    if (value.length() <= LENGTH) {
      return escaped(value);
    }
    int end = Character.isHighSurrogate(value.charAt(LENGTH - 1)) ? LENGTH - 1 : LENGTH;
    return escaped(value.subSequence(0, end)) + "… (" + value.length() + " characters)";
  }

  /** Whatever a file or a caller gave, as {@link #of(CharSequence)} shows it. */
  public static String of(Object value) {
    return of((CharSequence) String.valueOf(value));
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
