package org.radialog.data;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The records of a CSV stream (RFC 4180), with a way back from a broken one: a quote that is never
 * closed would make one cell of the whole rest of a table. Where a record of several lines does not
 * fit, its first line alone is the broken record, and reading goes on with the second.
 */
final class CsvRecords {
  /** Reports are cells of some dozen lines. */
  private static final int MOST_LINES = 2_000;

  private static final int MOST_CHARACTERS = 16 << 20;

  private final BufferedReader in;
  private final Deque<String> putBack = new ArrayDeque<>();
  private long number;

  CsvRecords(BufferedReader in) {
    this.in = in;
  }

  /**
   * A record.
   *
   * @param number from 1, the header being one
   * @param broken why it cannot be used; empty where it can
   */
  record Cells(long number, List<String> cells, String broken) {}

  /**
   * The next record that is no empty line.
   *
   * @param least how many cells it has at least
   * @param most how many cells it has at most, if it has several lines
   */
  @Nullable Cells next(int least, int most) throws IOException {
    String first = line();
    while (first != null && isBlank(first)) {
      first = line();
    }
    if (first == null) {
      return null;
    }
    number++;
    var record = new Scan();
    record.add(first);
    var more = new ArrayList<String>();
    while (record.open && more.size() < MOST_LINES) {
      String line = line();
      if (line == null) {
        break;
      }
      more.add(line);
      record.add(line);
    }
    List<String> cells = record.finish();
    boolean fits =
        cells.size() >= least && (more.isEmpty() || (cells.size() <= most && !record.trailing));
    if (!record.open && fits) {
      return new Cells(number, cells, "");
    }
    for (int i = more.size() - 1; i >= 0; i--) {
      putBack.addFirst(more.get(i));
    }
    boolean quote = record.open || !more.isEmpty();
    return new Cells(
        number,
        cells,
        quote
            ? "a quote is opened and not closed where the cell ends"
            : "expected %d cells, found %d".formatted(least, cells.size()));
  }

  /** How many records have been read. */
  long number() {
    return number;
  }

  // A line with its end, or null at the end of the stream.
  private @Nullable String line() throws IOException {
    if (!putBack.isEmpty()) {
      return putBack.removeFirst();
    }
    var line = new StringBuilder();
    for (int c = in.read(); c >= 0; c = in.read()) {
      line.append((char) c);
      if (c == '\n') {
        break;
      }
      if (line.length() > MOST_CHARACTERS) {
        throw new IOException("a line has more than " + MOST_CHARACTERS + " characters");
      }
    }
    return line.isEmpty() ? null : line.toString();
  }

  private static boolean isBlank(String line) {
    return line.equals("\n") || line.equals("\r\n");
  }

  /** One record under way. */
  private static final class Scan {
    private final List<String> cells = new ArrayList<>();
    private final StringBuilder cell = new StringBuilder();

    /** The record goes on in the next line: a quote is open. */
    boolean open;

    /** Something stands between a closing quote and the next comma. */
    boolean trailing;

    private boolean closed;

    void add(String line) {
      int end = line.length();
      if (end > 0 && line.charAt(end - 1) == '\n') {
        end--;
        if (end > 0 && line.charAt(end - 1) == '\r') {
          end--;
        }
      }
      int i = 0;
      while (i < line.length()) {
        char c = line.charAt(i);
        if (open) {
          boolean doubled = c == '"' && i + 1 < end && line.charAt(i + 1) == '"';
          if (c == '"' && !doubled) {
            open = false;
            closed = true;
          } else {
            cell.append(c);
          }
          i += doubled ? 2 : 1;
          continue;
        }
        if (i >= end) {
          return; // the record's own line end
        }
        if (c == ',') {
          finishCell();
        } else if (c == '"' && cell.isEmpty() && !closed) {
          open = true;
        } else {
          trailing |= closed;
          cell.append(c);
        }
        i++;
      }
    }

    List<String> finish() {
      finishCell();
      return cells;
    }

    private void finishCell() {
      cells.add(cell.toString());
      cell.setLength(0);
      closed = false;
    }
  }
}
