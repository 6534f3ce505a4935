package org.radialog.published;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.Nulls;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.language.LlamaLinear;
import org.radialog.language.LoraConfig;
import org.radialog.vision.Alignment;
import org.radialog.vision.FindingsClassifier;
import org.radialog.vision.VisionEncoder;
import org.radialog.vision.VisionEncoders;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.exc.InputCoercionException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.EnumNamingStrategies;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.annotation.EnumNaming;
import tools.jackson.databind.cfg.CoercionAction;
import tools.jackson.databind.cfg.CoercionInputShape;
import tools.jackson.databind.exc.InvalidTypeIdException;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.jsontype.NamedType;
import tools.jackson.databind.type.LogicalType;

/**
 * Maps records to JSON files that people edit: field names in snake case, enum constants in lower
 * case with hyphens, every field mandatory, {@code null} only for an empty {@code Optional}, and
 * error messages that name the field, the expected and the found value.
 *
 * <p>If a field may contain records of several kinds, its {@code type} names one in a registry; no
 * other classes are ever created.
 */
public final class StrictJson {
  private static final Map<Class<?>, SequencedMap<String, ? extends Class<?>>> KINDS =
      Map.of(
          VisionEncoder.Config.class, VisionEncoders.kinds(),
          Alignment.Config.class, Alignment.Config.kinds(),
          FindingsClassifier.Pooling.class, FindingsClassifier.Pooling.kinds());

  @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
  private interface OfKind {}

  /** An adapter without what training alone looks at. */
  @JsonIgnoreProperties("dropout")
  private abstract static class Inference {
    @SuppressWarnings("UnusedVariable") // their names and types are what Jackson reads
    @JsonCreator
    static @Nullable LoraConfig trained(
        @JsonProperty("r") int r,
        @JsonProperty("alpha") double alpha,
        @JsonProperty("targets") Set<LlamaLinear> targets) {
      return null; // only its signature counts: LoraConfig's own is called
    }
  }

  /** PEFT's names of the linear layers have underscores. */
  @EnumNaming(EnumNamingStrategies.SnakeCaseStrategy.class)
  private interface PeftNames {}

  private static final JsonMapper JSON = mapper();

  private static JsonMapper mapper() {
    JsonMapper.Builder builder =
        JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enumNamingStrategy(EnumNamingStrategies.KEBAB_CASE)
            .addMixIn(LoraConfig.class, Inference.class)
            .addMixIn(LlamaLinear.class, PeftNames.class)
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_IGNORED_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(SerializationFeature.INDENT_OUTPUT)
            // A value of another type is an error, even if it could be converted.
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .withCoercionConfigDefaults(c -> {
              for (CoercionInputShape shape :
                  List.of(
                      CoercionInputShape.EmptyArray,
                      CoercionInputShape.EmptyObject,
                      CoercionInputShape.EmptyString)) {
                c.setCoercion(shape, CoercionAction.Fail);
              }
            })
            .withCoercionConfig(
                LogicalType.Textual,
                c -> {
                  for (CoercionInputShape shape :
                      List.of(
                          CoercionInputShape.Integer,
                          CoercionInputShape.Float,
                          CoercionInputShape.Boolean)) {
                    c.setCoercion(shape, CoercionAction.Fail);
                  }
                })
            .withCoercionConfig(
                LogicalType.Enum,
                c -> c.setCoercion(CoercionInputShape.Integer, CoercionAction.Fail))
            .changeDefaultNullHandling(_ -> JsonSetter.Value.forValueNulls(Nulls.FAIL, Nulls.FAIL))
            .withConfigOverride(
                Optional.class,
                o -> o.setNullHandling(JsonSetter.Value.forValueNulls(Nulls.SET, Nulls.FAIL)));
    KINDS.forEach((base, kinds) -> {
      builder.addMixIn(base, OfKind.class);
      kinds.forEach((name, kind) -> builder.registerSubtypes(new NamedType(kind, name)));
    });
    return builder.build();
  }

  private StrictJson() {}

  /**
   * The JSON of a file.
   *
   * @param otherwise the kind of failure if it cannot be used
   * @throws RadialogException if {@code content} is not JSON
   */
  public static JsonNode tree(Path file, byte[] content, Kind otherwise) {
    try {
      return JSON.readTree(content);
    } catch (JacksonException e) {
      throw new RadialogException(otherwise, file + " is not JSON: " + e.getOriginalMessage(), e);
    }
  }

  /** A record as JSON. */
  public static JsonNode tree(Object value) {
    return JSON.valueToTree(value);
  }

  /** A record, or JSON, as the text of a file: indented, with a final line break. */
  public static String text(Object value) {
    return JSON.writeValueAsString(value) + "\n";
  }

  /**
   * The record in {@code tree}.
   *
   * @param where the source of the tree, for messages
   * @param otherwise the kind of failure if it cannot be used
   * @throws RadialogException if a field is unknown, missing, of the wrong type or out of range
   */
  public static <T> T read(String where, JsonNode tree, Class<T> type, Kind otherwise) {
    try {
      return JSON.treeToValue(tree, type);
    } catch (UnrecognizedPropertyException e) {
      throw new RadialogException(
          otherwise,
          where
              + ": unknown field '"
              + Printable.of(path(e))
              + "', expected one of "
              + e.getKnownPropertyIds().stream()
                  .map(Object::toString)
                  .sorted()
                  .collect(Collectors.joining(", "))
              + "; a newer version of RaDialog may know it",
          e);
    } catch (JacksonException e) {
      throw new RadialogException(otherwise, where + ": " + path(e) + ": " + reason(e, tree), e);
    }
  }

  private static String path(JacksonException e) {
    var text = new StringBuilder();
    for (JacksonException.Reference r : e.getPath()) {
      if (r.getPropertyName() == null) {
        text.append('[').append(r.getIndex()).append(']');
      } else {
        text.append(text.isEmpty() ? "" : ".").append(r.getPropertyName());
      }
    }
    return text.isEmpty() ? "the whole file" : text.toString();
  }

  private static String reason(JacksonException e, JsonNode tree) {
    if (e.getCause() instanceof RadialogException cause) {
      return cause.getMessage();
    }
    JsonNode found = tree;
    for (JacksonException.Reference r : e.getPath()) {
      String name = r.getPropertyName();
      found = name == null ? found.path(r.getIndex()) : found.path(name);
    }
    String expected =
        switch (e) {
          case InvalidTypeIdException type ->
              Optional.ofNullable(KINDS.get(type.getBaseType().getRawClass()))
                  .map(kinds -> "an object whose type is " + String.join(" or ", kinds.keySet()))
                  .orElse("another type");
          case MismatchedInputException mismatch when mismatch.getTargetType() != null ->
              expected(mismatch.getTargetType());
          case InputCoercionException number -> expected(number.getTargetType());
          default -> "";
        };
    return expected.isEmpty()
        ? Printable.of(e.getOriginalMessage())
        : "expected "
            + expected
            + ", found "
            + (found.isMissingNode() ? "none" : Printable.of(found));
  }

  // The JSON name of a type.
  private static String expected(Class<?> type) {
    if (type == int.class || type == Integer.class || type == long.class || type == Long.class) {
      return "a whole number" + (type == int.class || type == Integer.class ? " of 32 bits" : "");
    }
    if (type == double.class || type == Double.class) {
      return "a number";
    }
    if (type == boolean.class || type == Boolean.class) {
      return "true or false";
    }
    if (type == String.class) {
      return "a text";
    }
    if (Collection.class.isAssignableFrom(type)) {
      return "a list";
    }
    if (type.isEnum()) {
      return Stream.of(type.getEnumConstants())
          .map(constant -> JSON.valueToTree(constant).asString())
          .collect(Collectors.joining(" or "));
    }
    return "an object";
  }
}
