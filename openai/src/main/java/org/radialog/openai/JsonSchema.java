package org.radialog.openai;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.radialog.base.Printable;
import tools.jackson.databind.JsonNode;

/**
 * A JSON Schema as a grammar. All texts of the grammar are valid; not every valid text is one, for
 * the members of an object stand in the order of the schema and others are not written. What cannot
 * be kept is refused by name.
 */
final class JsonSchema {
  private static final int DEPTH = 12; // of schemas within each other; recursion ends there
  private static final int LONGEST = 20_000; // characters of the shortest text
  private static final int LARGEST = 5_000; // schemas that are read in all

  /** They say nothing about the text, or what is written anyway. */
  private static final Set<String> REMARKS =
      Set.of(
          "$schema",
          "$id",
          "$comment",
          "$defs",
          "definitions",
          "title",
          "description",
          "default",
          "examples",
          "deprecated",
          "readOnly",
          "writeOnly",
          "format",
          "additionalProperties",
          "unevaluatedProperties",
          "strict");

  private final JsonNode root;
  private final Map<String, JsonNode> references = new LinkedHashMap<>();
  private int read;

  private JsonSchema(JsonNode root) {
    this.root = root;
  }

  /**
   * The grammar of a schema.
   *
   * @throws ApiError if a part of it is no schema, or cannot be kept
   */
  static Grammar grammar(JsonNode schema) {
    Grammar grammar = new JsonSchema(schema).of(schema, "schema", 0);
    if (grammar.length() > LONGEST) {
      throw refused(
          "schema", "even its shortest text has more than %d characters".formatted(LONGEST));
    }
    return grammar;
  }

  private Grammar of(JsonNode schema, String at, int depth) {
    if (depth > DEPTH) {
      throw new TooDeep(at);
    }
    if (++read > LARGEST) {
      throw refused(at, "the schema has more than %d parts".formatted(LARGEST));
    }
    if (schema.isBoolean() && schema.asBoolean()) {
      return JsonGrammar.value();
    }
    if (!schema.isObject()) {
      throw refused(at, "expected an object, found " + kind(schema));
    }
    if (schema.has("$ref")) {
      only(schema, at, Set.of("$ref"));
      return of(resolved(schema.path("$ref").asString(""), at), at, depth + 1);
    }
    if (schema.has("const")) {
      only(schema, at, Set.of("const", "type"));
      return JsonGrammar.exactly(schema.path("const"));
    }
    if (schema.has("enum")) {
      only(schema, at, Set.of("enum", "type"));
      JsonNode values = schema.path("enum");
      if (!values.isArray() || values.isEmpty()) {
        throw refused(at + ".enum", "expected a list with at least one value");
      }
      return Grammar.choice(values.valueStream().map(JsonGrammar::exactly).toList());
    }
    if (schema.has("anyOf")) {
      only(schema, at, Set.of("anyOf"));
      return any(schema.path("anyOf"), at + ".anyOf", depth);
    }
    if (schema.has("allOf")) {
      only(schema, at, Set.of("allOf"));
      JsonNode all = schema.path("allOf");
      if (!all.isArray() || all.size() != 1) {
        throw refused(at + ".allOf", "expected a list of one schema; others cannot be kept");
      }
      return of(all.get(0), at + ".allOf[0]", depth + 1);
    }
    JsonNode type = schema.path("type");
    if (type.isArray()) {
      List<Grammar> options = new ArrayList<>();
      Set<String> allowed = new HashSet<>(Set.of("type"));
      for (JsonNode one : type) {
        allowed.addAll(keywords(one.asString("")));
      }
      only(schema, at, allowed);
      for (JsonNode one : type) {
        options.add(ofType(one.asString(""), schema, at, depth));
      }
      if (options.isEmpty()) {
        throw refused(at + ".type", "expected at least one type");
      }
      return Grammar.choice(options);
    }
    String name =
        type.isMissingNode()
            ? schema.has("properties") ? "object" : schema.has("items") ? "array" : ""
            : type.asString("");
    if (name.isEmpty() && type.isMissingNode()) {
      only(schema, at, Set.of());
      return JsonGrammar.value();
    }
    Set<String> allowed = new HashSet<>(keywords(name));
    allowed.add("type");
    only(schema, at, allowed);
    return ofType(name, schema, at, depth);
  }

  private static Set<String> keywords(String type) {
    return switch (type) {
      case "object" -> Set.of("properties", "required");
      case "array" -> Set.of("items", "minItems", "maxItems");
      case "string" -> Set.of("minLength", "maxLength");
      case "integer", "number" ->
          Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum");
      default -> Set.of();
    };
  }

  private Grammar ofType(String type, JsonNode schema, String at, int depth) {
    return switch (type) {
      case "object" -> object(schema, at, depth);
      case "array" -> {
        int least = count(schema, "minItems", 0, at);
        int most = count(schema, "maxItems", -1, at);
        if (most >= 0 && most < least) {
          throw refused(at + ".maxItems", "is below minItems");
        }
        Grammar item;
        try {
          item =
              schema.has("items")
                  ? of(schema.path("items"), at + ".items", depth + 1)
                  : JsonGrammar.value();
        } catch (TooDeep e) {
          if (least > 0) {
            throw e;
          }
          yield JsonGrammar.array(JsonGrammar.NULL, 0, 0);
        }
        yield JsonGrammar.array(item, least, most);
      }
      case "string" -> {
        int least = count(schema, "minLength", 0, at);
        int most = count(schema, "maxLength", -1, at);
        if (most >= 0 && most < least) {
          throw refused(at + ".maxLength", "is below minLength");
        }
        yield JsonGrammar.string(least, most < 0 ? Grammar.UNLIMITED : most);
      }
      case "integer", "number" -> number(type.equals("integer"), schema, at);
      case "boolean" -> JsonGrammar.BOOLEAN;
      case "null" -> JsonGrammar.NULL;
      default ->
          throw refused(
              at + ".type",
              "expected object, array, string, integer, number, boolean or null, found "
                  + Printable.of(type));
    };
  }

  private Grammar any(JsonNode options, String at, int depth) {
    if (!options.isArray() || options.isEmpty()) {
      throw refused(at, "expected a list with at least one schema");
    }
    List<Grammar> some = new ArrayList<>();
    List<TooDeep> deep = new ArrayList<>();
    for (int i = 0; i < options.size(); i++) {
      try {
        some.add(of(options.get(i), at + "[" + i + "]", depth + 1));
      } catch (TooDeep e) {
        deep.add(e); // recursion ends with the other options
      }
    }
    if (some.isEmpty()) {
      throw deep.getFirst();
    }
    return Grammar.choice(some);
  }

  private Grammar object(JsonNode schema, String at, int depth) {
    JsonNode properties = schema.path("properties");
    if (!properties.isMissingNode() && !properties.isObject()) {
      throw refused(at + ".properties", "expected an object, found " + kind(properties));
    }
    List<String> required = new ArrayList<>();
    schema.path("required").forEach(name -> required.add(name.asString("")));
    if (properties.isEmpty() && required.isEmpty()) {
      JsonNode additional = schema.path("additionalProperties");
      return additional.isBoolean() && !additional.asBoolean()
          ? JsonGrammar.object(List.of(), List.of())
          : JsonGrammar.object();
    }
    Map<String, Grammar> members = new LinkedHashMap<>();
    properties
        .properties()
        .forEach(property -> {
          String name = property.getKey();
          try {
            members.put(name, of(property.getValue(), at + ".properties." + name, depth + 1));
          } catch (TooDeep e) {
            if (required.contains(name)) {
              throw e;
            }
          }
        });
    for (String name : required) {
      if (!properties.has(name)) {
        members.put(name, JsonGrammar.value());
      }
    }
    List<Grammar> all = new ArrayList<>();
    List<Boolean> needed = new ArrayList<>();
    members.forEach((name, value) -> {
      all.add(Grammar.sequence(JsonGrammar.exactly(Json.text(name)), JsonGrammar.COLON, value));
      needed.add(required.contains(name));
    });
    return JsonGrammar.object(all, needed);
  }

  private static Grammar number(boolean integer, JsonNode schema, String at) {
    long far = 999_999_999_999_999L;
    long least = Math.max(-far, bound(schema, "minimum", integer, true, at, -far));
    long most = Math.min(far, bound(schema, "maximum", integer, false, at, far));
    for (String exclusive : List.of("exclusiveMinimum", "exclusiveMaximum")) {
      if (schema.has(exclusive)) {
        if (!integer) {
          throw refused(at + "." + exclusive, "cannot be kept for numbers; use minimum, maximum");
        }
        boolean lower = exclusive.equals("exclusiveMinimum");
        JsonNode value = schema.path(exclusive);
        long whole = whole(value, lower, at + "." + exclusive);
        boolean hit = value.decimalValue().compareTo(BigDecimal.valueOf(whole)) == 0;
        if (lower) {
          least = Math.max(least, hit ? whole + 1 : whole);
        } else {
          most = Math.min(most, hit ? whole - 1 : whole);
        }
      }
    }
    boolean bounded = least > -far || most < far;
    if (least > most) {
      throw refused(at, "no %s lies within its bounds".formatted(integer ? "integer" : "number"));
    }
    if (!bounded) {
      return integer ? JsonGrammar.INTEGER : JsonGrammar.NUMBER;
    }
    return integer ? JsonGrammar.integer(least, most) : JsonGrammar.number(least, most);
  }

  private static long bound(
      JsonNode schema, String name, boolean integer, boolean lower, String at, long otherwise) {
    if (!schema.has(name)) {
      return otherwise;
    }
    JsonNode value = schema.path(name);
    long whole = whole(value, lower, at + "." + name);
    if (!integer && value.decimalValue().compareTo(BigDecimal.valueOf(whole)) != 0) {
      throw refused(at + "." + name, "expected an integer; other bounds of numbers cannot be kept");
    }
    return whole;
  }

  // The next integer within a bound.
  private static long whole(JsonNode value, boolean lower, String at) {
    if (!value.isNumber()) {
      throw refused(at, "expected a number, found " + kind(value));
    }
    double number = value.asDouble();
    if (!(Math.abs(number) < 1e15)) {
      throw refused(at, "expected a number of at most 15 digits");
    }
    return (long) (lower ? Math.ceil(number) : Math.floor(number));
  }

  private static int count(JsonNode schema, String name, int otherwise, String at) {
    JsonNode value = schema.path(name);
    if (value.isMissingNode()) {
      return otherwise;
    }
    if (!value.isIntegralNumber() || value.asDouble() < 0 || value.asDouble() > 10_000) {
      throw refused(at + "." + name, "expected an integer from 0 to 10000");
    }
    return value.asInt();
  }

  private JsonNode resolved(String reference, String at) {
    JsonNode known = references.get(reference);
    if (known != null) {
      return known;
    }
    if (!reference.equals("#") && !reference.startsWith("#/")) {
      throw refused(
          at + ".$ref",
          "expected a place in this schema, such as #/$defs/name, found "
              + Printable.of(reference));
    }
    JsonNode node = root;
    if (!reference.equals("#")) {
      for (String step : reference.substring(2).split("/", -1)) {
        node = node.path(step.replace("~1", "/").replace("~0", "~"));
      }
    }
    if (node.isMissingNode()) {
      throw refused(at + ".$ref", "there is nothing at " + Printable.of(reference));
    }
    references.put(reference, node);
    return node;
  }

  private static void only(JsonNode schema, String at, Set<String> allowed) {
    for (String name : schema.propertyNames()) {
      if (!allowed.contains(name) && !REMARKS.contains(name)) {
        throw refused(at + "." + name, "this keyword cannot be kept here");
      }
    }
  }

  private static String kind(JsonNode node) {
    return node.getNodeType().name().toLowerCase(Locale.ROOT);
  }

  private static ApiError refused(String at, String why) {
    return ApiError.invalid("response_format.json_schema." + at, why);
  }

  /** Schemas within each other beyond the limit. */
  private static final class TooDeep extends ApiError {
    private static final long serialVersionUID = 1L;

    TooDeep(String at) {
      super(
          400,
          INVALID,
          "invalid_value",
          "response_format.json_schema." + at,
          "response_format.json_schema.%s: schemas lie within each other beyond %d levels and nothing"
                  .formatted(at, DEPTH)
              + " ends the recursion");
    }
  }
}
