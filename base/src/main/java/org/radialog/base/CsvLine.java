package org.radialog.base;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A line of a CSV table as in RFC 4180: cells separated by commas, quoted if necessary. The caller
 * adds the line end.
 */
public final class CsvLine {
  private CsvLine() {}

  /** A line of cells, each written with {@code toString}. */
  public static String of(Object... cells) {
    return of(List.of(cells));
  }

  /** A line of cells, each written with {@code toString}. */
  public static String of(List<?> cells) {
    return IntStream.range(0, cells.size())
        .mapToObj(i -> cell(cells.get(i).toString(), i == 0))
        .collect(Collectors.joining(","));
  }

  private static String cell(String text, boolean first) {
    return quoted(text, first) ? '"' + text.replace("\"", "\"\"") + '"' : text;
  }

  // A line with one empty cell would be an empty line. Some programs skip a line that begins with #
  // and trim cells.
  private static boolean quoted(String text, boolean first) {
    if (text.isEmpty()) {
      return first;
    }
    return text.charAt(0) <= '#'
        || text.charAt(text.length() - 1) <= ' '
        || text.chars().anyMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
  }
}
