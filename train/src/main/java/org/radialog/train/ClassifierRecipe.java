package org.radialog.train;

import org.radialog.loop.Ranges;

/**
 * The training recipe of the image encoder and the findings classifier, or of their pretraining.
 *
 * @param smallEpochs number of passes over all films at {@code smallSide}, before those at full
 *     size
 * @param smallSide side of the films in these passes, in pixels
 * @param fullEpochs number of passes over the films of {@code --data} at the model's input size
 * @param batch number of films per step
 * @param frozenBlocks number of backbone blocks that keep their ImageNet weights, as does the stem;
 *     -1 also trains the stem
 * @param rate peak learning rate of randomly initialised layers, with warm-up in the first pass and
 *     cosine decay to 0
 * @param backboneRate factor on the learning rate for the backbone
 * @param weightDecay decoupled weight decay of matrices, as a factor on the learning rate
 * @param averaging decay per step of the moving average of the weights, which is the result of the
 *     stage
 * @param positiveWeights whether a present finding weighs the more the rarer it is. The
 *     probabilities are then too high and only their order means something
 * @param radiologists whether the word of radiologists, where it is known, replaces text-mined
 *     labels, and No Finding means what they call normal
 * @param viewLoss weight of the loss for the view (PA or AP), relative to that for the findings
 * @param minedLoss weight of the loss for the text-mined No Finding, which a head of its own learns
 *     where {@code radiologists} gives that name another meaning
 * @param lungsLoss weight of the loss for films that show the lungs only: heads of their own learn
 *     the radiologists' classes and the findings
 * @param softened share of the films that are shown as small as the smallest ones, so that their
 *     sharpness says nothing
 * @param clip maximum norm of the gradients of a step
 * @param validateEvery steps between validations; 0 for one after each pass at full size
 */
public record ClassifierRecipe(
    int smallEpochs,
    int smallSide,
    int fullEpochs,
    int batch,
    int frozenBlocks,
    double rate,
    double backboneRate,
    double weightDecay,
    double averaging,
    boolean positiveWeights,
    boolean radiologists,
    double viewLoss,
    double minedLoss,
    double lungsLoss,
    double softened,
    double clip,
    int validateEvery) {
  /**
   * Checks the ranges.
   *
   * @throws org.radialog.base.RadialogException if a number is out of its range
   */
  public ClassifierRecipe {
    Ranges.whole("classifier.small_epochs", smallEpochs, 0, 10_000);
    Ranges.whole("classifier.small_side", smallSide, 32, 4096);
    Ranges.whole("classifier.full_epochs", fullEpochs, 0, 10_000);
    Ranges.whole("classifier.small_epochs + full_epochs", smallEpochs + fullEpochs, 1, 10_000);
    Ranges.whole("classifier.batch", batch, 2, 65_536); // batch statistics need at least two films
    Ranges.whole("classifier.frozen_blocks", frozenBlocks, -1, 16);
    Ranges.positive("classifier.rate", rate, false);
    Ranges.positive("classifier.backbone_rate", backboneRate, true);
    Ranges.positive("classifier.weight_decay", weightDecay, true);
    Ranges.share("classifier.averaging", averaging);
    Ranges.positive("classifier.view_loss", viewLoss, true);
    Ranges.positive("classifier.mined_loss", minedLoss, true);
    Ranges.positive("classifier.lungs_loss", lungsLoss, true);
    Ranges.share("classifier.softened", softened);
    Ranges.positive("classifier.clip", clip, false);
    Ranges.whole("classifier.validate_every", validateEvery, 0, Integer.MAX_VALUE);
  }

  /**
   * The side at which films are measured: that of the last pass. A network sees everything larger
   * than it learned it if a film is shown at another side.
   *
   * @param full the side of the passes at full size
   */
  int measuredSide(int full) {
    return fullEpochs > 0 ? full : smallSide;
  }

  /**
   * Whether films are measured as soft as the smallest ones: in a training without passes at full
   * size, which may have learned from no sharper ones.
   */
  boolean measuredSoft() {
    return fullEpochs == 0 && softened > 0;
  }
}
