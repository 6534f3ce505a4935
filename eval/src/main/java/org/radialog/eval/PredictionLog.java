package org.radialog.eval;

import java.io.IOException;
import java.io.Reader;
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
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.data.TextFile;
import org.radialog.data.TextLines;
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
   * @param predictions in the order of the file
   */
  public record Content(SequencedMap<String, Object> settings, List<Prediction> predictions) {
    public Content {
      settings = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(settings));
      predictions = List.copyOf(predictions);
    }

    /** The samples that were asked about. */
    public List<Sample> samples() {
      return predictions.stream().map(Prediction::sample).toList();
    }

    /** Whether the reference reports are written by a grammar. */
    public boolean synthetic() {
      return settings.containsKey("reference_reports");
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
      throw new RadialogException(
          "cannot write the predictions " + Printable.escaped(file.toString()) + ": " + e, e);
    }
  }

  private static void requireSame(Path file, JsonNode mine, JsonNode its) {
    Set<String> names = new TreeSet<>(mine.propertyNames());
    names.addAll(its.propertyNames());
    for (String name : names) {
      if (!mine.path(name).equals(its.path(name))) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            ("%s contains predictions of another run: its %s is %s, now it is %s; choose"
                    + " another file, or delete this one")
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
          throw new IOException("the file became shorter while it was read");
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
    try (Reader text = TextFile.open(file)) {
      TextLines lines = new TextLines(text);
      for (String line = lines.next(); line != null; line = lines.next()) {
        number++;
        String damage = lines.cutOff() > 0 ? "it is too long" : TextFile.damage(line);
        if (!damage.isEmpty()) {
          throw new IllegalArgumentException(damage);
        }
        JsonNode object = JSON.readTree(line);
        if (number == 1) {
          for (String name : object.path(SETTINGS).propertyNames()) {
            settings.put(name, JSON.treeToValue(object.path(SETTINGS).path(name), Object.class));
          }
          if (!object.path(SETTINGS).isObject()) {
            throw new RadialogException(
                Kind.REFUSED_DATA,
                "%s, line 1: expected the settings of a run, found %s"
                    .formatted(Printable.escaped(file.toString()), Printable.of(line)));
          }
          continue;
        }
        Prediction prediction = prediction(object);
        if (!ids.add(prediction.id())) {
          throw new RadialogException(
              Kind.REFUSED_DATA,
              "%s, line %d: \"%s\" occurs twice"
                  .formatted(
                      Printable.escaped(file.toString()), number, Printable.of(prediction.id())));
        }
        predictions.add(prediction);
      }
    } catch (IOException e) {
      throw new RadialogException(
          Kind.REFUSED_DATA, "cannot read the predictions " + file + ": " + e, e);
    } catch (JacksonException | IllegalArgumentException e) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "%s, line %d: not a prediction: %s"
              .formatted(
                  Printable.escaped(file.toString()),
                  number,
                  e instanceof JacksonException json ? json.getOriginalMessage() : e.getMessage()),
          e);
    }
    if (number == 0) {
      throw new RadialogException(
          Kind.REFUSED_DATA, file + " is empty, expected the settings of a run");
    }
    return new Content(settings, predictions);
  }

  /** Whether a prediction of that id is in the file. */
  public synchronized boolean has(String id) {
    return done.contains(id);
  }

  /**
   * Appends a prediction. One that cannot be written leaves no part of itself behind.
   *
   * @throws RadialogException if it cannot be written: the message says how to go on
   * @throws IllegalArgumentException if there is one of that id
   */
  public synchronized void append(Prediction prediction) {
    if (!done.add(prediction.id())) {
      throw new IllegalArgumentException(prediction.id() + " has already been predicted");
    }
    try {
      write(object(prediction));
    } catch (IOException e) {
      done.remove(prediction.id());
      throw new RadialogException(
          ("cannot write the predictions %s: %s; the %d predictions in it are complete,"
                  + " and the same command continues after them when the file can be written again")
              .formatted(Printable.escaped(file.toString()), e, done.size()),
          e);
    }
  }

  private void write(ObjectNode line) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
    long begin = channel.position();
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      // A full disk takes the beginning of a line.
      try {
        channel.truncate(begin);
        channel.position(begin);
      } catch (IOException also) {
        e.addSuppressed(also); // the next run takes the half line away
      }
      throw e;
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
    ObjectNode root = JSON.createObjectNode().put("id", p.id());
    Sample sample = p.sample();
    root.put("group", sample.group());
    strings(root, "subgroup", sample.subgroup());
    ObjectNode truth = root.putObject("truth");
    sample
        .truth()
        .forEach(
            (finding, state) -> truth.put(finding.label(), state.name().toLowerCase(Locale.ROOT)));
    list(root, "references", sample.references());
    list(root, "impressions", sample.impressions());
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
    if (!root.isObject()) {
      throw new IllegalArgumentException("expected an object, found " + Printable.of(root));
    }
    Map<Finding, FindingState> truth = new EnumMap<>(Finding.class);
    strings(root, "truth")
        .forEach((name, state) ->
            truth.put(Finding.of(name), FindingState.valueOf(state.toUpperCase(Locale.ROOT))));
    Map<Finding, Double> probabilities = new EnumMap<>(Finding.class);
    JsonNode values = part(root, "probabilities");
    for (String name : values.propertyNames()) {
      double value = values.path(name).isNumber() ? values.path(name).doubleValue() : Double.NaN;
      if (!(value >= 0 && value <= 1)) {
        throw wrong("a probability from 0 to 1", "probabilities/" + name, values.path(name));
      }
      probabilities.put(Finding.of(name), value);
    }
    SequencedMap<String, String> subgroup = strings(root, "subgroup");
    String age = subgroup.getOrDefault("age", "0");
    if (!age.matches("\\d{1,3}")) {
      throw wrong("an age in years", "subgroup/age", root.path("subgroup").path("age"));
    }
    Optional<String> report =
        root.path("report").isMissingNode() || root.path("report").isNull()
            ? Optional.empty()
            : Optional.of(text(root, "report"));
    Sample sample =
        new Sample(
            text(root, "id"),
            text(root, "group"),
            Optional.empty(),
            subgroup,
            truth,
            list(root, "references"),
            list(root, "impressions"));
    return new Prediction(sample, probabilities, report, strings(root, "answers"));
  }

  // What is missing as a whole is empty; what is there is of its type.
  private static JsonNode part(JsonNode root, String name) {
    JsonNode part = root.path(name);
    if (!part.isMissingNode() && !part.isObject()) {
      throw wrong("an object", name, part);
    }
    return part;
  }

  private static String text(JsonNode parent, String name) {
    JsonNode text = parent.path(name);
    if (!text.isString()) {
      throw wrong("a text", name, text);
    }
    return text.stringValue();
  }

  private static IllegalArgumentException wrong(String expected, String where, JsonNode found) {
    return new IllegalArgumentException(
        "expected %s as %s, found %s"
            .formatted(
                expected,
                Printable.of(where),
                found.isMissingNode() ? "none" : Printable.of(found)));
  }

  private static SequencedMap<String, String> strings(JsonNode root, String name) {
    JsonNode object = part(root, name);
    SequencedMap<String, String> map = new LinkedHashMap<>();
    for (String key : object.propertyNames()) {
      if (!object.path(key).isString()) {
        throw wrong("a text", name + "/" + key, object.path(key));
      }
      map.put(key, object.path(key).stringValue());
    }
    return map;
  }

  private static List<String> list(JsonNode root, String name) {
    JsonNode array = root.path(name);
    if (!array.isMissingNode() && !array.isArray()) {
      throw wrong("a list", name, array);
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode text : array) {
      if (!text.isString()) {
        throw wrong("texts", name, text);
      }
      texts.add(text.stringValue());
    }
    return texts;
  }
}
