package org.radialog.paper;

import org.radialog.torch.LearningRate;
import org.radialog.train.Ranges;

/**
 * How a Q-Former learns from films and their reports by comparing, matching and writing (BLIP-2,
 * arXiv 2301.12597, §3.1), on a frozen image encoder. The learning rate is that of {@link
 * LearningRate.ByPass}.
 *
 * @param passes over the films
 * @param cosinePasses passes over which the learning rate would fall to its floor
 * @param batch films per step; those of a batch are each other's negatives
 * @param start rate of the first step
 * @param rate highest learning rate
 * @param floor lowest learning rate after the first pass
 * @param warmUp steps in which the rate rises
 * @param weightDecay of matrices, decoupled, as a factor on the learning rate
 * @param dropout share of the activations that is set to 0
 * @param clip largest norm of the gradients of a step
 * @param longest tokens of a report, beyond which it is cut
 * @param embed width of the space in which film and report are compared
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
