package org.radialog.train;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.published.StrictJson;

/** Recipes as JSON files: those that come with the program, each a resource, and a user's own. */
public final class RecipeFile {
  private static final int LARGEST = 1 << 20; // bytes

  private RecipeFile() {}

  /**
   * The text of a recipe that comes with the program.
   *
   * @param type beside whose class the folder {@code recipes} lies
   * @param names of those that there are
   * @throws RadialogException if there is none of the name
   */
  public static String text(String name, List<String> names, Class<?> type) {
    if (!names.contains(name)) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "there is no recipe %s: expected one of %s".formatted(Printable.of(name), names));
    }
    String resource = "recipes/" + name + ".json";
    try (InputStream in = type.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException(resource + " is missing from the class path");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new RadialogException("cannot read the recipe " + name + ": " + e, e);
    }
  }

  /**
   * A recipe that comes with the program, as {@link #text} finds it.
   *
   * @throws RadialogException if there is none of the name
   */
  public static <T> T named(String name, List<String> names, Class<T> type) {
    byte[] text = text(name, names, type).getBytes(StandardCharsets.UTF_8);
    return parsed(Path.of(name + ".json"), text, type);
  }

  /**
   * Reads a recipe.
   *
   * @throws RadialogException if the file cannot be read, or a field is unknown, missing, of
   *     another type or out of its range
   */
  public static <T> T read(Path file, Class<T> type) {
    try {
      if (Files.size(file) > LARGEST) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            Printable.escaped(file.toString())
                + ": %d bytes, expected at most %d; not a recipe"
                    .formatted(Files.size(file), LARGEST));
      }
      return parsed(file, Files.readAllBytes(file), type);
    } catch (IOException e) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "cannot read the recipe " + Printable.escaped(file.toString()) + ": " + e,
          e);
    }
  }

  private static <T> T parsed(Path file, byte[] content, Class<T> type) {
    return StrictJson.read(
        Printable.escaped(file.toString()),
        StrictJson.tree(file, content, Kind.REFUSED_DATA),
        type,
        Kind.REFUSED_DATA);
  }

  /**
   * Checks the name of a model.
   *
   * @throws RadialogException if it is no name for a folder
   */
  public static void requireId(String id) {
    if (!id.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,99}")) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "id is \"%s\", expected letters, digits, dots, lines and hyphens"
              .formatted(Printable.of(id)));
    }
  }
}
