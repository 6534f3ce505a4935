package org.radialog.instruct;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.Sha256;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Answers of a language model. Each is requested once and stored in a file with one JSON object per
 * line: {@code {"digest","model","seed","prompt":[…],"answer"}}. Answers are stored after each
 * batch, so an interrupted run continues without repeating requests.
 *
 * <p>Only the position of each answer in the file is kept in memory.
 */
public final class Answers implements AutoCloseable {
  /** Writes answers. */
  public interface Answerer {
    /** The model's name, which is kept with every answer. */
    String model();

    /** How many conversations are best given at once. */
    int batch();

    /**
     * The answers to conversations (user and assistant in turn, the user last), in their order;
     * empty where the model had none that could be used.
     *
     * @param seed of anything drawn at random
     * @throws RadialogException if it cannot answer at all
     */
    List<Optional<String>> answer(List<List<String>> conversations, long seed);
  }

  private static final JsonMapper MAPPER = JsonMapper.builder().build();
  private static final int LONGEST_LINE = 4 << 20; // bytes

  private final Path file;
  private final Answerer answerer;
  private final long seed;
  private final RandomAccessFile log;
  private final Map<String, Place> places = new HashMap<>();
  private long asked;
  private long refused;

  /** A line of the file, without its end. */
  private record Place(long at, int bytes) {}

  private Answers(Path file, Answerer answerer, long seed, RandomAccessFile log) {
    this.file = file;
    this.answerer = answerer;
    this.seed = seed;
    this.log = log;
  }

  /**
   * Opens the file of a run, or begins one. A last line that was cut off when a run was killed
   * goes.
   *
   * @throws RadialogException if it cannot be read or written, or a line is no answer
   */
  public static Answers open(Path file, Answerer answerer, long seed) {
    try {
      Path folder = file.toAbsolutePath().getParent();
      if (folder != null) {
        Files.createDirectories(folder);
      }
      var log = new RandomAccessFile(file.toFile(), "rw");
      var answers = new Answers(file, answerer, seed, log);
      try {
        answers.index();
      } catch (IOException | RuntimeException e) {
        log.close();
        throw e;
      }
      return answers;
    } catch (IOException e) {
      throw unusable(file, e);
    }
  }

  private static RadialogException unusable(Path file, IOException e) {
    return new RadialogException(
        "cannot use the file of answers " + Printable.escaped(file.toString()) + ": " + e, e);
  }

  private void index() throws IOException {
    long at = 0;
    long number = 0;
    // The file is read through once, and only whole lines count.
    try (var in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
      var line = new ByteArrayOutputStream();
      for (int b = in.read(); b >= 0; b = in.read()) {
        if (b != '\n') {
          line.write(b);
          if (line.size() > LONGEST_LINE) {
            throw broken(number + 1, "expected at most %d bytes a line".formatted(LONGEST_LINE));
          }
          continue;
        }
        number++;
        JsonNode answer = parsed(line.toByteArray(), number);
        places.put(answer.path("digest").asString(""), new Place(at, line.size()));
        at += line.size() + 1L;
        line.reset();
      }
    }
    log.setLength(at);
    log.seek(at);
  }

  private JsonNode parsed(byte[] line, long number) {
    try {
      JsonNode answer = MAPPER.readTree(line);
      if (answer.path("digest").isString() && answer.path("answer").isString()) {
        return answer;
      }
    } catch (JacksonException e) {
      throw broken(number, "no JSON: " + Printable.of(e.getOriginalMessage()));
    }
    throw broken(number, "expected an object with digest and answer");
  }

  private RadialogException broken(long number, String reason) {
    return new RadialogException(
        Kind.BAD_INPUT,
        "%s, line %d: %s; move the file away to ask anew"
            .formatted(Printable.escaped(file.toString()), number, reason));
  }

  /** The model's name. */
  String model() {
    return answerer.model();
  }

  int batch() {
    return answerer.batch();
  }

  /** Conversations that the model was asked in this run; those of the file are not among them. */
  public long asked() {
    return asked;
  }

  /** Of those, how many had no answer that could be used. */
  public long refused() {
    return refused;
  }

  /**
   * The answers to conversations: from the file, or from the model and then in the file. What the
   * model had no answer to is asked again in the next run.
   */
  List<Optional<String>> answer(List<List<String>> conversations) {
    var open = new LinkedHashMap<String, List<String>>();
    List<String> digests = conversations.stream().map(this::digest).toList();
    for (int i = 0; i < conversations.size(); i++) {
      if (!places.containsKey(digests.get(i))) {
        open.put(digests.get(i), conversations.get(i));
      }
    }
    try {
      if (!open.isEmpty()) {
        List<String> keys = List.copyOf(open.keySet());
        List<Optional<String>> fresh = answerer.answer(List.copyOf(open.values()), seed);
        if (fresh.size() != keys.size()) {
          throw new IllegalStateException(
              "expected %d answers, got %d".formatted(keys.size(), fresh.size()));
        }
        asked += keys.size();
        for (int i = 0; i < keys.size(); i++) {
          if (fresh.get(i).isPresent()) {
            keep(keys.get(i), conversation(open, keys.get(i)), fresh.get(i).get());
          } else {
            refused++;
          }
        }
        log.getFD().sync();
      }
      var answers = new ArrayList<Optional<String>>();
      for (String digest : digests) {
        answers.add(kept(digest));
      }
      return answers;
    } catch (IOException e) {
      throw unusable(file, e);
    }
  }

  private static List<String> conversation(Map<String, List<String>> open, String key) {
    return open.getOrDefault(key, List.of());
  }

  private String digest(List<String> conversation) {
    var all = new ArrayList<>(List.of(answerer.model(), Long.toString(seed)));
    all.addAll(conversation);
    return Sha256.of(MAPPER.writeValueAsBytes(all));
  }

  private void keep(String digest, List<String> prompt, String answer) throws IOException {
    ObjectNode line = MAPPER.createObjectNode();
    line.put("digest", digest).put("model", answerer.model()).put("seed", seed);
    prompt.forEach(line.putArray("prompt")::add);
    line.put("answer", answer);
    long at = log.length();
    log.seek(at);
    byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
    log.write(bytes);
    places.put(digest, new Place(at, bytes.length - 1));
  }

  private Optional<String> kept(String digest) throws IOException {
    Place place = places.get(digest);
    if (place == null) {
      return Optional.empty();
    }
    var line = new byte[place.bytes()];
    log.seek(place.at());
    log.readFully(line);
    return Optional.of(MAPPER.readTree(line).path("answer").asString(""));
  }

  @Override
  public void close() {
    try {
      log.close();
    } catch (IOException e) {
      throw unusable(file, e);
    }
  }
}
