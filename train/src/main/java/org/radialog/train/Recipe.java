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
import org.radialog.torch.TorchThreads;

/**
 * All that a training is told beside its data: the networks and what each stage does. A recipe is a
 * JSON file with these fields in snake case, every one mandatory.
 *
 * @param id name of the model that comes out, for example {@code radialog-mini}
 * @param seed of everything drawn at random
 * @param threads of one operation; results differ in their last bits from number to number. 0 for
 *     as many as there are processors
 * @param model the networks
 */
public record Recipe(
    String id,
    long seed,
    int threads,
    ModelSpec model,
    ClassifierRecipe classifier,
    AlignmentRecipe alignment,
    LanguageRecipe language) {
  /** The recipes that come with the program, by their names; each is a resource. */
  public static final List<String> NAMES = List.of("mini");

  private static final int LARGEST = 1 << 20; // bytes

  /**
   * Checks the fields that belong to no stage.
   *
   * @throws RadialogException if one is out of its range
   */
  public Recipe {
    if (!id.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,99}")) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "id is \"%s\", expected letters, digits, dots, lines and hyphens"
              .formatted(Printable.of(id)));
    }
    Ranges.whole("threads", threads, 0, 1024);
  }

  /** {@link #threads} for the operations of this thread, until it is closed. */
  TorchThreads operationThreads() {
    return threads > 0 ? TorchThreads.of(threads) : TorchThreads.all();
  }

  /** The text of a recipe that comes with the program. */
  public static String text(String name) {
    if (!NAMES.contains(name)) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "there is no recipe %s: expected one of %s".formatted(Printable.of(name), NAMES));
    }
    String resource = "recipes/" + name + ".json";
    try (InputStream in = Recipe.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException(resource + " is missing from the class path");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new RadialogException("cannot read the recipe " + name + ": " + e, e);
    }
  }

  /** A recipe that comes with the program, one of {@link #NAMES}. */
  public static Recipe named(String name) {
    return parsed(Path.of(name + ".json"), text(name).getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Reads a recipe.
   *
   * @throws RadialogException if the file cannot be read, or a field is unknown, missing, of
   *     another type or out of its range
   */
  public static Recipe read(Path file) {
    try {
      if (Files.size(file) > LARGEST) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            Printable.escaped(file.toString())
                + ": %d bytes, expected at most %d; no recipe"
                    .formatted(Files.size(file), LARGEST));
      }
      return parsed(file, Files.readAllBytes(file));
    } catch (IOException e) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "cannot read the recipe " + Printable.escaped(file.toString()) + ": " + e,
          e);
    }
  }

  private static Recipe parsed(Path file, byte[] content) {
    return StrictJson.read(
        Printable.escaped(file.toString()),
        StrictJson.tree(file, content, Kind.REFUSED_DATA),
        Recipe.class,
        Kind.REFUSED_DATA);
  }
}
