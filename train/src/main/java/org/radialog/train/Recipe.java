package org.radialog.train;

import java.nio.file.Path;
import java.util.List;
import org.radialog.torch.TorchThreads;

/**
 * All that a training is told beside its data: the networks and what each stage does. A recipe is a
 * JSON file with these fields in snake case, every one mandatory.
 *
 * @param id name of the model that comes out, for example {@code radialog-mini}
 * @param seed of everything drawn at random
 * @param threads of one operation; results differ in their last bits from number to number. 0 for
 *     as many as the library takes by itself
 * @param model the networks
 * @param classifier recipe of the classifier stage
 * @param alignment recipe of the alignment stage
 * @param language recipe of the language stage
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

  /**
   * Checks the fields that belong to no stage.
   *
   * @throws org.radialog.base.RadialogException if one is out of its range
   */
  public Recipe {
    RecipeFile.requireId(id);
    Ranges.whole("threads", threads, 0, 1024);
  }

  /** {@link #threads} for the operations of this thread, until it is closed. */
  TorchThreads operationThreads() {
    return threads > 0 ? TorchThreads.of(threads) : TorchThreads.all();
  }

  /** The text of a recipe that comes with the program, one of {@link #NAMES}. */
  public static String text(String name) {
    return RecipeFile.text(name, NAMES, Recipe.class);
  }

  /** A recipe that comes with the program, one of {@link #NAMES}. */
  public static Recipe named(String name) {
    return RecipeFile.named(name, NAMES, Recipe.class);
  }

  /**
   * Reads a recipe.
   *
   * @throws org.radialog.base.RadialogException if the file cannot be read, or a field is unknown,
   *     missing, of another type or out of its range
   */
  public static Recipe read(Path file) {
    return RecipeFile.read(file, Recipe.class);
  }
}
