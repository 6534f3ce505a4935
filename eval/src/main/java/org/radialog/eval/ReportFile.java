package org.radialog.eval;

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
import org.radialog.data.CsvTable;
import org.radialog.data.TextFile;
import org.radialog.data.TextLines;
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
 * Reports in a file, of any system: read one by one, so that a million need no memory.
 *
 * <ul>
 *   <li>lines: one report a line, the id is the line's number;
 *   <li>a table with a header: columns {@code id} and {@code report}, once each;
 *   <li>JSONL: objects with {@code id} and {@code report}, or {@code references}, a list;
 *   <li>ReXrank JSON: one object, study id to an object with {@code report}, {@code
 *       section_findings} and others, or in a system's file {@code model_prediction}.
 * </ul>
 *
 * Any encoding that {@link TextFile} opens will do. What is handed over is what stands there: a row
 * that is not whole (a cell too many, a byte that is no character, a text beyond {@link #LONGEST}
 * characters) is {@link Broken}, with the reason, and the rows behind it come all the same.
 */
public final class ReportFile implements Iterator<ReportFile.Row>, AutoCloseable {
  /** How reports stand in a file. */
  public enum Format {
    LINES,
    CSV,
    JSONL,
    REXRANK;

    /**
     * The format that a file's name tells: {@code .csv} or {@code .tsv}, {@code .jsonl}, {@code
     * .json}, else lines.
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

  /** What a file has at one place. */
  public sealed interface Row {
    /** Where: the number of the line, row or entry, from 1. */
    long number();
  }

  /**
   * A report, or several references for one.
   *
   * @param number of the row, from 1
   * @param id of the report
   * @param texts one or more
   */
  public record Reports(long number, String id, List<String> texts) implements Row {
    public Reports {
      texts = List.copyOf(texts);
    }
  }

  /**
   * What is not a report, and why.
   *
   * @param number of the row, from 1
   * @param reason why it cannot be read, for people
   */
  public record Broken(long number, String reason) implements Row {}

  /** Characters of the longest text that is taken for a report; one has some hundred. */
  public static final int LONGEST = 1 << 18;

  // Python writes NaN for what is missing; a field that stands there twice is not to be guessed at.
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
   * Opens a file in the format that its name tells.
   *
   * @param sections for ReXrank JSON the fields that a report may stand in, of which the first that
   *     an entry has is taken; for the others of no meaning
   * @throws RadialogException if it cannot be read, is a table without the two columns or with one
   *     of them twice, or is not in the format that its name tells
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
   * All reports of a file by id, in its order.
   *
   * @throws RadialogException if the file cannot be read, a row is not a report, or an id stands
   *     there twice
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
   * The reports of a file by id, in its order, but for the rows that are none.
   *
   * @param broken hears of each of those
   * @throws RadialogException if the file cannot be read, or an id stands there twice
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

  /** Whether there is a further row. A file that cannot be read on ends with a broken row. */
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

  /** A file by lines. */
  private abstract static class ByLine implements Source {
    private final Reader in;
    private final TextLines lines;
    private long number;

    ByLine(Path file) throws IOException {
      in = TextFile.open(file);
      lines = new TextLines(in);
    }

    /** What stands in a line. */
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

    // A table by another name would give its header and its ids for reports.
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
            long number = row.number() - 1; // the header is no report
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
            new Broken(number, "not a JSON object in one line: " + e.getOriginalMessage()));
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
    private static final int NAMED = 10; // fields that a message names

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

    // Field by field: a study may hold more than is asked for.
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
