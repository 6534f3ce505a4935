package org.radialog.eval;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code predictions.jsonl}: the settings of a run in the first line, then one {@link Prediction} a
 * line, appended as they come. A run that was ended in the middle goes on where it stopped; one of
 * other settings is refused, so that a file never mixes two models.
 *
 * <p>Safe for several threads.
 */
public final class PredictionLog implements AutoCloseable {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final String SETTINGS = "settings";

  /**
   * A file as it was read.
   *
   * @param settings of the run, name to value as JSON has it
   */
  public record Content(SequencedMap<String, Object> settings, List<Prediction> predictions) {
    public Content {
      settings = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(settings));
      predictions = List.copyOf(predictions);
    }
  }

  private final Path file;
  private final FileChannel channel;
  private final Set<String> done;

  private PredictionLog(Path file, FileChannel channel, Set<String> done) {
    this.file = file;
    this.channel = channel;
    this.done = done;
  }

  /**
   * Opens a file to append to; it is made where it is missing. A last line that was not written to
   * its end is taken away.
   *
   * @param settings that predictions depend on: digests of model and data, protocol, decoding
   * @throws RadialogException if the file is of a run with other settings, or cannot be written
   */
  public static PredictionLog open(Path file, SequencedMap<String, Object> settings) {
    try {
      Path folder = file.toAbsolutePath().getParent();
      if (folder != null) {
        Files.createDirectories(folder);
      }
      FileChannel channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      try {
        channel.truncate(wholeLines(channel));
        channel.position(channel.size());
        Set<String> done = new HashSet<>();
        PredictionLog log = new PredictionLog(file, channel, done);
        ObjectNode mine = JSON.createObjectNode();
        mine.set(SETTINGS, JSON.valueToTree(settings));
        if (channel.size() == 0) {
          log.write(mine);
        } else {
          Content content = read(file);
          requireSame(file, mine.path(SETTINGS), JSON.valueToTree(content.settings));
          content.predictions.forEach(p -> done.add(p.id()));
        }
        return log;
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw new RadialogException("cannot write the predictions " + file + ": " + e, e);
    }
  }

  private static void requireSame(Path file, JsonNode mine, JsonNode its) {
    Set<String> names = new TreeSet<>(mine.propertyNames());
    names.addAll(its.propertyNames());
    for (String name : names) {
      if (!mine.path(name).equals(its.path(name))) {
        throw new RadialogException(
            "%s holds predictions of another run: its %s is %s, now it is %s; name another file, or delete this one"
                .formatted(file, name, shown(its.path(name)), shown(mine.path(name))));
      }
    }
  }

  private static String shown(JsonNode value) {
    return value.isMissingNode() ? "not there" : value.toString();
  }

  // Up to behind the last line break.
  private static long wholeLines(FileChannel channel) throws IOException {
    ByteBuffer block = ByteBuffer.allocate(1 << 16);
    long end = channel.size();
    while (end > 0) {
      long from = Math.max(0, end - block.capacity());
      block.clear().limit((int) (end - from));
      for (long at = from; block.hasRemaining(); ) {
        int count = channel.read(block, at);
        if (count < 0) {
          throw new IOException("the file shrank while it was read");
        }
        at += count;
      }
      for (int i = block.limit() - 1; i >= 0; i--) {
        if (block.get(i) == '\n') {
          return from + i + 1;
        }
      }
      end = from;
    }
    return 0;
  }

  /**
   * Reads a file.
   *
   * @throws RadialogException if it cannot be read, or a line is not what this class writes
   */
  public static Content read(Path file) {
    SequencedMap<String, Object> settings = new LinkedHashMap<>();
    List<Prediction> predictions = new ArrayList<>();
    Set<String> ids = new HashSet<>();
    int number = 0;
    try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        JsonNode object = JSON.readTree(line);
        if (number == 1) {
          for (String name : object.path(SETTINGS).propertyNames()) {
            settings.put(name, JSON.treeToValue(object.path(SETTINGS).path(name), Object.class));
          }
          if (!object.path(SETTINGS).isObject()) {
            throw new RadialogException(
                "%s, line 1: expected the settings of a run, found %s"
                    .formatted(file, shortened(line)));
          }
          continue;
        }
        Prediction prediction = prediction(object);
        if (!ids.add(prediction.id())) {
          throw new RadialogException(
              "%s, line %d: \"%s\" stands there twice".formatted(file, number, prediction.id()));
        }
        predictions.add(prediction);
      }
    } catch (IOException e) {
      throw new RadialogException("cannot read the predictions " + file + ": " + e, e);
    } catch (JacksonException | IllegalArgumentException e) {
      throw new RadialogException(
          "%s, line %d: not a prediction: %s".formatted(file, number, e.getMessage()), e);
    }
    if (number == 0) {
      throw new RadialogException(file + " is empty, expected the settings of a run");
    }
    return new Content(settings, predictions);
  }

  private static String shortened(String line) {
    return line.length() > 80 ? line.substring(0, 80) + "…" : line;
  }

  /** Whether a prediction of that id is in the file. */
  public synchronized boolean has(String id) {
    return done.contains(id);
  }

  /**
   * Appends a prediction.
   *
   * @throws RadialogException if it cannot be written
   * @throws IllegalArgumentException if there is one of that id
   */
  public synchronized void append(Prediction prediction) {
    if (!done.add(prediction.id())) {
      throw new IllegalArgumentException(prediction.id() + " has been predicted already");
    }
    try {
      write(object(prediction));
    } catch (IOException e) {
      throw new RadialogException("cannot write the predictions " + file + ": " + e, e);
    }
  }

  private void write(ObjectNode line) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  @Override
  public synchronized void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new RadialogException("cannot write the predictions " + file + ": " + e, e);
    }
  }

  private static ObjectNode object(Prediction p) {
    ObjectNode root = JSON.createObjectNode().put("id", p.id()).put("group", p.group());
    strings(root, "subgroup", p.subgroup());
    ObjectNode truth = root.putObject("truth");
    p.truth()
        .forEach(
            (finding, state) -> truth.put(finding.label(), state.name().toLowerCase(Locale.ROOT)));
    list(root, "references", p.references());
    list(root, "impressions", p.impressions());
    ObjectNode probabilities = root.putObject("probabilities");
    p.probabilities().forEach((finding, value) -> probabilities.put(finding.label(), value));
    p.report().ifPresent(report -> root.put("report", report));
    strings(root, "answers", p.answers());
    return root;
  }

  private static void strings(ObjectNode root, String name, SequencedMap<String, String> map) {
    ObjectNode object = root.putObject(name);
    map.forEach(object::put);
  }

  private static void list(ObjectNode root, String name, List<String> texts) {
    ArrayNode array = root.putArray(name);
    texts.forEach(array::add);
  }

  private static Prediction prediction(JsonNode root) {
    Map<Finding, FindingState> truth = new EnumMap<>(Finding.class);
    for (String name : root.path("truth").propertyNames()) {
      truth.put(
          Finding.of(name),
          FindingState.valueOf(root.path("truth").path(name).asString().toUpperCase(Locale.ROOT)));
    }
    Map<Finding, Double> probabilities = new EnumMap<>(Finding.class);
    for (String name : root.path("probabilities").propertyNames()) {
      probabilities.put(Finding.of(name), root.path("probabilities").path(name).doubleValue());
    }
    return new Prediction(
        root.required("id").stringValue(),
        root.required("group").stringValue(),
        strings(root.path("subgroup")),
        truth,
        list(root.path("references")),
        list(root.path("impressions")),
        probabilities,
        Optional.of(root.path("report")).filter(JsonNode::isString).map(JsonNode::stringValue),
        strings(root.path("answers")));
  }

  private static SequencedMap<String, String> strings(JsonNode object) {
    SequencedMap<String, String> map = new LinkedHashMap<>();
    for (String name : object.propertyNames()) {
      map.put(name, object.path(name).stringValue());
    }
    return map;
  }

  private static List<String> list(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(text -> texts.add(text.stringValue()));
    return texts;
  }
}
