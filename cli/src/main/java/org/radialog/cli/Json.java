package org.radialog.cli;

import java.nio.file.Path;
import org.radialog.wire.Result;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** JSON for programs: one object per line, with fields in insertion order. */
final class Json {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private Json() {}

  static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  static ArrayNode array() {
    return MAPPER.createArrayNode();
  }

  static JsonNode tree(Object value) {
    return MAPPER.valueToTree(value);
  }

  /** The content of a JSON file. */
  static JsonNode read(Path file) {
    return MAPPER.readTree(file);
  }

  /** A number rounded to three decimals, which is enough for probabilities and milliseconds. */
  static double rounded(double value) {
    return Result.rounded(value);
  }
}
