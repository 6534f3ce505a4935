package org.radialog.data;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import org.radialog.base.RadialogException;

/**
 * A table with a header, plain or gzipped ({@code .gz}), read row by row.
 *
 * @param file where it lies
 * @param columns those without which it is another table
 */
record CsvTable(Path file, List<String> columns) {
  CsvTable {
    columns = List.copyOf(columns);
  }

  static CsvTable of(Path file, String... columns) {
    return new CsvTable(file, List.of(columns));
  }

  /** The first file of {@code folder} whose name fits, for example {@code mimic-cxr-2.*.csv}. */
  static Path find(Path folder, String glob) {
    List<Path> found = matching(folder, glob);
    if (found.isEmpty()) {
      throw new RadialogException("%s has no file %s".formatted(folder, glob));
    }
    return found.getFirst();
  }

  /** The files of {@code folder} whose names fit, sorted. */
  static List<Path> matching(Path folder, String glob) {
    if (!Files.isDirectory(folder)) {
      throw new RadialogException("%s is no folder: expected one with %s".formatted(folder, glob));
    }
    var matcher = folder.getFileSystem().getPathMatcher("glob:" + glob);
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> matcher.matches(file.getFileName())).sorted().toList();
    } catch (IOException e) {
      throw new RadialogException("cannot list " + folder + ": " + e, e);
    }
  }

  /** One row. */
  static final class Row {
    private final Map<String, Integer> places;
    private final CsvRecords.Cells cells;

    private Row(Map<String, Integer> places, CsvRecords.Cells cells) {
      this.places = places;
      this.cells = cells;
    }

    /** The header is row 1. */
    long number() {
      return cells.number();
    }

    /** The cell of a column; empty where the table has no such column. */
    String get(String column) {
      Integer place = places.get(column);
      return place == null ? "" : get(place);
    }

    /** The cell at a place, from 0. */
    String get(int place) {
      return place < cells.cells().size() ? cells.cells().get(place) : "";
    }
  }

  /** The header, in order. */
  List<String> header() {
    try (BufferedReader in = open()) {
      return header(new CsvRecords(in));
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  /** As {@link #read(Consumer, Consumer)}, into a sink. */
  void read(Consumer<Row> rows, StudySink out) {
    read(rows, out::reject);
  }

  /**
   * Hands over every row that is as long as the header; any other is rejected.
   *
   * @throws RadialogException if the file is missing, unreadable or lacks a column
   */
  void read(Consumer<Row> rows, Consumer<Rejected> rejected) {
    try (BufferedReader in = open()) {
      var records = new CsvRecords(in);
      List<String> header = header(records);
      var places = new HashMap<String, Integer>();
      for (int i = 0; i < header.size(); i++) {
        places.putIfAbsent(header.get(i), i);
      }
      // Some published headers end in commas that their rows do not have.
      int named = (int) header.stream().filter(name -> !name.isBlank()).count();
      CsvRecords.Cells cells = next(records, named, header.size(), rejected);
      while (cells != null) {
        if (cells.broken().isEmpty()) {
          rows.accept(new Row(places, cells));
        } else {
          rejected.accept(new Rejected(file, cells.number(), cells.broken()));
        }
        cells = next(records, named, header.size(), rejected);
      }
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  // A file that breaks off (a cut gzip) keeps the rows before the break.
  private CsvRecords.@Nullable Cells next(
      CsvRecords records, int least, int most, Consumer<Rejected> rejected) {
    try {
      return records.next(least, most);
    } catch (IOException e) {
      rejected.accept(
          new Rejected(file, records.number() + 1, "the table cannot be read on: " + e));
      return null;
    }
  }

  private List<String> header(CsvRecords records) throws IOException {
    CsvRecords.Cells first = records.next(1, Integer.MAX_VALUE);
    List<String> header = first == null ? List.of() : first.cells();
    for (String column : columns) {
      if (!header.contains(column)) {
        throw new RadialogException(
            "%s has no column \"%s\": expected %s, found %s"
                .formatted(file, column, columns, header));
      }
    }
    return header;
  }

  private BufferedReader open() throws IOException {
    InputStream bytes = Files.newInputStream(file);
    try {
      if (file.getFileName().toString().endsWith(".gz")) {
        bytes = new GZIPInputStream(bytes, 1 << 16);
      }
      var reader =
          new BufferedReader(new InputStreamReader(bytes, StandardCharsets.UTF_8), 1 << 16);
      reader.mark(1);
      if (reader.read() != 0xFEFF) { // a byte order mark is no part of the first name
        reader.reset();
      }
      return reader;
    } catch (IOException e) {
      bytes.close();
      throw e;
    }
  }

  private RadialogException unreadable(IOException e) {
    return new RadialogException("cannot read the table " + file + ": " + e, e);
  }
}
