package org.radialog.train;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.data.CsvTable;

/** Tables of probabilities from classifier runs. */
final class Probabilities {
  private Probabilities() {}

  /**
   * Reads the 14 probabilities per image from all {@code tables}.
   *
   * @throws RadialogException if a table cannot be read or an image occurs in two tables
   */
  static Map<String, double[]> read(List<Path> tables) {
    Map<String, double[]> rows = new LinkedHashMap<>();
    String[] columns =
        Stream.concat(Stream.of("image"), Finding.ALL.stream().map(Finding::label))
            .toArray(String[]::new);
    for (Path table : tables) {
      CsvTable.of(table, columns)
          .read(
              row -> {
                double[] probabilities = new double[Finding.COUNT];
                for (Finding finding : Finding.ALL) {
                  probabilities[finding.column()] = probability(table, row, finding);
                }
                if (rows.put(row.get("image"), probabilities) != null) {
                  throw new RadialogException(
                      Kind.REFUSED_DATA,
                      "%s: image %s occurs in two of %s"
                          .formatted(
                              Printable.escaped(table.toString()),
                              Printable.of(row.get("image")),
                              Printable.of(tables)));
                }
              },
              rejected -> {
                throw new RadialogException(Kind.REFUSED_DATA, rejected.toString());
              });
    }
    return rows;
  }

  private static double probability(Path table, CsvTable.Row row, Finding finding) {
    String cell = row.get(finding.label());
    try {
      return Double.parseDouble(cell);
    } catch (NumberFormatException e) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "%s, row %d was not written by a classifier run: expected a probability of %s, found \"%s\""
              .formatted(
                  Printable.escaped(table.toString()),
                  row.number(),
                  finding.label(),
                  Printable.of(cell)),
          e);
    }
  }
}
