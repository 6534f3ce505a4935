package org.radialog.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.radialog.loop.Ranges;
import org.radialog.loop.RecipeFile;
import org.radialog.torch.TorchThreads;

/**
 * All settings of a training except its data: the networks and the stages. A recipe is a JSON file
 * with these fields in snake case, all of which are mandatory.
 *
 * @param id name of the trained model, for example {@code radialog-mini}
 * @param seed seed of all random numbers
 * @param threads number of threads of an operation, or of parts of a batch that are computed at the
 *     same time; results depend on it in the last bits, and dropout masks altogether. 0 for the
 *     number of processors
 * @param model the networks
 * @param pretraining recipe of the encoder's training on further films before the classifier stage;
 *     empty if there is none
 * @param classifier recipe of the classifier stage
 * @param alignment recipe of the alignment stage
 * @param language recipe of the language stage
 */
public record Recipe(
    String id,
    long seed,
    int threads,
    ModelSpec model,
    Optional<ClassifierRecipe> pretraining,
    ClassifierRecipe classifier,
    AlignmentRecipe alignment,
    LanguageRecipe language) {
  /** The names of the built-in recipes, each of which is a resource. */
  public static final List<String> NAMES = List.of("mini");

  /**
   * Checks the fields that do not belong to a stage.
   *
   * @throws org.radialog.base.RadialogException if one is out of range
   */
  public Recipe {
    RecipeFile.requireId(id);
    Ranges.whole("threads", threads, 0, 1024);
  }

  /** Applies {@link #threads} to the operations of this thread until it is closed. */
  TorchThreads operationThreads() {
    return threads > 0 ? TorchThreads.of(threads) : TorchThreads.all();
  }

  /** The text of a built-in recipe, one of {@link #NAMES}. */
  public static String text(String name) {
    return RecipeFile.text(name, NAMES, Recipe.class);
  }

  /** A built-in recipe, one of {@link #NAMES}. */
  public static Recipe named(String name) {
    return RecipeFile.named(name, NAMES, Recipe.class);
  }

  /**
   * Reads a recipe.
   *
   * @throws org.radialog.base.RadialogException if the file cannot be read, or a field is unknown,
   *     missing, of another type or out of range
   */
  public static Recipe read(Path file) {
    return RecipeFile.read(file, Recipe.class);
  }
}
