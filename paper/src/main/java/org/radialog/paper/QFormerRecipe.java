package org.radialog.paper;

import org.radialog.loop.Ranges;
import org.radialog.torch.LearningRate;

/**
 * The training recipe of the Q-Former on films and their reports, with contrastive, matching and
 * generation losses (BLIP-2, arXiv 2301.12597, §3.1) and a frozen image encoder. The learning rate
 * follows {@link LearningRate.ByPass}.
 *
 * @param passes number of passes over the films
 * @param cosinePasses number of passes after which the cosine schedule would reach the floor
 * @param batch number of films per step; the films of a batch serve as negatives for each other
 * @param start learning rate of the first step
 * @param rate peak learning rate
 * @param floor lowest learning rate after the first pass
 * @param warmUp number of warm-up steps
 * @param weightDecay decoupled weight decay of matrices, as a factor on the learning rate
 * @param dropout fraction of the activations that is set to 0
 * @param clip maximum norm of the gradients of a step
 * @param longest maximum number of tokens of a report; longer reports are truncated
 * @param embed width of the embedding space for the contrastive loss
 */
public record QFormerRecipe(
    int passes,
    int cosinePasses,
    int batch,
    double start,
    double rate,
    double floor,
    int warmUp,
    double weightDecay,
    double dropout,
    double clip,
    int longest,
    int embed) {
  /**
   * Checks the ranges.
   *
   * @throws org.radialog.base.RadialogException if a number is out of its range
   */
  public QFormerRecipe {
    Ranges.whole("qformer.passes", passes, 1, 10_000);
    Ranges.whole("qformer.cosine_passes", cosinePasses, 1, 10_000);
    Ranges.whole("qformer.batch", batch, 2, 65_536);
    Ranges.positive("qformer.start", start, true);
    Ranges.positive("qformer.rate", rate, false);
    Ranges.positive("qformer.floor", floor, true);
    Ranges.whole("qformer.warm_up", warmUp, 0, Integer.MAX_VALUE);
    Ranges.positive("qformer.weight_decay", weightDecay, true);
    Ranges.share("qformer.dropout", dropout);
    Ranges.positive("qformer.clip", clip, false);
    Ranges.whole("qformer.longest", longest, 3, 512);
    Ranges.whole("qformer.embed", embed, 1, 65_536);
  }

  LearningRate schedule(long stepsPerPass) {
    return new LearningRate.ByPass(start, rate, floor, warmUp, stepsPerPass, cosinePasses);
  }
}
