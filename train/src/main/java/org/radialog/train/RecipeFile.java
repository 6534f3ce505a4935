package org.radialog.train;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.published.StrictJson;

/** Recipes as JSON files, and those that come with the program. */
public final class RecipeFile {
  /** The names of all recipes that come with the program. */
  public static final List<String> NAMES =
      Stream.of(Recipe.NAMES, PublishedRecipe.NAMES).flatMap(List::stream).toList();

  private static final int LARGEST = 1 << 20; // bytes

  private RecipeFile() {}

  /**
   * The text of a recipe that comes with the program.
   *
   * @throws RadialogException if there is none of the name
   */
  public static String text(String name) {
    return text(name, NAMES);
  }

  private static String text(String name, List<String> names) {
    if (!names.contains(name)) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "there is no recipe %s: expected one of %s".formatted(Printable.of(name), names));
    }
    String resource = "recipes/" + name + ".json";
    try (InputStream in = RecipeFile.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException(resource + " is missing from the class path");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new RadialogException("cannot read the recipe " + name + ": " + e, e);
    }
  }

  static <T> T named(String name, List<String> names, Class<T> type) {
    byte[] text = text(name, names).getBytes(StandardCharsets.UTF_8);
    return parsed(Path.of(name + ".json"), text, type);
  }

  static <T> T read(Path file, Class<T> type) {
    try {
      if (Files.size(file) > LARGEST) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            Printable.escaped(file.toString())
                + ": %d bytes, expected at most %d; no recipe"
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

  static void requireId(String id) {
    if (!id.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,99}")) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "id is \"%s\", expected letters, digits, dots, lines and hyphens"
              .formatted(Printable.of(id)));
    }
  }
}
