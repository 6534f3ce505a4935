package org.radialog.loop;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.radialog.base.CsvLine;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.WholeFile;
import org.radialog.charts.CurveChart;
import org.radialog.data.CsvTable;
import org.radialog.published.StrictJson;
import org.radialog.torch.Parameters;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The files of a training run: {@code config.json}, {@code metrics.csv}, {@code plot.png}, {@code
 * plot.html} and {@code checkpoint.safetensors}, each written atomically, so that a run that is
 * killed at any moment resumes from its last checkpoint; and the rows of the table as TensorBoard
 * events in {@code events.out.tfevents.radialog}.
 */
public final class RunFolder implements AutoCloseable {
  /** The version of the layout. Version 1 had no number and the recipe's fields in camel case. */
  private static final int FORMAT = 2;

  private static final String CONFIG = "config.json";

  private final Path folder;
  private final FileChannel lock;
  private final List<SequencedMap<String, String>> rows = new ArrayList<>();

  private RunFolder(Path folder) {
    this.folder = folder;
    this.lock = locked(folder);
  }

  // Two processes in one folder would take each other's checkpoints. A killed one holds no lock.
  private static FileChannel locked(Path folder) {
    try {
      Files.createDirectories(folder);
      FileChannel channel =
          FileChannel.open(
              folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (held(channel)) {
        return channel;
      }
      channel.close();
    } catch (IOException e) {
      throw new RadialogException("cannot write to the run folder " + folder + ": " + e, e);
    }
    throw new RadialogException(
        "run folder "
            + folder
            + " belongs to a training that is still running: wait for it, or choose another"
            + " folder");
  }

  private static boolean held(FileChannel channel) throws IOException {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      return false; // this very process has it
    }
  }

  @Override
  public void close() {
    try {
      lock.close();
    } catch (IOException e) {
      throw new RadialogException("cannot close the run folder " + folder + ": " + e, e);
    }
  }

  /**
   * Opens a new run, or an interrupted one to resume it.
   *
   * @throws RadialogException if the folder holds a run of another configuration, or one that is
   *     still running
   */
  static RunFolder open(Path folder, Record config) {
    RunFolder run = new RunFolder(folder);
    try {
      WholeFile.sweep(folder); // a killed run may have left half a checkpoint, which can be large
      run.read(config);
      return run;
    } catch (RuntimeException | Error e) {
      run.close();
      throw e;
    }
  }

  private void read(Record config) {
    ObjectNode expected = JsonNodeFactory.instance.objectNode().put("format", FORMAT);
    StrictJson.tree(config).forEachEntry(expected::set);
    try {
      if (Files.exists(file(CONFIG))) {
        // as it reads once it is a file, where a number may have another type
        JsonNode same =
            StrictJson.tree(
                file(CONFIG), StrictJson.text(expected).getBytes(UTF_8), Kind.REFUSED_DATA);
        difference("", same, config(folder))
            .ifPresent(difference -> {
              throw new RadialogException(
                  Kind.REFUSED_DATA,
                  ("run folder %s contains a run with another configuration: %s; choose another"
                          + " folder, or remove it")
                      .formatted(Printable.escaped(folder.toString()), difference));
            });
      } else {
        WholeFile.write(file(CONFIG), StrictJson.text(expected));
      }
      readRows();
    } catch (IOException e) {
      throw new RadialogException(
          Kind.REFUSED_DATA, "cannot read the run folder " + folder + ": " + e, e);
    }
  }

  /** The first difference of two configurations, in words. */
  private static Optional<String> difference(String at, JsonNode expected, JsonNode found) {
    if (expected.isObject() && found.isObject()) {
      Set<String> names = new LinkedHashSet<>(expected.propertyNames());
      names.addAll(found.propertyNames());
      return names.stream()
          .flatMap(name ->
              difference(
                  at.isEmpty() ? name : at + "." + name, expected.path(name), found.path(name))
                  .stream())
          .findFirst();
    }
    return expected.equals(found)
        ? Optional.empty()
        : Optional.of(
            "%s is %s there, here %s".formatted(Printable.of(at), shown(found), shown(expected)));
  }

  private static String shown(JsonNode value) {
    return value.isMissingNode() ? "not given" : Printable.of(value);
  }

  /** Whether a folder is that of a run. */
  public static boolean isOne(Path folder) {
    return Files.exists(folder.resolve(CONFIG));
  }

  /**
   * The configuration of a run.
   *
   * @throws RadialogException if there is none, or one of another version
   */
  public static JsonNode config(Path run) {
    Path file = run.resolve(CONFIG);
    JsonNode config;
    try {
      config = StrictJson.tree(file, Files.readAllBytes(file), Kind.REFUSED_DATA);
    } catch (IOException e) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          Printable.escaped(run.toString())
              + " is not a run folder: cannot read "
              + CONFIG
              + ": "
              + e,
          e);
    }
    JsonNode format = config.path("format");
    if (!format.isInt() || format.intValue() != FORMAT) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          ("run folder %s was started by another version of RaDialog: expected format %d"
                  + " in its %s, found %s; finish and export it with that version, or choose"
                  + " another folder")
              .formatted(Printable.escaped(run.toString()), FORMAT, CONFIG, shown(format)));
    }
    return config;
  }

  /** A path in the configuration of a run. */
  public static Path path(JsonNode config, String name) {
    return path(config.path(name));
  }

  /** Paths of a configuration; none if it has no such field. */
  public static List<Path> paths(JsonNode config, String name) {
    return config.path(name).valueStream().map(RunFolder::path).toList();
  }

  private static Path path(JsonNode node) {
    String text = node.asString();
    return text.startsWith("file:") ? Path.of(URI.create(text)) : Path.of(text);
  }

  /** The folder itself. */
  Path path() {
    return folder;
  }

  Path file(String name) {
    return folder.resolve(name);
  }

  private void readRows() throws IOException {
    Path file = file("metrics.csv");
    if (!Files.exists(file)) {
      return;
    }
    CsvTable table = CsvTable.of(file);
    List<String> columns = table.header();
    table.read(
        row -> {
          SequencedMap<String, String> cells = new LinkedHashMap<>();
          columns.forEach(column -> cells.put(column, row.get(column)));
          rows.add(cells);
        },
        rejected -> {
          throw new RadialogException(Kind.REFUSED_DATA, rejected.toString());
        });
  }

  /** Removes rows that a killed run wrote after its last checkpoint. */
  void keepRows(int count) {
    while (rows.size() > count) {
      rows.removeLast();
    }
    EventFile.follow(file(EventFile.NAME), rows);
  }

  /** Adds a row of measurements; all rows have the same columns. */
  void addRow(SequencedMap<String, String> row) {
    rows.add(row);
    WholeFile.write(file("metrics.csv"), csv(rows));
    EventFile.follow(file(EventFile.NAME), rows);
  }

  /** The text of a table whose rows have the same columns. */
  public static String csv(List<SequencedMap<String, String>> rows) {
    StringBuilder text = new StringBuilder();
    if (!rows.isEmpty()) {
      text.append(CsvLine.of(List.copyOf(rows.getFirst().sequencedKeySet()))).append("\r\n");
    }
    rows.forEach(row -> text.append(CsvLine.of(List.copyOf(row.sequencedValues()))).append("\r\n"));
    return text.toString();
  }

  /** A column of the table over another one, at the rows where it is a finite number. */
  CurveChart.Curve curve(String over, String column) {
    double[] x = column(over);
    double[] y = column(column);
    int[] known = IntStream.range(0, y.length).filter(i -> Double.isFinite(y[i])).toArray();
    return new CurveChart.Curve(
        column, Arrays.stream(known).mapToObj(i -> new CurveChart.Point(x[i], y[i])).toList());
  }

  void plot(CurveChart chart) {
    WholeFile.write(file("plot.png"), out -> out.write(chart.png()));
  }

  /** Writes the page of the run, with the curves and the last rows, as {@link RunPage} has it. */
  void page(CurveChart chart, String state, boolean running) {
    WholeFile.write(file("plot.html"), RunPage.html(chart, state, running, rows, Instant.now()));
  }

  private double[] column(String name) {
    return rows.stream()
        .map(row -> row.getOrDefault(name, ""))
        .mapToDouble(cell -> cell.isEmpty() ? Double.NaN : Double.parseDouble(cell))
        .toArray();
  }

  /** Writes everything that is needed to resume the run. */
  void saveCheckpoint(SequencedMap<String, Tensor> tensors, Map<String, String> state) {
    SafetensorsWriter.write(
        file("checkpoint.safetensors"), state, Parameters.entries(tensors, DType.F32));
  }

  /** The last checkpoint, which the caller closes; empty at the start of a run. */
  Optional<Checkpoint> checkpoint() {
    Path file = file("checkpoint.safetensors");
    return Files.exists(file) ? Optional.of(Checkpoint.open(file)) : Optional.empty();
  }

  /** Writes the weights of the best validation of a stage. */
  void saveBest(String stage, SequencedMap<String, Tensor> tensors) {
    SafetensorsWriter.write(best(stage), Map.of(), Parameters.entries(tensors, DType.F32));
  }

  /** The weights that {@link #saveBest} wrote, which the caller closes; empty if there are none. */
  Optional<Checkpoint> savedBest(String stage) {
    return Files.exists(best(stage)) ? Optional.of(Checkpoint.open(best(stage))) : Optional.empty();
  }

  private Path best(String stage) {
    return file("best-" + stage + ".safetensors");
  }

  /** A number in the metadata of a checkpoint. */
  static double number(Checkpoint checkpoint, String name) {
    String value = text(checkpoint, name);
    try {
      return Double.parseDouble(value);
    } catch (NumberFormatException e) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          ("the checkpoint of the run has the %s %s: expected a number; remove it to"
                  + " start again")
              .formatted(name, Printable.of(value)),
          e);
    }
  }

  /** A text in the metadata of a checkpoint. */
  static String text(Checkpoint checkpoint, String name) {
    Object value = checkpoint.metadata().get(name);
    if (value == null) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "the checkpoint of the run does not contain its " + name + ": remove it to start again");
    }
    return value.toString();
  }
}
