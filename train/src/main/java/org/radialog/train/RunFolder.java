package org.radialog.train;

import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVPrinter;
import org.apache.commons.csv.CSVRecord;
import org.bytedeco.pytorch.Tensor;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.radialog.base.RadialogException;
import org.radialog.base.WholeFile;
import org.radialog.torch.Parameters;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * What one training run leaves behind: {@code config.json}, {@code metrics.csv}, {@code plot.png}
 * and {@code checkpoint.safetensors}, each written whole or not at all, so that a run may be killed
 * at any moment and goes on from its last checkpoint.
 */
final class RunFolder implements AutoCloseable {
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
            + " belongs to a training that is still running: wait for it, or give another folder");
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
   * A new run, or one to go on with.
   *
   * @throws RadialogException if the folder holds a run of another configuration, or one that is
   *     still running
   */
  static RunFolder open(Path folder, Object config) {
    String json = Json.MAPPER.writeValueAsString(config) + "\n";
    Path file = folder.resolve("config.json");
    RunFolder run = new RunFolder(folder);
    try {
      run.read(file, json);
      return run;
    } catch (RuntimeException | Error e) {
      run.close();
      throw e;
    }
  }

  private void read(Path file, String json) {
    try {
      if (Files.exists(file)) {
        String found = Files.readString(file);
        if (!found.equals(json)) {
          throw new RadialogException(
              "run folder "
                  + folder
                  + " holds a run of another configuration: give another folder, or remove it."
                  + " Expected "
                  + json
                  + ", found "
                  + found);
        }
      } else {
        WholeFile.write(file, json);
      }
      readRows();
    } catch (IOException e) {
      throw new RadialogException("cannot read the run folder " + folder + ": " + e, e);
    }
  }

  /** The configuration of a run. */
  static JsonNode config(Path run) {
    try {
      return Json.MAPPER.readTree(Files.readString(run.resolve("config.json")));
    } catch (IOException | JacksonException e) {
      throw new RadialogException(run + " is no run folder: " + e, e);
    }
  }

  Path file(String name) {
    return folder.resolve(name);
  }

  private void readRows() throws IOException {
    Path file = file("metrics.csv");
    if (!Files.exists(file)) {
      return;
    }
    CSVFormat format = CSVFormat.DEFAULT.builder().setHeader().setSkipHeaderRecord(true).get();
    try (CSVParser parser = format.parse(new StringReader(Files.readString(file)))) {
      for (CSVRecord row : parser) {
        rows.add(new LinkedHashMap<>(row.toMap()));
      }
    }
  }

  /** Forgets rows that a killed run wrote after its last checkpoint. */
  void keepRows(int count) {
    while (rows.size() > count) {
      rows.removeLast();
    }
  }

  /** Adds a row of measurements; all rows have the same columns. */
  void addRow(SequencedMap<String, String> row) {
    rows.add(row);
    WholeFile.write(file("metrics.csv"), csv(rows));
  }

  static String csv(List<SequencedMap<String, String>> rows) {
    StringWriter text = new StringWriter();
    try (CSVPrinter printer = new CSVPrinter(text, CSVFormat.DEFAULT)) {
      if (!rows.isEmpty()) {
        printer.printRecord(rows.getFirst().sequencedKeySet());
      }
      for (SequencedMap<String, String> row : rows) {
        printer.printRecord(row.sequencedValues());
      }
    } catch (IOException e) {
      throw new RadialogException("cannot write a table: " + e, e);
    }
    return text.toString();
  }

  /** Draws columns of the rows over the column {@code over}. */
  void plot(String title, String over, List<String> columns) {
    XYChart chart =
        new XYChartBuilder().width(900).height(500).title(title).xAxisTitle(over).build();
    boolean drawn = false; // a chart without a series cannot be painted
    for (String column : columns) {
      double[] x = column(over);
      double[] y = column(column);
      int[] known = IntStream.range(0, y.length).filter(i -> !Double.isNaN(y[i])).toArray();
      if (known.length > 0) {
        drawn = true;
        chart
            .addSeries(
                column,
                Arrays.stream(known).mapToDouble(i -> x[i]).toArray(),
                Arrays.stream(known).mapToDouble(i -> y[i]).toArray())
            .setMarker(SeriesMarkers.CIRCLE);
      }
    }
    if (drawn) {
      WholeFile.write(file("plot.png"), out -> out.write(ChartEncoder.getBytes(chart, "png")));
    }
  }

  private double[] column(String name) {
    return rows.stream()
        .map(row -> row.getOrDefault(name, ""))
        .mapToDouble(cell -> cell.isEmpty() ? Double.NaN : Double.parseDouble(cell))
        .toArray();
  }

  /** Writes all that the run needs to go on. */
  void saveCheckpoint(SequencedMap<String, Tensor> tensors, Map<String, String> state) {
    SafetensorsWriter.write(
        file("checkpoint.safetensors"), state, Parameters.entries(tensors, DType.F32));
  }

  /** The last checkpoint, which the caller closes; empty at the start of a run. */
  Optional<Checkpoint> checkpoint() {
    Path file = file("checkpoint.safetensors");
    return Files.exists(file) ? Optional.of(Checkpoint.open(file)) : Optional.empty();
  }

  /** A number that {@link #saveCheckpoint} noted. */
  static double number(Checkpoint checkpoint, String name) {
    Object value = checkpoint.metadata().get(name);
    if (value == null) {
      throw new RadialogException(
          "the checkpoint of the run does not say its " + name + ": remove it to begin anew");
    }
    return Double.parseDouble(value.toString());
  }
}
