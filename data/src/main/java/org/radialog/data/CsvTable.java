package org.radialog.data;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * A table with a header, in any encoding that {@link TextFile} opens, read row by row. Cells are
 * separated by commas, or by tabs or semicolons if the header is. Columns without a name are
 * ignored. Columns are found by name; if there is no exact match, case is ignored.
 *
 * @param file the file
 * @param columns required columns; a table without them is refused
 * @param optional further columns, which are read if present
 */
public record CsvTable(Path file, List<String> columns, List<String> optional) {
  public CsvTable {
    columns = List.copyOf(columns);
    optional = List.copyOf(optional);
  }

  /** A table that must have these columns. */
  public static CsvTable of(Path file, String... columns) {
    return new CsvTable(file, List.of(columns), List.of());
  }

  /** The same table with these optional columns. */
  CsvTable with(List<String> more) {
    return new CsvTable(file, columns, more);
  }

  /** The first file of {@code folder} whose name matches, for example {@code mimic-cxr-2.*.csv}. */
  static Path find(Path folder, String glob) {
    List<Path> found = matching(folder, glob);
    if (found.isEmpty()) {
      throw new RadialogException(Kind.REFUSED_DATA, "%s has no file %s".formatted(folder, glob));
    }
    return found.getFirst();
  }

  /** The files of {@code folder} whose names match, sorted. */
  static List<Path> matching(Path folder, String glob) {
    if (!Files.isDirectory(folder)) {
      throw new RadialogException(
          Kind.REFUSED_DATA, "%s is not a folder: expected one with %s".formatted(folder, glob));
    }
    var matcher = folder.getFileSystem().getPathMatcher("glob:" + glob);
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> matcher.matches(file.getFileName())).sorted().toList();
    } catch (IOException e) {
      throw new RadialogException(Kind.REFUSED_DATA, "cannot list " + folder + ": " + e, e);
    }
  }

  /** One row. */
  public static final class Row {
    private final Columns columns;
    private final CsvRecords.Cells cells;

    private Row(Columns columns, CsvRecords.Cells cells) {
      this.columns = columns;
      this.cells = cells;
    }

    /** The row number; the header is row 1. */
    public long number() {
      return cells.number();
    }

    /** The reason why the row cannot be used; empty if it can. */
    public String broken() {
      return cells.broken();
    }

    /** The cell of a column; empty if the table has no such column. */
    public String get(String column) {
      OptionalInt place = columns.place(column);
      return place.isEmpty() ? "" : get(place.getAsInt());
    }

    /** The cell at an index, from 0. */
    String get(int place) {
      return place < cells.cells().size() ? cells.cells().get(place) : "";
    }
  }

  /** The indices of the columns, by exact name or else ignoring case. */
  private static final class Columns {
    private final List<String> header;
    private final Map<String, Integer> places = new HashMap<>();
    private final Set<String> doubled = new HashSet<>();

    Columns(List<String> header) {
      this.header = header;
      Set<String> exact = new HashSet<>();
      for (int i = 0; i < header.size(); i++) {
        if (places.putIfAbsent(header.get(i), i) != null) {
          doubled.add(header.get(i));
        }
        exact.add(header.get(i));
      }
      Set<String> folded = new HashSet<>();
      for (int i = 0; i < header.size(); i++) {
        String name = folded(header.get(i));
        if (!exact.contains(name) && (places.putIfAbsent(name, i) != null || !folded.add(name))) {
          doubled.add(name);
        }
      }
    }

    private static String folded(String name) {
      return name.strip().toLowerCase(Locale.ROOT);
    }

    OptionalInt place(String column) {
      Integer place = places.get(column);
      place = place == null ? places.get(folded(column)) : place;
      return place == null ? OptionalInt.empty() : OptionalInt.of(place);
    }

    boolean has(List<String> names) {
      return names.stream().allMatch(name -> place(name).isPresent());
    }

    boolean doubled(String column) {
      return doubled.contains(places.containsKey(column) ? column : folded(column));
    }

    /** The number of cells up to the last column with a name. */
    int named() {
      int named = header.size();
      while (named > 0 && header.get(named - 1).isBlank()) {
        named--;
      }
      return named;
    }
  }

  /** An iterator over the rows. */
  public final class Rows implements AutoCloseable {
    private final Reader in;
    private final CsvRecords records;
    private final Columns header;
    private boolean ended;

    private Rows() throws IOException {
      in = TextFile.open(file);
      try {
        records = new CsvRecords(in);
        header = columns(records);
      } catch (IOException | RuntimeException e) {
        in.close();
        throw e;
      }
    }

    /** The next row, valid or broken; empty at the end. */
    public Optional<Row> next() {
      if (ended) {
        return Optional.empty();
      }
      CsvRecords.Cells cells;
      try {
        // Some published headers end in commas that are missing in the rows.
        cells = records.next(header.named(), header.named());
      } catch (IOException e) {
        // If a file is truncated (for example a gzip file), the rows before the break are kept.
        ended = true;
        cells =
            new CsvRecords.Cells(
                records.number() + 1, List.of(), "the table cannot be read further: " + e);
      }
      return Optional.ofNullable(cells).map(found -> new Row(header, found));
    }

    @Override
    public void close() {
      try {
        in.close();
      } catch (IOException e) {
        throw unreadable(e);
      }
    }
  }

  /**
   * Opens the table.
   *
   * @throws RadialogException if the file is missing or unreadable, lacks a column or has a column
   *     twice
   */
  public Rows open() {
    try {
      return new Rows();
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  /** The names of the columns, in order. */
  public List<String> header() {
    try (Rows rows = open()) {
      return rows.header.header;
    }
  }

  /** Whether the header contains a column. */
  public boolean has(String column) {
    try (Rows rows = open()) {
      return rows.header.place(column).isPresent();
    }
  }

  /** As {@link #read(Consumer, Consumer)}, with a sink. */
  void read(Consumer<Row> rows, StudySink out) {
    read(rows, out::reject);
  }

  /**
   * Passes on every row that has as many cells as the header; other rows are rejected.
   *
   * @throws RadialogException if the file is missing or unreadable, lacks a column or has a column
   *     twice
   */
  public void read(Consumer<Row> rows, Consumer<Rejected> rejected) {
    try (Rows all = open()) {
      for (Optional<Row> next = all.next(); next.isPresent(); next = all.next()) {
        Row row = next.get();
        if (row.broken().isEmpty()) {
          rows.accept(row);
        } else {
          rejected.accept(new Rejected(file, row.number(), row.broken()));
        }
      }
    }
  }

  private Columns columns(CsvRecords records) throws IOException {
    Columns header =
        new Columns(records.header(cells -> new Columns(cells).has(columns), separators()));
    for (String column : columns) {
      if (header.place(column).isEmpty()) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            "%s has no column \"%s\": expected %s, found %s"
                .formatted(
                    Printable.escaped(file.toString()),
                    column,
                    columns,
                    Printable.of(header.header)));
      }
    }
    for (String column : Stream.concat(columns.stream(), optional.stream()).toList()) {
      if (header.doubled(column)) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            "%s has the column \"%s\" twice: expected it once, found %s"
                .formatted(
                    Printable.escaped(file.toString()), column, Printable.of(header.header)));
      }
    }
    return header;
  }

  // The separator is a comma, or, depending on the file name or the header, a tab or a semicolon
  // (used in many European countries).
  private char[] separators() {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    boolean tabs = name.matches(".*\\.(tsv|tab)(\\.gz)?");
    return tabs ? new char[] {'\t', ',', ';'} : new char[] {',', '\t', ';'};
  }

  private RadialogException unreadable(IOException e) {
    return new RadialogException(
        Kind.REFUSED_DATA,
        "cannot read the table " + Printable.escaped(file.toString()) + ": " + e,
        e);
  }
}
