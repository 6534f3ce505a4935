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
 * @param base language model, a GGUF file or a model folder with only a language model
 * @param recipe networks and training stages
 */
public record PublishedSources(
    Path data,
    Optional<Path> chexbert,
    Optional<Path> vision,
    Optional<Path> bert,
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
  }
}
