package org.radialog.published;

import java.util.List;
import java.util.Optional;
import org.radialog.base.RadialogException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Format 1 of {@code config.json}: what it does not say yet, in the words of format 2. A file of
 * format 1 is read as if it stated these values.
 *
 * <ul>
 *   <li>{@code classifier.possible} is {@code null}: no finding is uncertain.
 * </ul>
 */
final class FormatOne {
  private static final JsonNodeFactory NEW = JsonNodeFactory.instance;

  /**
   * A field that came with format 2.
   *
   * @param parent name of the object that has it; empty for the whole file
   */
  private record Added(String parent, String name, JsonNode value) {
    String path() {
      return parent.isEmpty() ? name : parent + "." + name;
    }

    /** The object that has the field, where the file has one. */
    Optional<ObjectNode> in(ObjectNode root) {
      JsonNode at = parent.isEmpty() ? root : root.path(parent);
      return at instanceof ObjectNode object ? Optional.of(object) : Optional.empty();
    }
  }

  private FormatOne() {}

  private static List<Added> added() {
    return List.of(new Added("classifier", "possible", NEW.nullNode()));
  }

  /**
   * The same file in format 2.
   *
   * @throws RadialogException if it has a field of format 2 already
   */
  static ObjectNode upgraded(ObjectNode file) {
    ObjectNode copy = file.deepCopy();
    for (Added field : added()) {
      field
          .in(copy)
          .ifPresent(object -> {
            if (object.has(field.name())) {
              throw new RadialogException(
                  "unknown field '"
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
