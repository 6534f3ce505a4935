package org.radialog.paper;

import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.language.Precision;
import org.radialog.torch.Schedule;
import org.radialog.train.Ranges;

/**
 * How a language model learns to answer as the published versions did: from dialogs of which the
 * last answer alone counts.
 *
 * @param epochs passes over the dialogs that the learning rate is made for
 * @param steps after which the stage ends, where that is earlier; 0 for all passes
 * @param batch dialogs per step
 * @param piece dialogs whose gradients are computed at once
 * @param rate highest learning rate, of the adapter
 * @param projectorRate a factor on it for the linears between image and language model
 * @param visionRate a factor on it for the image encoder; 0 where that does not learn
 * @param decay of the learning rate
 * @param warmUpSteps steps in which the rate rises
 * @param warmUpShare share of the steps in which the rate rises; the larger of the two counts
 * @param weightDecay decoupled, as a factor on the learning rate
 * @param adapterDropout share of the adapter's inputs that is set to 0
 * @param clip largest norm of the gradients of a step
 * @param longest tokens of a dialog, the image's included, beyond which it is cut
 * @param precision of the language model's own weights; at {@code INT8} and {@code INT4} they are
 *     packed at the start and dequantised when a layer needs them (QLoRA)
 * @param checkpointing whether each layer is computed twice, so that the activations of one layer
 *     at a time are held; mandatory for {@code INT8} and {@code INT4}
 * @param validateEvery steps between validations
 */
public record AnswerRecipe(
    int epochs,
    int steps,
    int batch,
    int piece,
    double rate,
    double projectorRate,
    double visionRate,
    Schedule.Decay decay,
    int warmUpSteps,
    double warmUpShare,
    double weightDecay,
    double adapterDropout,
    double clip,
    int longest,
    Precision precision,
    boolean checkpointing,
    int validateEvery) {
  /**
   * Checks the ranges.
   *
   * @throws RadialogException if a number is out of its range
   */
  public AnswerRecipe {
    Ranges.whole("language.epochs", epochs, 1, 10_000);
    Ranges.whole("language.steps", steps, 0, Integer.MAX_VALUE);
    Ranges.whole("language.batch", batch, 1, 65_536);
    Ranges.whole("language.piece", piece, 1, batch);
    Ranges.positive("language.rate", rate, false);
    Ranges.positive("language.projector_rate", projectorRate, true);
    Ranges.positive("language.vision_rate", visionRate, true);
    Ranges.whole("language.warm_up_steps", warmUpSteps, 0, Integer.MAX_VALUE);
    Ranges.share("language.warm_up_share", warmUpShare);
    Ranges.positive("language.weight_decay", weightDecay, true);
    Ranges.share("language.adapter_dropout", adapterDropout);
    Ranges.positive("language.clip", clip, false);
    Ranges.whole("language.longest", longest, 8, 1 << 20);
    if ((precision == Precision.INT8 || precision == Precision.INT4) && !checkpointing) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "language.precision is %s with language.checkpointing false: expected true, so that no more than a layer is dequantised at a time"
              .formatted(precision.label()));
    }
    Ranges.whole("language.validate_every", validateEvery, 1, Integer.MAX_VALUE);
  }

  /** The rates over {@code total} steps. */
  Schedule schedule(long total) {
    long warmUp = Math.max(warmUpSteps, Math.round(Math.ceil(warmUpShare * total)));
    return new Schedule(decay, rate, warmUp, total, decay == Schedule.Decay.CONSTANT ? rate : 0);
  }
}
