package org.radialog.data;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PushbackReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.apache.commons.csv.DuplicateHeaderMode;
import org.radialog.base.RadialogException;

/**
 * A table with a header, plain or gzipped ({@code .gz}), read row by row.
 *
 * @param file where it lies
 * @param columns those without which it is another table
 */
record CsvTable(Path file, List<String> columns) {
  // A quote inside a cell and a file that ends within one are common in published tables: they must
  // not cost the rest.
  private static final CSVFormat FORMAT =
      CSVFormat.DEFAULT
          .builder()
          .setHeader()
          .setSkipHeaderRecord(true)
          .setAllowMissingColumnNames(true)
          .setDuplicateHeaderMode(DuplicateHeaderMode.ALLOW_EMPTY)
          .setLenientEof(true)
          .setTrailingData(true)
          .get();

  CsvTable {
    columns = List.copyOf(columns);
  }

  static CsvTable of(Path file, String... columns) {
    return new CsvTable(file, List.of(columns));
  }

  /**
   * The one file of {@code folder} whose name fits, for example {@code mimic-cxr-2.*-split.csv}.
   */
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

  /** One row: the header is row 1. */
  static final class Row {
    private final CSVRecord cells;

    private Row(CSVRecord cells) {
      this.cells = cells;
    }

    long number() {
      return cells.getRecordNumber() + 1;
    }

    /** The cell of a column; empty where the table has no such column. */
    String get(String column) {
      return cells.isMapped(column) && cells.isSet(column) ? cells.get(column) : "";
    }

    /** The cell at a place, from 0. */
    String get(int place) {
      return place < cells.size() ? cells.get(place) : "";
    }
  }

  /** The header, in order. */
  List<String> header() {
    try (Reader in = open();
        CSVParser rows = FORMAT.parse(in)) {
      return check(rows);
    } catch (IOException | UncheckedIOException e) {
      throw unreadable(e);
    }
  }

  /**
   * Hands over every row that is as long as the header; a shorter one is rejected.
   *
   * @throws RadialogException if the file is missing, unreadable or lacks a column
   */
  void read(Consumer<Row> rows, Consumer<Rejected> rejected) {
    try (Reader in = open();
        CSVParser parser = FORMAT.parse(in)) {
      long named = check(parser).stream().filter(name -> !name.isBlank()).count();
      Iterator<CSVRecord> records = parser.iterator();
      while (hasNext(records, parser, rejected)) {
        CSVRecord cells = records.next();
        if (cells.size() < named) {
          rejected.accept(
              new Rejected(
                  file,
                  cells.getRecordNumber() + 1,
                  "expected %d cells, found %d".formatted(named, cells.size())));
        } else {
          rows.accept(new Row(cells));
        }
      }
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  /** As {@link #read(Consumer, Consumer)}, into a sink. */
  void read(Consumer<Row> rows, StudySink out) {
    read(rows, out::reject);
  }

  // A file that breaks off (a cut gzip) keeps the rows before the break.
  private boolean hasNext(
      Iterator<CSVRecord> records, CSVParser parser, Consumer<Rejected> rejected) {
    try {
      return records.hasNext();
    } catch (UncheckedIOException e) {
      rejected.accept(
          new Rejected(
              file, parser.getRecordNumber() + 2, "the table cannot be read on: " + e.getCause()));
      return false;
    }
  }

  private List<String> check(CSVParser rows) {
    List<String> header = rows.getHeaderNames();
    for (String column : columns) {
      if (!header.contains(column)) {
        throw new RadialogException(
            "%s has no column \"%s\": expected %s, found %s"
                .formatted(file, column, columns, header));
      }
    }
    return header;
  }

  private Reader open() throws IOException {
    InputStream bytes = Files.newInputStream(file);
    try {
      if (file.getFileName().toString().endsWith(".gz")) {
        bytes = new GZIPInputStream(bytes, 1 << 16);
      }
      var reader =
          new PushbackReader(
              new BufferedReader(new InputStreamReader(bytes, StandardCharsets.UTF_8), 1 << 16));
      int first = reader.read();
      if (first >= 0 && first != 0xFEFF) { // a byte order mark is no part of the first name
        reader.unread(first);
      }
      return reader;
    } catch (IOException e) {
      bytes.close();
      throw e;
    }
  }

  private RadialogException unreadable(Exception e) {
    return new RadialogException("cannot read the table " + file + ": " + e, e);
  }
}
