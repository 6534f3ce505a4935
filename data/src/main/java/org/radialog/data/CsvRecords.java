package org.radialog.data;

import java.io.IOException;
import java.io.Reader;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The records of a CSV stream (RFC 4180, any line ending), with recovery from broken records.
 * Without it, an unclosed quote would turn the rest of the table into a single cell. If a
 * multi-line record is malformed, only its first line is reported as broken, and reading continues
 * with the second.
 */
final class CsvRecords {
  /** Maximum number of lines of a record; reports are cells of several dozen lines. */
  private static final int MOST_LINES = 2_000;

  private final TextLines in;
  private final Deque<String> putBack = new ArrayDeque<>();
  private final List<String> taken = new ArrayList<>(); // the lines of the last record
  private char separator = ',';
  private long number;

  CsvRecords(Reader in) {
    this.in = new TextLines(in, true);
  }

  /**
   * A record.
   *
   * @param number record number; the header is 1
   * @param cells the cells, in order
   * @param broken the reason why the record cannot be used; empty if it can
   */
  record Cells(long number, List<String> cells, String broken) {}

  /**
   * Reads the first record, the header, and determines the separator from it.
   *
   * @param fits whether the cells match the header of the table
   * @param separators candidates; the first is used if none of them matches
   */
  List<String> header(Predicate<List<String>> fits, char... separators) throws IOException {
    for (char one : separators) {
      separator = one;
      Cells cells = next(1, Integer.MAX_VALUE);
      if (cells != null && cells.broken.isEmpty() && fits.test(cells.cells)) {
        return cells.cells;
      }
      again(cells);
    }
    separator = separators[0];
    Cells cells = next(1, Integer.MAX_VALUE);
    return cells == null ? List.of() : cells.cells;
  }

  // Pushes the last record back to be read again.
  private void again(@Nullable Cells last) {
    if (last != null) {
      number--;
      taken.reversed().forEach(putBack::addFirst);
    }
  }

  /**
   * The next record that is not an empty line, or null at the end.
   *
   * @param least minimum number of cells
   * @param most maximum number of cells, not counting empty cells at the end
   */
  @Nullable Cells next(int least, int most) throws IOException {
    taken.clear();
    String first = line();
    while (first != null && isBlank(first)) {
      first = line();
    }
    if (first == null) {
      return null;
    }
    number++;
    long cutOff = in.cutOff();
    taken.add(first);
    var record = new Scan(separator);
    record.add(first);
    long characters = first.length();
    while (record.open && taken.size() <= MOST_LINES && characters < TextLines.LONGEST) {
      String line = line();
      if (line == null) {
        break;
      }
      cutOff += in.cutOff();
      characters += line.length();
      taken.add(line);
      record.add(line);
    }
    List<String> cells = record.finish();
    boolean tooMany =
        cells.size() > most
            && !cells.subList(most, cells.size()).stream().allMatch(String::isBlank);
    if (!record.open && !record.trailing && cells.size() >= least && !tooMany && cutOff == 0) {
      return new Cells(number, cells, damage());
    }
    List<String> more = List.copyOf(taken.subList(1, taken.size()));
    more.reversed().forEach(putBack::addFirst);
    taken.subList(1, taken.size()).clear();
    String reason;
    if (cutOff > 0) {
      reason = "it has more than %d characters".formatted(TextLines.LONGEST);
    } else if (record.open || !more.isEmpty()) {
      reason = "a quote is opened but not closed at the end of the cell";
    } else if (record.trailing) {
      reason =
          "text follows the closing quote of a cell: a quote inside a cell must be" + " doubled";
    } else {
      reason =
          "expected %d cells, found %d".formatted(tooMany ? most : least, cells.size())
              + (tooMany ? ": a cell with a comma must be quoted" : "");
    }
    return new Cells(number, cells, reason);
  }

  private String damage() {
    for (String line : taken) {
      String damage = TextFile.damage(line);
      if (!damage.isEmpty()) {
        return damage;
      }
    }
    return "";
  }

  /** The number of records read so far. */
  long number() {
    return number;
  }

  // A line with its end, or null at the end of the stream.
  private @Nullable String line() throws IOException {
    return putBack.isEmpty() ? in.nextWithEnd() : putBack.removeFirst();
  }

  private static boolean isBlank(String line) {
    return line.equals("\n") || line.equals("\r\n") || line.equals("\r");
  }

  /** The record being parsed. */
  private static final class Scan {
    private final char separator;
    private final List<String> cells = new ArrayList<>();
    private final StringBuilder cell = new StringBuilder();

    /** A quote is open, so the record continues on the next line. */
    boolean open;

    /** Text other than spaces follows a closing quote before the next separator. */
    boolean trailing;

    private boolean closed;

    Scan(char separator) {
      this.separator = separator;
    }

    void add(String line) {
      int end = line.length();
      if (end > 0 && line.charAt(end - 1) == '\n') {
        end--;
      }
      if (end > 0 && line.charAt(end - 1) == '\r') {
        end--;
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
          return; // the line ending of the record
        }
        if (c == separator) {
          finishCell();
        } else if (c == '"' && cell.isEmpty() && !closed) {
          open = true;
        } else if (!closed) {
          cell.append(c);
        } else {
          trailing |= c != ' ' && c != '\t';
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
