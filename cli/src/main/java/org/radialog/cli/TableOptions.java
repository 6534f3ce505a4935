package org.radialog.cli;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.radialog.base.CsvLine;
import org.radialog.base.Printable;
import org.radialog.base.WholeFile;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/** Where a table goes, and in which form. */
final class TableOptions {
  @Option(
      names = "--json",
      description = "One JSON object per row in place of CSV; an empty cell is left out.")
  private boolean json;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "Where the table goes, whole or not at all (default: stdout).")
  private @Nullable Path out;

  /** Writes a table; each row has a number or a text for each column. */
  void write(List<String> columns, List<List<Object>> rows) {
    Stream<String> lines =
        json
            ? rows.stream().map(row -> object(columns, row).toString())
            : Stream.concat(Stream.of(CsvLine.of(columns)), rows.stream().map(CsvLine::of));
    if (out == null) {
      lines.forEachOrdered(Terminal.data()::println);
      return;
    }
    WholeFile.write(
        out,
        file -> {
          for (String line : (Iterable<String>) lines::iterator) {
            file.write((line + '\n').getBytes(StandardCharsets.UTF_8));
          }
        });
    Terminal.say("wrote " + Printable.escaped(out.toString()));
  }

  private static ObjectNode object(List<String> columns, List<Object> row) {
    ObjectNode object = Json.object();
    for (int i = 0; i < columns.size(); i++) {
      if (!row.get(i).equals("")) {
        object.set(columns.get(i), Json.tree(row.get(i)));
      }
    }
    return object;
  }
}
