package org.radialog.weights;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import tools.jackson.databind.JsonNode;

/**
 * Reads a {@code *.safetensors.index.json}, which maps each tensor to a safetensors file in the
 * same folder.
 */
final class Sharded {
  private static final long MAX_INDEX = 100_000_000;

  private Sharded() {}

  /** Reads a shard. */
  interface Shards {
    Checkpoint.Contents read(Path shard) throws IOException;
  }

  static byte[] bytes(Path index) throws IOException {
    if (Files.size(index) > MAX_INDEX) {
      throw new WeightsRefused(index, "the index has " + Files.size(index) + " bytes");
    }
    return Files.readAllBytes(index);
  }

  static Checkpoint.Contents read(Path index, byte[] raw, Shards source) throws IOException {
    JsonNode root = Safetensors.parse(index, new String(raw, StandardCharsets.UTF_8));
    JsonNode map = root.path("weight_map");
    if (!map.isObject()) {
      throw new WeightsRefused(index, "it has no object weight_map");
    }
    Map<String, Checkpoint.Contents> shards = new HashMap<>();
    SequencedMap<String, Checkpoint.Stored> tensors = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      if (!entry.getValue().isString()) {
        throw new WeightsRefused(index, "weight_map." + entry.getKey() + " is not a file name");
      }
      String shardName = entry.getValue().stringValue();
      Checkpoint.Contents shard = shards.get(shardName);
      if (shard == null) {
        shard = source.read(beside(index, shardName));
        shards.put(shardName, shard);
      }
      Checkpoint.Stored stored = shard.tensors().get(entry.getKey());
      if (stored == null) {
        throw new WeightsRefused(index, shardName + " has no tensor " + entry.getKey());
      }
      tensors.put(entry.getKey(), stored);
    }
    if (tensors.isEmpty()) {
      throw new WeightsRefused(index, "its weight_map is empty");
    }
    String format = shards.values().iterator().next().format();
    return new Checkpoint.Contents(format + ", sharded", metadata(root), tensors);
  }

  private static Path beside(Path index, String name) {
    if (name.isEmpty() || name.startsWith(".") || !name.matches("[\\w.+-]+")) {
      throw new WeightsRefused(
          index,
          "the shard " + name + " is not the plain name of a file in the folder of the index");
    }
    return index.resolveSibling(name);
  }

  private static Map<String, Object> metadata(JsonNode root) {
    Map<String, Object> metadata = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : root.path("metadata").properties()) {
      JsonNode value = entry.getValue();
      if (value.isIntegralNumber() && value.canConvertToLong()) {
        metadata.put(entry.getKey(), value.longValue());
      } else if (value.isString()) {
        metadata.put(entry.getKey(), value.stringValue());
      } else {
        metadata.put(entry.getKey(), value.toString());
      }
    }
    return metadata;
  }
}
