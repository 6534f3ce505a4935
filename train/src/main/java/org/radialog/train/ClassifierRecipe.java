package org.radialog.train;

/**
 * How the image encoder and the findings classifier are trained.
 *
 * @param smallEpochs passes over the films at {@code smallSide}, before those at full size
 * @param smallSide side of the films in those passes, in pixels
 * @param fullEpochs passes over the films at the size that the model reads
 * @param batch films per step
 * @param frozenBlocks the stem and so many blocks of the backbone keep their ImageNet weights; at
 *     -1 the stem learns, too
 * @param rate highest learning rate, of what begins at random; it rises over the first pass and
 *     falls to 0 by a cosine
 * @param backboneRate a factor on it for the backbone
 * @param weightDecay of matrices, decoupled, as a factor on the learning rate
 * @param averaging decay of the moving average of the weights per step; the average is what is kept
 * @param viewLoss weight of the loss for the view (PA or AP), that of the findings being 1
 * @param clip largest norm of the gradients of a step
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
    double viewLoss,
    double clip) {
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
    Ranges.whole("classifier.batch", batch, 2, 65_536); // statistics of a batch need two films
    Ranges.whole("classifier.frozen_blocks", frozenBlocks, -1, 16);
    Ranges.positive("classifier.rate", rate, false);
    Ranges.positive("classifier.backbone_rate", backboneRate, true);
    Ranges.positive("classifier.weight_decay", weightDecay, true);
    Ranges.share("classifier.averaging", averaging);
    Ranges.positive("classifier.view_loss", viewLoss, true);
    Ranges.positive("classifier.clip", clip, false);
  }

  int epochs() {
    return smallEpochs + fullEpochs;
  }

  /** Side of the films in an epoch, in pixels; {@code full} is that of the model. */
  int side(int epoch, int full) {
    return epoch < smallEpochs ? smallSide : full;
  }
}
