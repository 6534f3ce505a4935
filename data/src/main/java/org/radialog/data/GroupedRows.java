package org.radialog.data;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.radialog.data.CsvTable.Row;

/**
 * Groups the rows of a table (for example the images of a study), wherever they occur in the table.
 * The table is read twice: first to count the rows of each group, then to pass on each group when
 * its last row has been read. Only the incomplete groups and the keys of all groups are kept in
 * memory.
 */
final class GroupedRows {
  private GroupedRows() {}

  /**
   * Reads the table.
   *
   * @param key returns the group of a row
   */
  static void read(
      CsvTable table,
      Function<Row, String> key,
      StudySink out,
      BiConsumer<String, List<Row>> groups) {
    var left = new HashMap<String, Integer>();
    table.read(row -> left.merge(key.apply(row), 1, Integer::sum), line -> {});
    Map<String, List<Row>> open = new HashMap<>();
    table.read(
        row -> {
          String group = key.apply(row);
          List<Row> rows = open.computeIfAbsent(group, g -> new ArrayList<>());
          rows.add(row);
          if (rows.size() >= left.getOrDefault(group, 0)) {
            open.remove(group);
            groups.accept(group, rows);
          }
        },
        out);
  }
}
