package org.radialog.base;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A line of a table as RFC 4180 has it: cells between commas, in quotes where they need them. The
 * line end is the caller's.
 */
public final class CsvLine {
  private CsvLine() {}

  /** A line of cells, each as {@code toString} writes it. */
  public static String of(Object... cells) {
    return of(List.of(cells));
  }

  /** A line of cells, each as {@code toString} writes it. */
  public static String of(List<?> cells) {
    return IntStream.range(0, cells.size())
        .mapToObj(i -> cell(cells.get(i).toString(), i == 0))
        .collect(Collectors.joining(","));
  }

  private static String cell(String text, boolean first) {
    return quoted(text, first) ? '"' + text.replace("\"", "\"\"") + '"' : text;
  }

  // An empty first cell might be all of the line, which then would be an empty line. Some programs
  // skip a line that begins with # and trim cells.
  private static boolean quoted(String text, boolean first) {
    if (text.isEmpty()) {
      return first;
    }
    return text.charAt(0) <= '#'
        || text.charAt(text.length() - 1) <= ' '
        || text.chars().anyMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
  }
}
