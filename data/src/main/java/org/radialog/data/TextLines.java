package org.radialog.data;

import java.io.IOException;
import java.io.Reader;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a text, one by one, with a limit on the memory per line. A line ends with LF or CR
 * LF, or with CR alone if the first line of the text does.
 */
public final class TextLines {
  /** Maximum number of characters that are kept of a line; a report has a few hundred. */
  public static final int LONGEST = 16 << 20;

  private final Reader in;
  private final char[] block = new char[1 << 16];
  private int at;
  private int end;
  private @Nullable Boolean loneReturns;
  private long cutOff;

  /** The lines of {@code text}, which the caller closes. */
  public TextLines(Reader text) {
    this(text, null);
  }

  /**
   * The lines of {@code text}.
   *
   * @param loneReturns whether a CR without an LF ends a line; null to tell by the first line
   */
  TextLines(Reader text, @Nullable Boolean loneReturns) {
    this.in = text;
    this.loneReturns = loneReturns;
  }

  /**
   * The next line without its line ending; null at the end. If a line has more than {@link
   * #LONGEST} characters, only the beginning is returned, see {@link #cutOff}.
   */
  public @Nullable String next() throws IOException {
    String line = nextWithEnd();
    if (line == null) {
      return null;
    }
    int length = line.length();
    if (length > 0 && line.charAt(length - 1) == '\n') {
      length--;
      if (length > 0 && line.charAt(length - 1) == '\r') {
        length--;
      }
    } else if (length > 0 && line.charAt(length - 1) == '\r') {
      length--;
    }
    // Concatenated files have byte order marks in the middle of the text.
    int begin = 0;
    while (begin < length && line.charAt(begin) == '\uFEFF') {
      begin++;
    }
    return line.substring(begin, length);
  }

  /** The number of characters of the last line that were left out because the line is too long. */
  public long cutOff() {
    return cutOff;
  }

  /** The next line with its line ending. */
  @Nullable String nextWithEnd() throws IOException {
    cutOff = 0;
    StringBuilder line = null;
    while (true) {
      if (at == end && !fill()) {
        return line == null ? null : line.toString();
      }
      int from = at;
      while (at < end && block[at] != '\n' && block[at] != '\r') {
        at++;
      }
      if (line == null && at + 1 < end && endsHere()) {
        // Most lines lie entirely within the block.
        at += block[at] == '\r' && block[at + 1] == '\n' ? 2 : 1;
        return new String(block, from, at - from);
      }
      line = line == null ? new StringBuilder(2 * (at - from) + 80) : line;
      append(line, from, at - from);
      if (at == end) {
        continue;
      }
      char c = block[at++];
      boolean followed = c == '\r' && (at < end || fill()) && block[at] == '\n';
      if (loneReturns == null) {
        loneReturns = c == '\r' && !followed;
      }
      boolean ends = c == '\n' || followed || loneReturns;
      if (ends) {
        line.append(c);
        if (followed) {
          line.append('\n');
          at++;
        }
        return line.toString();
      }
      if (line.length() < LONGEST) {
        line.append(c);
      } else {
        cutOff++;
      }
    }
  }

  // Whether the CR or LF at this position, which is followed by another character, ends the line.
  private boolean endsHere() {
    boolean alone = block[at] == '\r' && block[at + 1] != '\n';
    if (loneReturns == null) {
      loneReturns = alone;
    }
    return !alone || loneReturns;
  }

  private void append(StringBuilder line, int from, int count) {
    int kept = Math.min(count, LONGEST - line.length());
    line.append(block, from, kept);
    cutOff += count - kept;
  }

  private boolean fill() throws IOException {
    at = 0;
    end = Math.max(0, in.read(block, 0, block.length));
    return end > 0;
  }
}
