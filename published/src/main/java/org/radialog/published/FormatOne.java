package org.radialog.published;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.vision.InputSpec;
import org.radialog.vision.VisionEncoders;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Format 1 of {@code config.json}: the fields that it lacks, as defined in format 2. A file of
 * format 1 is read as if it had these values.
 *
 * <ul>
 *   <li>{@code limits} are those of the embedded model, recognised by its {@code id}; for other
 *       models they are unknown.
 *   <li>{@code sections} are findings and impression, which every model could be asked for; none
 *       for a folder with only a language model.
 *   <li>{@code vision.type} is {@code biovil-t}, and its {@code input} is one grey channel in [0,
 *       1].
 *   <li>{@code classifier.possible} is {@code null}: no finding is uncertain.
 *   <li>{@code classifier.performance} is {@code null}: not known.
 *   <li>{@code classifier.denied} is {@code null}: texts may deny all that is assessed.
 * </ul>
 */
final class FormatOne {
  private static final JsonNodeFactory NEW = JsonNodeFactory.instance;

  /**
   * A field that was added in format 2.
   *
   * @param parent name of the object that contains it; empty for the top level
   */
  private record Added(String parent, String name, JsonNode value) {
    String path() {
      return parent.isEmpty() ? name : parent + "." + name;
    }

    /** The object that contains the field, if the file has one. */
    Optional<ObjectNode> in(ObjectNode root) {
      JsonNode at = parent.isEmpty() ? root : root.path(parent);
      return at instanceof ObjectNode object ? Optional.of(object) : Optional.empty();
    }
  }

  private static final String EMBEDDED = "radialog-mini";

  /** Fields of {@code classifier} that early files of format 2 lack, too. */
  static final List<String> LATE = List.of("performance", "denied");

  private FormatOne() {}

  private static List<Added> added(ObjectNode file) {
    boolean embedded = file.path("id").asString("").equals(EMBEDDED);
    boolean sees = file.path("vision").isObject();
    return Stream.concat(
            LATE.stream().map(name -> new Added("classifier", name, NEW.nullNode())),
            Stream.of(
                new Added(
                    "",
                    "limits",
                    list(embedded ? List.of(ModelConfig.LIMITS_OF_GRAMMAR) : List.of())),
                new Added(
                    "", "sections", list(sees ? List.of("findings", "impression") : List.of())),
                new Added("vision", "type", NEW.stringNode(VisionEncoders.BIOVIL_T)),
                new Added("vision", "input", StrictJson.tree(InputSpec.GREY)),
                new Added("classifier", "possible", NEW.nullNode())))
        .toList();
  }

  private static JsonNode list(List<String> words) {
    ArrayNode list = NEW.arrayNode();
    words.forEach(list::add);
    return list;
  }

  /**
   * The same file in format 2.
   *
   * @throws RadialogException if it already has a field of format 2
   */
  static ObjectNode upgraded(Path file, ObjectNode tree) {
    ObjectNode copy = tree.deepCopy();
    for (Added field : added(copy)) {
      field
          .in(copy)
          .ifPresent(object -> {
            if (object.has(field.name())) {
              throw new RadialogException(
                  Kind.REFUSED_WEIGHTS,
                  file
                      + ": unknown field '"
                      + field.path()
                      + "': format 1 has none, format "
                      + ModelConfig.FORMAT
                      + " does");
            }
            object.set(field.name(), field.value());
          });
    }
    return copy.put("format", ModelConfig.FORMAT);
  }
}
