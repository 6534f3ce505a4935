package org.radialog.loop;

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

/** Reads recipes from JSON files: built-in recipes, which are resources, and the user's files. */
public final class RecipeFile {
  private static final int LARGEST = 1 << 20; // bytes

  private RecipeFile() {}

  /**
   * The text of a built-in recipe.
   *
   * @param type class whose package contains the folder {@code recipes}
   * @param names names of the built-in recipes
   * @throws RadialogException if there is no recipe with this name
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
   * Parses a built-in recipe, as returned by {@link #text}.
   *
   * @throws RadialogException if there is no recipe with this name
   */
  public static <T> T named(String name, List<String> names, Class<T> type) {
    byte[] text = text(name, names, type).getBytes(StandardCharsets.UTF_8);
    return parsed(Path.of(name + ".json"), text, type);
  }

  /**
   * Reads a recipe.
   *
   * @throws RadialogException if the file cannot be read, or a field is unknown, missing, of
   *     another type or out of range
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
   * @throws RadialogException if it is not valid as a folder name
   */
  public static void requireId(String id) {
    if (!id.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,99}")) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "id is \"%s\", expected letters, digits, dots, underscores and hyphens"
              .formatted(Printable.of(id)));
    }
  }
}
