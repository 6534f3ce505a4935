package org.radialog.paper;

import java.nio.file.Path;
import java.util.Optional;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * The inputs of a training.
 *
 * @param data MIMIC-CXR in its published layout
 * @param chexbert CheXbert labels of the reports; empty for the labels of the data set
 * @param vision weights of the image encoder, the published file of BioViL-T; empty for random
 *     initialisation
 * @param bert folder of bert-base-uncased, from which the Q-Former is initialised; empty if not
 *     needed
 * @param dialogs file of dialogs in LLaVA's JSON format about images below {@code data}, as {@code
 *     radialog data instruct} writes it; empty to train on reports only
 * @param base language model, a GGUF file or a model folder with only a language model
 * @param recipe networks and training stages
 */
public record PublishedSources(
    Path data,
    Optional<Path> chexbert,
    Optional<Path> vision,
    Optional<Path> bert,
    Optional<Path> dialogs,
    Path base,
    PublishedRecipe recipe) {
  /**
   * Checks that the inputs required by the recipe are present.
   *
   * @throws RadialogException if one is missing
   */
  public PublishedSources {
    if (recipe.qformer().isPresent() && bert.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "the recipe %s trains a Q-Former, which starts from BERT: expected a folder of bert-base-uncased (--bert)"
              .formatted(recipe.id()));
    }
    if (recipe.instructions() != dialogs.isPresent()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          recipe.instructions()
              ? "the recipe %s trains on dialogs: expected the file of radialog data instruct (--dialogs)"
                  .formatted(recipe.id())
              : "the recipe %s trains on reports only: expected no --dialogs, or a recipe with instructions true"
                  .formatted(recipe.id()));
    }
  }
}
