package org.radialog.data;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The reports in a file from any system. They are read one by one, so that memory use does not grow
 * with the file.
 *
 * <ul>
 *   <li>lines: one report per line; the id is the line number;
 *   <li>a table with a header that contains the columns {@code id} and {@code report} exactly once;
 *   <li>JSONL: objects with {@code id} and either {@code report} or a list {@code references};
 *   <li>ReXrank JSON: one object that maps a study id to an object with {@code report}, {@code
 *       section_findings} and other fields, or with {@code model_prediction} in a system's file.
 * </ul>
 *
 * The file may have any encoding that {@link TextFile} opens. Texts are returned unchanged. A
 * malformed row (an extra cell, an invalid byte, a text of more than {@link #LONGEST} characters)
 * is returned as {@link Broken} with the reason, and the following rows are still read.
 */
public final class ReportFile implements Iterator<ReportFile.Row>, AutoCloseable {
  /** The format of a file of reports. */
  public enum Format {
    LINES,
    CSV,
    JSONL,
    REXRANK;

    /**
     * The format indicated by the file name: {@code .csv} or {@code .tsv}, {@code .jsonl}, {@code
     * .json}, otherwise lines.
     */
    public static Format of(Path file) {
      String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
      if (name.endsWith(".gz")) {
        name = name.substring(0, name.length() - 3);
      }
      if (name.endsWith(".csv") || name.endsWith(".tsv") || name.endsWith(".tab")) {
        return CSV;
      }
      if (name.endsWith(".jsonl") || name.endsWith(".ndjson")) {
        return JSONL;
      }
      return name.endsWith(".json") ? REXRANK : LINES;
    }
  }

  /** An entry of a file. */
  public sealed interface Row {
    /** The number of the line, row or entry, from 1. */
    long number();
  }

  /**
   * A report, or several references for one report.
   *
   * @param number number of the row, from 1
   * @param id id of the report
   * @param texts one or more
   */
  public record Reports(long number, String id, List<String> texts) implements Row {
    public Reports {
      texts = List.copyOf(texts);
    }
  }

  /**
   * An entry that is not a report.
   *
   * @param number number of the row, from 1
   * @param reason reason why it cannot be read, for messages
   */
  public record Broken(long number, String reason) implements Row {}

  /** Maximum number of characters of a report; usual reports have a few hundred. */
  public static final int LONGEST = 1 << 18;

  // Python writes NaN for a missing value. Duplicate fields are refused, because it is unclear
  // which one is meant.
  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxStringLength(TextLines.LONGEST).build())
                  .build())
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
          .build();

  private final Path file;
  private final Source source;
  private @Nullable Row next;
  private boolean ended;
  private long last;

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
   * Opens a file in the format indicated by its name.
   *
   * @param sections for ReXrank JSON, the fields that may contain the report; the first one present
   *     in an entry is used. Other formats ignore it
   * @throws RadialogException if it cannot be read, is a table that lacks one of the two columns or
   *     has it twice, or does not have the format indicated by its name
   */
  public static ReportFile open(Path file, List<String> sections) {
    try {
      return new ReportFile(
          file,
          switch (Format.of(file)) {
            case LINES -> new Lines(file);
            case CSV -> new Table(file);
            case JSONL -> new JsonLines(file);
            case REXRANK -> new Rexrank(file, sections);
          });
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /**
   * All reports of a file by id, in the order of the file.
   *
   * @throws RadialogException if the file cannot be read, a row is not a report, or an id occurs
   *     twice
   */
  public static SequencedMap<String, List<String>> readAll(Path file, List<String> sections) {
    return readAll(
        file,
        sections,
        broken -> {
          throw new RadialogException(
              Kind.REFUSED_DATA,
              "%s, row %d: %s"
                  .formatted(Printable.escaped(file.toString()), broken.number(), broken.reason()));
        });
  }

  /**
   * The reports of a file by id, in the order of the file, without malformed rows.
   *
   * @param broken receives each malformed row
   * @throws RadialogException if the file cannot be read, or an id occurs twice
   */
  public static SequencedMap<String, List<String>> readAll(
      Path file, List<String> sections, Consumer<? super Broken> broken) {
    SequencedMap<String, List<String>> all = new LinkedHashMap<>();
    try (ReportFile reports = open(file, sections)) {
      while (reports.hasNext()) {
        switch (reports.next()) {
          case Reports(long number, String id, List<String> texts) -> {
            if (all.put(id, texts) != null) {
              throw new RadialogException(
                  Kind.REFUSED_DATA,
                  "%s, row %d: the id \"%s\" occurs twice; expected one row per id"
                      .formatted(Printable.escaped(file.toString()), number, Printable.of(id)));
            }
          }
          case Broken row -> broken.accept(row);
        }
      }
    }
    return all;
  }

  private static RadialogException unreadable(Path file, Exception cause) {
    String reason = cause.getClass() == IOException.class ? cause.getMessage() : cause.toString();
    return new RadialogException(
        Kind.REFUSED_DATA,
        "cannot read the reports " + Printable.escaped(file.toString()) + ": " + reason,
        cause);
  }

  /**
   * Whether there is another row. If the file cannot be read further, the last row is a broken one.
   */
  @Override
  public boolean hasNext() {
    if (next == null && !ended) {
      try {
        next = source.next().map(ReportFile::checked).orElse(null);
        ended = next == null;
      } catch (IOException e) {
        ended = true;
        next = new Broken(last + 1, "the file cannot be read further: " + e);
      }
      last = next == null ? last : next.number();
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

  private static Row checked(Row row) {
    if (row instanceof Reports(long number, String id, List<String> texts)) {
      for (String text : texts) {
        if (text.length() > LONGEST) {
          return new Broken(
              number,
              "its text has %d characters: expected at most %d".formatted(text.length(), LONGEST));
        }
        String damage = TextFile.damage(text);
        if (!damage.isEmpty()) {
          return new Broken(number, damage);
        }
      }
      String damage = TextFile.damage(id);
      if (!damage.isEmpty()) {
        return new Broken(number, "its id: " + damage);
      }
    }
    return row;
  }

  /** A source that reads line by line. */
  private abstract static class ByLine implements Source {
    private final Reader in;
    private final TextLines lines;
    private long number;

    ByLine(Path file) throws IOException {
      in = TextFile.open(file);
      lines = new TextLines(in);
    }

    /** Parses a line. */
    abstract Optional<Row> row(long number, String line);

    @Override
    public Optional<Row> next() throws IOException {
      for (String line = lines.next(); line != null; line = lines.next()) {
        number++;
        if (lines.cutOff() > 0) {
          return Optional.of(
              new Broken(
                  number,
                  "the line has %d characters: expected at most %d"
                      .formatted(line.length() + lines.cutOff(), TextLines.LONGEST)));
        }
        Optional<Row> row = row(number, line);
        if (row.isPresent()) {
          return row;
        }
      }
      return Optional.empty();
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }

  private static final class Lines extends ByLine {
    private final Path file;

    Lines(Path file) throws IOException {
      super(file);
      this.file = file;
    }

    @Override
    Optional<Row> row(long number, String line) {
      if (number == 1) {
        requireReport(line);
      }
      return Optional.of(new Reports(number, Long.toString(number), List.of(line)));
    }

    // A table with an unexpected file name would be read as lines, with the header as a report.
    private void requireReport(String first) {
      List<String> cells =
          Stream.of(first.split("[,;\t]", -1))
              .map(cell -> cell.strip().replace("\"", "").toLowerCase(Locale.ROOT))
              .toList();
      boolean table = cells.contains("id") && cells.contains("report");
      if (table || isObject(first)) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            ("%s should have one report per line according to its name, but it begins with"
                    + " %s (%s): rename it to %s")
                .formatted(
                    Printable.escaped(file.toString()),
                    table ? "the header of a table" : "a JSON object",
                    Printable.of(first),
                    table ? ".csv or .tsv" : ".jsonl"));
      }
    }

    private static boolean isObject(String line) {
      if (!line.strip().startsWith("{")) {
        return false;
      }
      try {
        return JSON.readTree(line).isObject();
      } catch (JacksonException e) {
        return false; // a text that begins with a brace
      }
    }
  }

  private static final class Table implements Source {
    private final CsvTable.Rows rows;

    Table(Path file) {
      rows = CsvTable.of(file, "id", "report").open();
    }

    @Override
    public Optional<Row> next() {
      return rows.next()
          .map(row -> {
            long number = row.number() - 1; // the header is not a report
            return row.broken().isEmpty()
                ? new Reports(number, row.get("id"), List.of(row.get("report")))
                : new Broken(number, row.broken());
          });
    }

    @Override
    public void close() {
      rows.close();
    }
  }

  private static final class JsonLines extends ByLine {
    JsonLines(Path file) throws IOException {
      super(file);
    }

    @Override
    Optional<Row> row(long number, String line) {
      if (line.isBlank()) {
        return Optional.empty();
      }
      String damage = TextFile.damage(line);
      if (!damage.isEmpty()) {
        return Optional.of(new Broken(number, damage));
      }
      try {
        return Optional.of(row(number, line, JSON.readTree(line)));
      } catch (JacksonException e) {
        return Optional.of(
            new Broken(number, "not a JSON object on one line: " + e.getOriginalMessage()));
      }
    }

    private static Row row(long number, String line, JsonNode object) {
      JsonNode id = object.path("id");
      if (!id.isString() && !id.isIntegralNumber()) {
        return new Broken(number, "expected an object with an id, found " + Printable.of(line));
      }
      List<String> texts = new ArrayList<>();
      JsonNode references = object.path("references");
      for (JsonNode reference : references.isArray() ? references : JSON.createArrayNode()) {
        if (!reference.isString()) {
          return new Broken(
              number,
              "expected texts in the list \"references\", found " + Printable.of(reference));
        }
        texts.add(reference.stringValue());
      }
      if (texts.isEmpty() && !references.isArray() && object.path("report").isString()) {
        texts.add(object.path("report").stringValue());
      }
      if (texts.isEmpty()) {
        return new Broken(
            number,
            "expected the text \"report\" or the list \"references\", found " + Printable.of(line));
      }
      return new Reports(number, id.asString(), texts);
    }
  }

  private static final class Rexrank implements Source {
    private static final int NAMED = 10; // maximum number of fields named in a message

    private final Reader in;
    private final JsonParser parser;
    private final List<String> sections;
    private long number;
    private boolean ended;

    Rexrank(Path file, List<String> sections) throws IOException {
      this.sections = List.copyOf(sections);
      this.in = TextFile.open(file);
      try {
        this.parser = JSON.createParser(in);
        if (parser.nextToken() != JsonToken.START_OBJECT) {
          throw new IOException("expected one JSON object, study id to study (ReXrank)");
        }
      } catch (JacksonException e) {
        in.close();
        throw new IOException(e.getOriginalMessage(), e);
      } catch (IOException e) {
        in.close();
        throw e;
      }
    }

    @Override
    public Optional<Row> next() {
      if (ended) {
        return Optional.empty();
      }
      number++;
      try {
        if (parser.nextToken() == JsonToken.PROPERTY_NAME) {
          return Optional.of(study(parser.currentName()));
        }
        ended = true;
        return parser.nextToken() == null
            ? Optional.empty()
            : Optional.of(
                new Broken(
                    number,
                    "there is more text after the object of studies; a file with one object per"
                        + " line must have the suffix .jsonl"));
      } catch (JacksonException e) {
        ended = true;
        return Optional.of(
            new Broken(number, "the file cannot be read further: " + e.getOriginalMessage()));
      }
    }

    // Reads field by field, because a study may have many more fields than needed.
    private Row study(String id) {
      Map<String, String> texts = new LinkedHashMap<>();
      Set<String> names = new LinkedHashSet<>();
      Set<String> asked = new HashSet<>();
      Set<String> doubled = new HashSet<>();
      JsonToken value = parser.nextToken();
      if (value != JsonToken.START_OBJECT) {
        parser.skipChildren();
        return new Broken(
            number,
            "the study %s: expected an object, found %s"
                .formatted(Printable.of(id), Printable.of(value)));
      }
      while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = parser.currentName();
        JsonToken field = parser.nextToken();
        if (sections.contains(name)) {
          if (!asked.add(name)) {
            doubled.add(name);
          }
          if (field == JsonToken.VALUE_STRING) {
            texts.put(name, parser.getString());
          }
        }
        parser.skipChildren();
        if (names.size() < NAMED) {
          names.add(name);
        }
      }
      for (String section : sections) {
        String text = texts.get(section);
        if (doubled.contains(section)) {
          return new Broken(
              number, "the study %s has the field %s twice".formatted(Printable.of(id), section));
        }
        if (text != null) {
          return new Reports(number, id, List.of(text));
        }
      }
      return new Broken(
          number,
          "the study %s has no text in any of the fields %s, found the fields %s"
              .formatted(Printable.of(id), sections, Printable.of(names)));
    }

    @Override
    public void close() throws IOException {
      parser.close();
      in.close();
    }
  }
}
