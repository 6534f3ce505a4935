package org.radialog.cli;

import java.io.PrintStream;
import org.radialog.base.Printable;

/** Writes streamed text with a left margin, wrapped between words before a given column. */
final class Wrapping {
  private final PrintStream out;
  private final String margin;
  private final int columns;
  private final StringBuilder word = new StringBuilder();
  private int column;
  private boolean begun;

  Wrapping(PrintStream out, int margin, int columns) {
    this.out = out;
    this.margin = " ".repeat(margin);
    this.columns = columns;
  }

  /** Adds the next piece of text; a word is printed when it is complete. */
  void write(String piece) {
    piece
        .codePoints()
        .forEach(c -> {
          if (Character.isWhitespace(c)) {
            endWord();
            if (c == '\n' && begun) {
              out.println();
              column = 0;
            }
          } else {
            word.appendCodePoint(c);
          }
        });
    out.flush();
  }

  /** Ends the text with a line break. */
  void end() {
    endWord();
    if (begun) {
      out.println();
    }
    out.flush();
    column = 0;
    begun = false;
  }

  private void endWord() {
    if (word.isEmpty()) {
      return;
    }
    String shown = Printable.escaped(word);
    int length = shown.codePointCount(0, shown.length());
    if (column > 0 && column + 1 + length > columns) {
      out.println();
      column = 0;
    }
    if (column == 0) {
      out.print(margin);
      column = margin.length();
    } else {
      out.print(' ');
      column++;
    }
    out.print(shown);
    column += length;
    word.setLength(0);
    begun = true;
  }
}
