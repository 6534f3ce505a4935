package org.radialog.openai;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.io.IOException;
import java.io.InputStream;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.StringNode;

/** Reads and writes the JSON of the protocol. An empty field of a record is written as null. */
public final class Json {
  private static final int DEPTH = 100; // levels; a request has fewer than ten of its own
  private static final int LONGEST = 400 << 20; // characters of a string: a film in base64

  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(DEPTH)
                          .maxStringLength(LONGEST)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
          .build();

  private static final JsonMapper WITHOUT_EMPTY =
      MAPPER
          .rebuild()
          .changeDefaultPropertyInclusion(
              always -> always.withValueInclusion(JsonInclude.Include.NON_ABSENT))
          .build();

  private Json() {}

  /**
   * Reads an object.
   *
   * @throws ApiError if it is not one JSON object
   */
  public static JsonNode object(InputStream body) throws IOException {
    JsonNode node;
    try {
      node = MAPPER.readTree(body);
    } catch (JacksonException e) {
      if (e.getCause() instanceof IOException broken) {
        throw broken; // the connection, not the text
      }
      throw new ApiError(
          400, ApiError.INVALID, "invalid_json", "", "the body is no JSON text: " + reason(e));
    }
    if (!node.isObject()) {
      throw new ApiError(400, ApiError.INVALID, "invalid_json", "", "the body is no JSON object");
    }
    return node;
  }

  // Where it is wrong; the text itself may be a patient's.
  private static String reason(JacksonException e) {
    return e.getLocation() == null
        ? "it cannot be read"
        : "line %d, column %d"
            .formatted(e.getLocation().getLineNr(), e.getLocation().getColumnNr());
  }

  /** A record as JSON on one line. */
  public static String write(Object value) {
    return MAPPER.writeValueAsString(value);
  }

  /** A record as JSON on one line, without empty fields. */
  static String writeWithoutEmpty(Object value) {
    return WITHOUT_EMPTY.writeValueAsString(value);
  }

  /** A text as a node. */
  static JsonNode text(String text) {
    return StringNode.valueOf(text);
  }
}
