package org.radialog.data;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.radialog.data.CsvTable.Row;

/**
 * The rows of a table that belong together (the images of a study), wherever they stand in it. The
 * table is read twice: once to count the rows of each group, once to hand over a group when its
 * last row has come. So only groups that are under way are in memory, and the key of each.
 */
final class GroupedRows {
  private GroupedRows() {}

  /**
   * @param key the group of a row
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
