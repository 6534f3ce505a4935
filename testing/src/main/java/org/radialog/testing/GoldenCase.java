package org.radialog.testing;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.radialog.weights.Checkpoint;
import tools.jackson.databind.JsonNode;

/**
 * A golden case: {@code NAME.json} with the configuration, inputs and values, and {@code
 * NAME.safetensors} with the expected tensors.
 */
public final class GoldenCase {
  // "image[b,c,y,x] = coarse[b,c,y/16,x/16] (integer division)"
  private static final Pattern CELL = Pattern.compile("coarse\\[b,c,y/(\\d+),x/\\1]");

  /**
   * A tensor of a state dict.
   *
   * @param name key of the tensor
   * @param shape dimensions, outermost first
   * @param dtype PyTorch name of the element type, for example {@code float32}
   */
  @SuppressWarnings("ArrayRecordComponent") // only for tests, never modified
  public record Key(String name, long[] shape, String dtype) {}

  /**
   * A float input, row-major; images are already upsampled.
   *
   * @param shape dimensions, outermost first
   * @param values the elements
   */
  @SuppressWarnings("ArrayRecordComponent") // only for tests, never modified
  public record Floats(long[] shape, float[] values) {}

  /**
   * An input of ids, row-major.
   *
   * @param shape dimensions, outermost first
   * @param values the elements
   */
  @SuppressWarnings("ArrayRecordComponent") // only for tests, never modified
  public record Ids(long[] shape, long[] values) {}

  /**
   * An expected tensor.
   *
   * @param name name of the output
   * @param shape shape of the full tensor
   * @param step the stored elements have the flat indices 0, step, 2 step, ...
   * @param stored stored elements
   * @param absmax maximum absolute value of the full tensor
   * @param deviation deviation of the fp32 reference from the fp64 reference, relative to {@code
   *     absmax}; 0 if the case does not state it
   */
  @SuppressWarnings("ArrayRecordComponent") // only for tests, never modified
  public record Expected(
      String name, long[] shape, int step, double[] stored, double absmax, double deviation) {
    /** The number of elements of the full tensor. */
    public long elements() {
      return Arrays.stream(shape).reduce(1, Math::multiplyExact);
    }
  }

  private final Path folder;
  private final String name;
  private final JsonNode json;
  private final SequencedMap<String, Expected> expected = new LinkedHashMap<>();

  GoldenCase(Path folder, String name) {
    this.folder = folder;
    this.name = name;
    this.json = Golden.json(folder.resolve(name + ".json"));
    readExpected();
  }

  /** The name of the case, for example {@code llama-mha}. */
  public String name() {
    return name;
  }

  /** The whole JSON. */
  public JsonNode json() {
    return json;
  }

  /** The section {@code config}. */
  public JsonNode config() {
    return json.required("config");
  }

  /** The section {@code values}. */
  public JsonNode values() {
    return json.required("values");
  }

  /** A file or folder that belongs to the case, for example {@code chexbert-tiny/chexbert.pth}. */
  public Path file(String relative) {
    return folder.resolve(relative);
  }

  /** The salt for inputs. */
  public String salt() {
    return json.required("salt").stringValue();
  }

  /** The salt for weights. */
  public String weightSalt() {
    return json.path("weight_salt").stringValue(salt());
  }

  /** The weight {@code key} computed with the formula, row-major. */
  public float[] weight(String key, long... shape) {
    return GoldenWeights.fill(weightSalt(), key, shape);
  }

  /** The keys of the state dict, from {@code values.keys}. */
  public List<Key> keys() {
    return keys(values().required("keys"));
  }

  static List<Key> keys(JsonNode list) {
    List<Key> keys = new ArrayList<>();
    for (JsonNode key : list) {
      keys.add(
          new Key(key.get(0).stringValue(), longs(key.get(1)), key.path(2).stringValue("float32")));
    }
    return keys;
  }

  /** A float input computed with the formula; an image is upsampled from its coarse cells. */
  public Floats floats(String input) {
    JsonNode node = input(input);
    long[] shape = longs(node.required("shape"));
    float[] values =
        GoldenWeights.floats(
            salt(),
            node.required("key").stringValue(),
            node.required("low").doubleValue(),
            node.required("high").doubleValue(),
            shape);
    if (!node.has("image_shape")) {
      return new Floats(shape, values);
    }
    return enlarged(new Floats(shape, values), longs(node.get("image_shape")), cell(node));
  }

  /**
   * An input of ids computed with the formula; the JSON also contains the ids, and both must be
   * equal.
   */
  public Ids ids(String input) {
    JsonNode node = input(input);
    long[] shape = longs(node.required("shape"));
    long[] values =
        GoldenWeights.ids(
            salt(),
            node.required("key").stringValue(),
            node.required("first").longValue(),
            node.required("vocab").longValue(),
            shape);
    long[] written = longs(node.required("values"));
    if (!Arrays.equals(values, written)) {
      throw new AssertionError(
          name + "/" + input + ": the ids by formula differ from those written out");
    }
    return new Ids(shape, values);
  }

  /** The expected tensors by name, in the order of the JSON. */
  public SequencedMap<String, Expected> expected() {
    return expected;
  }

  /** The expected tensor {@code output}. */
  public Expected expected(String output) {
    Expected tensor = expected.get(output);
    if (tensor == null) {
      throw new AssertionError(
          "golden case " + name + " has no output " + output + ", it has " + expected.keySet());
    }
    return tensor;
  }

  /** The integers of a JSON list; nested lists are flattened row-major. */
  public static long[] longs(JsonNode list) {
    List<Long> values = new ArrayList<>();
    flatten(list, leaf -> values.add(leaf.asLong()));
    return values.stream().mapToLong(Long::longValue).toArray();
  }

  /** The numbers of a JSON list; nested lists are flattened row-major. */
  public static double[] doubles(JsonNode list) {
    List<Double> values = new ArrayList<>();
    flatten(list, leaf -> values.add(leaf.asDouble()));
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }

  @Override
  public String toString() {
    return name;
  }

  private static void flatten(JsonNode node, Consumer<JsonNode> leaf) {
    if (node.isArray()) {
      node.forEach(child -> flatten(child, leaf));
    } else {
      leaf.accept(node);
    }
  }

  private JsonNode input(String input) {
    JsonNode node = json.required("inputs").path(input);
    if (node.isMissingNode()) {
      throw new AssertionError(
          "golden case "
              + name
              + " has no input "
              + input
              + ", it has "
              + json.required("inputs").propertyNames());
    }
    return node;
  }

  private int cell(JsonNode node) {
    String rule = node.required("rule").stringValue();
    Matcher matcher = CELL.matcher(rule);
    if (!matcher.find()) {
      throw new AssertionError("golden case " + name + " has the unknown picture rule " + rule);
    }
    return Integer.parseInt(matcher.group(1));
  }

  // [B,C,h,w] -> [B,C,H,W]
  private static Floats enlarged(Floats coarse, long[] shape, int cell) {
    int planes = Math.toIntExact(shape[0] * shape[1]);
    int height = Math.toIntExact(shape[2]);
    int width = Math.toIntExact(shape[3]);
    int rows = Math.toIntExact(coarse.shape[2]);
    int columns = Math.toIntExact(coarse.shape[3]);
    float[] values = new float[Math.multiplyExact(planes, Math.multiplyExact(height, width))];
    int at = 0;
    for (int plane = 0; plane < planes; plane++) {
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          values[at++] = coarse.values[(plane * rows + y / cell) * columns + x / cell];
        }
      }
    }
    return new Floats(shape, values);
  }

  private void readExpected() {
    JsonNode outputs = json.path("outputs");
    if (outputs.isEmpty()) {
      return;
    }
    try (Checkpoint tensors = Checkpoint.open(folder.resolve(name + ".safetensors"))) {
      for (Map.Entry<String, JsonNode> entry : outputs.properties()) {
        JsonNode output = entry.getValue();
        expected.put(
            entry.getKey(),
            new Expected(
                entry.getKey(),
                longs(output.required("shape")),
                output.path("flat_step").asInt(1),
                tensors.doubles(entry.getKey()),
                output.required("absmax").doubleValue(),
                output.path("deviation").path("float64").doubleValue(0)));
      }
    }
  }
}
