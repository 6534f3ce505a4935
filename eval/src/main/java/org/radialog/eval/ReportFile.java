package org.radialog.eval;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.zip.GZIPInputStream;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.jspecify.annotations.Nullable;
import org.radialog.base.RadialogException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reports in a file, of any system: read one by one, so that a million need no memory.
 *
 * <ul>
 *   <li>lines: one report a line, the id is the line's number;
 *   <li>CSV with a header: columns {@code id} and {@code report};
 *   <li>JSONL: objects with {@code id} and {@code report}, or {@code references}, a list;
 *   <li>ReXrank JSON: one object, study id to an object with {@code report}, {@code
 *       section_findings} and others, or in a system's file {@code model_prediction}.
 * </ul>
 *
 * A name that ends in {@code .gz} is unpacked.
 */
public final class ReportFile implements Iterator<ReportFile.Row>, AutoCloseable {
  /** How reports stand in a file. */
  public enum Format {
    LINES,
    CSV,
    JSONL,
    REXRANK;

    /**
     * The format that a file's name tells: {@code .csv}, {@code .jsonl}, {@code .json}, else lines.
     */
    public static Format of(Path file) {
      String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
      if (name.endsWith(".gz")) {
        name = name.substring(0, name.length() - 3);
      }
      if (name.endsWith(".csv")) {
        return CSV;
      }
      if (name.endsWith(".jsonl") || name.endsWith(".ndjson")) {
        return JSONL;
      }
      return name.endsWith(".json") ? REXRANK : LINES;
    }
  }

  /** What a file has at one place. */
  public sealed interface Row {
    /** Where: the number of the line, row or entry, from 1. */
    long number();
  }

  /**
   * A report, or several references for one.
   *
   * @param texts one or more
   */
  public record Reports(long number, String id, List<String> texts) implements Row {
    public Reports {
      texts = List.copyOf(texts);
    }
  }

  /** What is not a report, and why. */
  public record Broken(long number, String reason) implements Row {}

  /** Longest line that is read; a report has some hundred characters. */
  private static final int LONGEST = 16 << 20;

  private static final JsonMapper JSON = JsonMapper.shared();

  private final Path file;
  private final Source source;
  private @Nullable Row next;
  private boolean ended;

  private ReportFile(Path file, Source source) {
    this.file = file;
    this.source = source;
  }

  private interface Source extends AutoCloseable {
    /** The next row; empty at the end. */
    Optional<Row> next() throws IOException;

    @Override
    void close() throws IOException;
  }

  /**
   * Opens a file in the format that its name tells.
   *
   * @param sections for ReXrank JSON the fields that a report may stand in, of which the first that
   *     an entry has is taken; for the others of no meaning
   * @throws RadialogException if it cannot be read, or is a CSV without the two columns
   */
  public static ReportFile open(Path file, List<String> sections) {
    try {
      BufferedReader text = reader(file);
      try {
        return new ReportFile(
            file,
            switch (Format.of(file)) {
              case LINES -> new Lines(text);
              case CSV -> new Table(file, text);
              case JSONL -> new JsonLines(text);
              case REXRANK -> new Rexrank(text, sections);
            });
      } catch (IOException | RuntimeException e) {
        text.close();
        throw e;
      }
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /**
   * All reports of a file by id, in its order.
   *
   * @throws RadialogException if the file cannot be read, a row is not a report, or an id stands
   *     there twice
   */
  public static SequencedMap<String, List<String>> readAll(Path file, List<String> sections) {
    SequencedMap<String, List<String>> all = new LinkedHashMap<>();
    try (ReportFile reports = open(file, sections)) {
      while (reports.hasNext()) {
        switch (reports.next()) {
          case Reports(long number, String id, List<String> texts) -> {
            if (all.put(id, texts) != null) {
              throw new RadialogException(
                  "%s, row %d: the id \"%s\" stands there twice; expected one row an id"
                      .formatted(file, number, id));
            }
          }
          case Broken(long number, String reason) ->
              throw new RadialogException("%s, row %d: %s".formatted(file, number, reason));
        }
      }
    }
    return all;
  }

  private static BufferedReader reader(Path file) throws IOException {
    InputStream bytes = Files.newInputStream(file);
    try {
      InputStream plain =
          String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT).endsWith(".gz")
              ? new GZIPInputStream(bytes, 1 << 16)
              : bytes;
      return new BufferedReader(new InputStreamReader(plain, StandardCharsets.UTF_8), 1 << 16);
    } catch (IOException e) {
      bytes.close();
      throw e;
    }
  }

  private static RadialogException unreadable(Path file, Exception cause) {
    return new RadialogException("cannot read the reports " + file + ": " + cause, cause);
  }

  /**
   * Whether there is a further row.
   *
   * @throws RadialogException if the file cannot be read on
   */
  @Override
  public boolean hasNext() {
    if (next == null && !ended) {
      try {
        next = source.next().orElse(null);
      } catch (IOException | UncheckedIOException | JacksonException e) {
        throw unreadable(file, e);
      }
      ended = next == null;
    }
    return next != null;
  }

  @Override
  public Row next() {
    if (!hasNext()) {
      throw new NoSuchElementException("no further report in " + file);
    }
    Row row = Objects.requireNonNull(next);
    next = null;
    return row;
  }

  @Override
  public void close() {
    try {
      source.close();
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  // A line of any length would fill the memory.
  private static Optional<String> line(BufferedReader text) throws IOException {
    StringBuilder line = new StringBuilder();
    int c = text.read();
    if (c < 0) {
      return Optional.empty();
    }
    for (; c >= 0 && c != '\n'; c = text.read()) {
      if (line.length() == LONGEST) {
        throw new IOException("a line of more than " + LONGEST + " characters");
      }
      line.append((char) c);
    }
    int length = line.length();
    if (length > 0 && line.charAt(length - 1) == '\r') {
      line.setLength(length - 1);
    }
    return Optional.of(line.toString());
  }

  private static final class Lines implements Source {
    private final BufferedReader text;
    private long number;

    Lines(BufferedReader text) {
      this.text = text;
    }

    @Override
    public Optional<Row> next() throws IOException {
      return line(text)
          .map(report -> {
            number++;
            return new Reports(number, Long.toString(number), List.of(report));
          });
    }

    @Override
    public void close() throws IOException {
      text.close();
    }
  }

  private static final class Table implements Source {
    private static final CSVFormat FORMAT =
        CSVFormat.DEFAULT.builder().setHeader().setSkipHeaderRecord(true).get();

    private final CSVParser parser;
    private final Iterator<CSVRecord> rows;

    Table(Path file, BufferedReader text) throws IOException {
      parser = FORMAT.parse(text);
      for (String column : List.of("id", "report")) {
        if (!parser.getHeaderNames().contains(column)) {
          throw new RadialogException(
              "%s has no column \"%s\": expected the columns id and report, found %s"
                  .formatted(file, column, parser.getHeaderNames()));
        }
      }
      rows = parser.iterator();
    }

    @Override
    public Optional<Row> next() {
      if (!rows.hasNext()) {
        return Optional.empty();
      }
      CSVRecord row = rows.next();
      long number = row.getRecordNumber();
      if (!row.isSet("id") || !row.isSet("report")) {
        return Optional.of(
            new Broken(
                number,
                "expected %d cells, found %d"
                    .formatted(parser.getHeaderNames().size(), row.size())));
      }
      return Optional.of(new Reports(number, row.get("id"), List.of(row.get("report"))));
    }

    @Override
    public void close() throws IOException {
      parser.close();
    }
  }

  private static final class JsonLines implements Source {
    private final BufferedReader text;
    private long number;

    JsonLines(BufferedReader text) {
      this.text = text;
    }

    @Override
    public Optional<Row> next() throws IOException {
      Optional<String> line = line(text);
      while (line.isPresent() && line.get().isBlank()) {
        number++;
        line = line(text);
      }
      number++;
      return line.map(this::row);
    }

    private Row row(String line) {
      JsonNode object;
      try {
        object = JSON.readTree(line);
      } catch (JacksonException e) {
        return new Broken(number, "not JSON: " + e.getOriginalMessage());
      }
      JsonNode id = object.path("id");
      if (!id.isString() && !id.isIntegralNumber()) {
        return new Broken(number, "expected an object with an id, found " + shown(line));
      }
      List<String> texts = new ArrayList<>();
      if (object.path("references").isArray()) {
        object.path("references").forEach(r -> texts.add(r.isString() ? r.stringValue() : ""));
      } else if (object.path("report").isString()) {
        texts.add(object.path("report").stringValue());
      }
      if (texts.isEmpty()) {
        return new Broken(
            number,
            "expected the text \"report\" or the list \"references\", found " + shown(line));
      }
      return new Reports(number, id.asString(), texts);
    }

    @Override
    public void close() throws IOException {
      text.close();
    }
  }

  private static final class Rexrank implements Source {
    private final JsonParser parser;
    private final List<String> sections;
    private long number;

    Rexrank(BufferedReader text, List<String> sections) throws IOException {
      this.parser = JSON.createParser(text);
      this.sections = List.copyOf(sections);
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new IOException("expected one JSON object, study id to study (ReXrank)");
      }
    }

    @Override
    public Optional<Row> next() {
      if (parser.nextToken() != JsonToken.PROPERTY_NAME) {
        return Optional.empty();
      }
      number++;
      String id = parser.currentName();
      parser.nextToken();
      JsonNode study = parser.readValueAsTree();
      for (String section : sections) {
        JsonNode text = study.path(section);
        if (text.isString()) {
          return Optional.of(new Reports(number, id, List.of(text.stringValue())));
        }
      }
      return Optional.of(
          new Broken(
              number,
              "the study %s has none of the fields %s, found %s"
                  .formatted(id, sections, List.copyOf(study.propertyNames()))));
    }

    @Override
    public void close() {
      parser.close();
    }
  }

  private static String shown(String line) {
    return line.length() > 80 ? line.substring(0, 80) + "…" : line;
  }
}
