package org.radialog.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.radialog.dialog.TextConstraint;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Texts of a schema, judged by a validator that was written elsewhere. */
class JsonSchemaTest {
  private static final JsonMapper MAPPER = new JsonMapper();

  private static final String STRUCTURE = "{}[]\",: .-truefalsnullaäZ0123456789\\un\uD83D\uDE00";

  static Stream<String> schemas() {
    return Stream.of(
        "{}",
        "{\"type\":\"object\"}",
        "{\"type\":\"object\",\"additionalProperties\":false}",
        """
        {"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},
         "required":["a","b"],"additionalProperties":false}\
        """,
        """
        {"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"},
         "c":{"type":"boolean"}},"required":["b"]}\
        """,
        "{\"type\":\"object\",\"properties\":{\"a\":{}},\"required\":[\"z\"]}",
        "{\"type\":\"array\",\"items\":{\"enum\":[\"x\",2,null,\"Ödem\"]},\"minItems\":2,\"maxItems\":3}",
        "{\"type\":\"array\",\"items\":{\"type\":\"number\"},\"minItems\":1}",
        "{\"type\":\"array\",\"maxItems\":0}",
        "{\"type\":\"string\",\"minLength\":2,\"maxLength\":4}",
        "{\"type\":[\"string\",\"null\"],\"maxLength\":1}",
        "{\"type\":\"integer\",\"minimum\":-12,\"maximum\":1050}",
        "{\"type\":\"integer\",\"minimum\":7,\"maximum\":7}",
        "{\"type\":\"integer\",\"maximum\":-3}",
        "{\"type\":\"integer\",\"exclusiveMinimum\":2.5,\"exclusiveMaximum\":10}",
        "{\"type\":\"number\",\"minimum\":0,\"maximum\":1}",
        "{\"type\":\"number\",\"minimum\":-20,\"maximum\":3}",
        "{\"const\":{\"k\":[1,\"ü\"]}}",
        "{\"anyOf\":[{\"type\":\"string\",\"maxLength\":3},{\"type\":\"null\"}]}",
        "{\"allOf\":[{\"type\":\"boolean\"}]}",
        """
        {"$defs":{"node":{"type":"object","properties":{"name":{"type":"string"},
           "children":{"type":"array","items":{"$ref":"#/$defs/node"}}},
           "required":["name","children"]}},
         "$ref":"#/$defs/node"}\
        """,
        """
        {"type":"object","properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},
         "required":["next"]}\
        """,
        """
        {"title":"Findings","type":"object","properties":{"effusion":
          {"type":"object","properties":{"state":{"type":"string","enum":["present","absent"]},
           "probability":{"type":"number","minimum":0,"maximum":1}},
           "required":["state","probability"]}},"required":["effusion"]}\
        """);
  }

  @ParameterizedTest
  @MethodSource("schemas")
  void everyTextIsValid(String text) {
    TextConstraint constraint = Grammar.constraint(JsonSchema.grammar(tree(text)));
    Schema judge =
        SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
            .getSchema(text, InputFormat.JSON);
    for (int seed = 0; seed < 60; seed++) {
      String made = drawn(constraint, new Random(seed));
      assertThat(judge.validate(made, InputFormat.JSON)).as(made).isEmpty();
      assertThat(MAPPER.readTree(made)).isNotNull();
    }
  }

  /** Characters drawn at random where they are allowed, then the shortest ending. */
  private static String drawn(TextConstraint constraint, Random random) {
    TextConstraint.Place place = constraint.start();
    StringBuilder text = new StringBuilder();
    int length = random.nextInt(80);
    for (int tries = 0; text.length() < length && tries < 4000; tries++) {
      if (place.whole() && random.nextInt(20) == 0) {
        return text.toString();
      }
      String next = String.valueOf(STRUCTURE.charAt(random.nextInt(STRUCTURE.length())));
      Optional<TextConstraint.Place> after = place.after(next);
      if (after.isPresent()) {
        place = after.get();
        text.append(next);
      }
    }
    String ending = place.ending();
    assertThat(place.whole()).isEqualTo(ending.isEmpty());
    if (!ending.isEmpty()) {
      place = place.after(ending).orElseThrow();
      text.append(ending);
    }
    assertThat(place.whole()).isTrue();
    return text.toString();
  }

  @Test
  void textsThatAreValidAndWrittenInTheUsualWayAreAllowed() {
    String schema =
        """
        {"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},
         "required":["b"]}\
        """;
    for (String text :
        List.of("{\"b\":\"\"}", "{\"a\": -10, \"b\": \"x \\\"y\\\" \\n\"}", "{\"b\": \"😀ä\"}")) {
      TextConstraint.Place place =
          Grammar.constraint(JsonSchema.grammar(tree(schema))).start().after(text).orElseThrow();
      assertThat(place.whole()).isTrue();
    }
    for (String text : List.of("{\"a\":1}", "{\"b\":1", "{\"b\":\"\"}x", "{ \"c\"", "[", "null")) {
      assertThat(
              Grammar.constraint(JsonSchema.grammar(tree(schema)))
                  .start()
                  .after(text)
                  .filter(TextConstraint.Place::whole))
          .as(text)
          .isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"type\":\"thing\"}",
        "{\"type\":\"string\",\"pattern\":\"a\"}",
        "{\"type\":\"array\",\"uniqueItems\":true}",
        "{\"oneOf\":[{}]}",
        "{\"not\":{}}",
        "{\"type\":\"number\",\"multipleOf\":2}",
        "{\"type\":\"number\",\"maximum\":0.5}",
        "{\"type\":\"integer\",\"minimum\":5,\"maximum\":4}",
        "{\"type\":\"array\",\"minItems\":3,\"maxItems\":2}",
        "{\"enum\":[]}",
        "{\"$ref\":\"https://example.org/schema\"}",
        "{\"$ref\":\"#/$defs/none\"}",
        "{\"$ref\":\"#\"}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}",
        "{\"type\":\"string\",\"minLength\":\"two\"}",
        "{\"properties\":[]}"
      })
  void whatCannotBeKeptIsRefusedByName(String schema) {
    assertThatThrownBy(() -> JsonSchema.grammar(tree(schema)))
        .isInstanceOf(ApiError.class)
        .hasMessageStartingWith("response_format.json_schema.schema");
  }

  private static JsonNode tree(String text) {
    return MAPPER.readTree(text);
  }
}
