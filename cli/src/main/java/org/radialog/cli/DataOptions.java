package org.radialog.cli;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.radialog.base.CsvLine;
import org.radialog.base.Printable;
import org.radialog.base.WholeFile;
import org.radialog.data.NihRelease;
import org.radialog.data.Rejected;
import org.radialog.data.StudySource;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/** Options of the data commands: the data set and the output of a table. */
final class DataOptions {
  private DataOptions() {}

  /** A data set, whose layout is recognised from its files as in {@code evaluate}. */
  static final class Source {
    @Option(
        names = {"--data", "--from"},
        required = true,
        paramLabel = "DATASET",
        description = {
          "The data set: NIH ChestX-ray14 as released (Data_Entry_2017*.csv) or prepared"
              + " (labels.csv and images/), MIMIC-CXR, CheXpert Plus, Indiana University, ReXrank"
              + " JSON or a table."
        })
    private Path data = Path.of("");

    @Option(
        names = "--images",
        paramLabel = "DIR",
        description = "The image folder, if it is not in the data set folder.")
    private @Nullable Path images;

    Path path() {
      return data;
    }

    /** The folder that image paths are relative to. */
    Path root() {
      Path folder = Files.isDirectory(data) ? data : data.toAbsolutePath().getParent();
      return images != null ? images : folder == null ? Path.of("") : folder;
    }

    /** Whether the data set consists of NIH films, which have no reports. */
    boolean isNih() {
      return NihRelease.filmsIn(data);
    }

    /** The studies of any other data set. */
    StudySource studies() {
      return StudySource.open(data, Optional.ofNullable(images));
    }
  }

  /** Prints the rejections of a reader on stderr. */
  static final class LeftOut implements Consumer<Rejected> {
    private boolean some;

    @Override
    public void accept(Rejected rejected) {
      some = true;
      Terminal.say(rejected.toString());
    }

    int exitCode() {
      return some ? Main.SOME_FAILED : Main.DONE;
    }
  }

  /** The output of a table: file and format. */
  static final class Table {
    @Option(
        names = "--json",
        description = "Prints one JSON object per row instead of CSV; empty cells are omitted.")
    private boolean json;

    @Option(
        names = "--out",
        paramLabel = "FILE",
        description = "The file for the table, written atomically (default: stdout).")
    private @Nullable Path out;

    /** Writes a table; each row has one number or text per column. */
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
}
