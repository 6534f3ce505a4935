package org.radialog.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads safetensors: a length, a JSON header, then the tensors one after the other without gaps.
 */
final class Safetensors {
  /** The limit of the reference library of the format. */
  private static final long MAX_HEADER = 100_000_000;

  static final String METADATA = "__metadata__";

  /** Refuses repeated names, trailing text and deep nesting. */
  static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private record Placed(TensorInfo info, long begin, long end) {}

  private Safetensors() {}

  /** Whether a JSON object of a plausible length begins at the position of the header. */
  static boolean starts(MemorySegment bytes) {
    if (bytes.byteSize() < 9) {
      return false;
    }
    long length = bytes.get(Bytes.LONG, 0);
    return length >= 2
        && length <= Math.min(MAX_HEADER, bytes.byteSize() - 8)
        && bytes.get(ValueLayout.JAVA_BYTE, 8) == '{';
  }

  static Checkpoint.Contents read(Path file, MemorySegment bytes) {
    Bytes in = new Bytes(file, bytes);
    long length = in.i64();
    if (length < 2 || length > MAX_HEADER || length > in.left()) {
      throw new WeightsRefused(
          file,
          "its format is unknown: as safetensors its header would have "
              + Long.toUnsignedString(length)
              + " bytes of the file's "
              + bytes.byteSize());
    }
    JsonNode header = parse(file, in.utf8(length));
    if (!header.isObject()) {
      throw new WeightsRefused(file, "the safetensors header is not a JSON object");
    }
    Map<String, Object> metadata = new LinkedHashMap<>();
    List<Placed> placed = new ArrayList<>();
    for (Map.Entry<String, JsonNode> entry : header.properties()) {
      if (entry.getKey().equals(METADATA)) {
        readMetadata(file, entry.getValue(), metadata);
      } else {
        placed.add(readTensor(file, entry.getKey(), entry.getValue()));
      }
    }
    MemorySegment data = in.take(in.left());
    checkPlaces(file, placed, data.byteSize());
    SequencedMap<String, Checkpoint.Stored> tensors = new LinkedHashMap<>();
    for (Placed p : placed) {
      tensors.put(
          p.info.name(),
          new Checkpoint.Stored(
              p.info, new Elements.Contiguous(data.asSlice(p.begin, p.end - p.begin))));
    }
    return new Checkpoint.Contents("safetensors", metadata, tensors);
  }

  static JsonNode parse(Path file, String text) {
    try {
      return JSON.readTree(text);
    } catch (JacksonException e) {
      throw new WeightsRefused(file, "the header is not valid JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static void readMetadata(Path file, JsonNode node, Map<String, Object> metadata) {
    if (!node.isObject()) {
      throw new WeightsRefused(file, METADATA + " is not an object");
    }
    for (Map.Entry<String, JsonNode> entry : node.properties()) {
      if (!entry.getValue().isString()) {
        throw new WeightsRefused(file, METADATA + "." + entry.getKey() + " is not a string");
      }
      metadata.put(entry.getKey(), entry.getValue().stringValue());
    }
  }

  private static Placed readTensor(Path file, String name, JsonNode node) {
    JsonNode dtypeName = node.path("dtype");
    if (!dtypeName.isString()) {
      throw new WeightsRefused(file, "tensor " + name + " has no dtype");
    }
    long[] shape = longs(file, name, "shape", node.path("shape"));
    long[] offsets = longs(file, name, "data_offsets", node.path("data_offsets"));
    if (offsets.length != 2 || offsets[0] > offsets[1]) {
      throw new WeightsRefused(
          file,
          "tensor "
              + name
              + " has data_offsets "
              + Arrays.toString(offsets)
              + ", expected [begin, end]");
    }
    String type = dtypeName.stringValue();
    TensorInfo info =
        DType.ofSafetensors(type)
            .map(dtype -> new TensorInfo(name, dtype, shape))
            .or(() ->
                ForeignType.ofSafetensors(type)
                    .map(foreign -> new TensorInfo(name, foreign, shape)))
            .orElseThrow(() ->
                new WeightsRefused(file, "tensor " + name + " has the unknown dtype " + type));
    long bytes = Sizes.bytes(file, info);
    if (bytes != offsets[1] - offsets[0]) {
      throw new WeightsRefused(
          file,
          "tensor "
              + info
              + " needs "
              + bytes
              + " bytes, its data_offsets "
              + Arrays.toString(offsets)
              + " hold "
              + (offsets[1] - offsets[0]));
    }
    return new Placed(info, offsets[0], offsets[1]);
  }

  private static long[] longs(Path file, String name, String field, JsonNode node) {
    if (!node.isArray()) {
      throw new WeightsRefused(file, "tensor " + name + " has no list " + field);
    }
    long[] values = new long[node.size()];
    for (int i = 0; i < values.length; i++) {
      JsonNode value = node.get(i);
      if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
        throw new WeightsRefused(
            file, "tensor " + name + " has " + value + " in its " + field + ", expected a count");
      }
      values[i] = value.longValue();
    }
    return values;
  }

  /**
   * Tensors must follow each other from the first byte to the last, so that nothing is hidden
   * between or after them.
   */
  private static void checkPlaces(Path file, List<Placed> placed, long length) {
    List<Placed> sorted = new ArrayList<>(placed);
    sorted.sort(Comparator.comparingLong(Placed::begin).thenComparingLong(Placed::end));
    long end = 0;
    for (Placed p : sorted) {
      if (p.begin != end) {
        throw new WeightsRefused(
            file,
            "tensor "
                + p.info
                + " begins at byte "
                + p.begin
                + " of the data, expected "
                + end
                + ": tensors overlap or leave a gap");
      }
      end = p.end;
    }
    if (end != length) {
      throw new WeightsRefused(
          file, "the header describes " + end + " bytes of data, the file has " + length);
    }
  }
}
