package org.radialog.paper;

import java.nio.file.Path;
import java.util.Optional;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * What a model is made of.
 *
 * @param data MIMIC-CXR in its published layout
 * @param chexbert CheXbert's labels of the reports; empty for the labels beside the films
 * @param vision weights of the image encoder, BioViL-T's published file; empty for weights at
 *     random
 * @param bert a folder of bert-base-uncased, which the Q-Former starts from; empty where there is
 *     none
 * @param base the language model, GGUF or a model folder of a language model alone
 * @param recipe networks and stages
 */
public record PublishedSources(
    Path data,
    Optional<Path> chexbert,
    Optional<Path> vision,
    Optional<Path> bert,
    Path base,
    PublishedRecipe recipe) {
  /**
   * Checks that the recipe has what it needs.
   *
   * @throws RadialogException if it has not
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
