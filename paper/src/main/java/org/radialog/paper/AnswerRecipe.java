package org.radialog.paper;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.loop.Ranges;
import org.radialog.torch.Schedule;

/**
 * The training recipe of the language stage in the published versions. The loss is computed on the
 * last answer of each dialog only.
 *
 * @param epochs number of passes over the dialogs, from which the learning-rate schedule is
 *     computed
 * @param steps number of steps after which the stage ends, if earlier than the last pass; 0 for all
 *     passes
 * @param batch number of dialogs per step
 * @param piece number of dialogs per forward and backward pass, over which gradients are
 *     accumulated
 * @param rate peak learning rate of the adapter
 * @param projectorRate factor on the learning rate for the linear layers between image and language
 *     model
 * @param visionRate factor on the learning rate for the image encoder; 0 freezes it
 * @param decay decay of the learning rate
 * @param warmUpSteps number of warm-up steps of the learning rate
 * @param warmUpShare fraction of the steps used for warm-up, from 0 to 1; the larger of the two is
 *     used
 * @param weightDecay decoupled weight decay, as a factor on the learning rate
 * @param adapterDropout fraction of the adapter's inputs that is set to 0, from 0 to 1
 * @param clip maximum norm of the gradients of a step
 * @param longest maximum number of tokens of a dialog, including image tokens; longer dialogs are
 *     truncated
 * @param precision precision of the frozen weights of the language model
 * @param checkpointing whether each layer is computed twice, so that only the activations of one
 *     layer are in memory; mandatory for {@code INT8} and {@code INT4}
 * @param validateEvery number of steps between validations
 * @param reports reports that validations write; empty if they measure the loss only
 * @param best the measure by which the weights are chosen; empty for those of the last step
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
    BasePrecision precision,
    boolean checkpointing,
    int validateEvery,
    Optional<Reports> reports,
    Optional<Best> best) {
  /** Column of the mean cross-entropy over the answer tokens of the validation dialogs. */
  static final String LOSS = "validation_loss";

  /** Column of the macro F1 of the 14 findings in the reports that a validation writes. */
  static final String CLINICAL_F1 = "clinical_f1";

  /** Column of their micro F1. */
  static final String CLINICAL_F1_MICRO = "clinical_f1_micro";

  /** The precision of the frozen weights of the language model and of the products with them. */
  public enum BasePrecision {
    /** 32-bit floats. */
    @JsonProperty("fp32")
    FP32,
    /** bfloat16. */
    @JsonProperty("bf16")
    BF16,
    /**
     * 16-bit floats with a {@link org.radialog.torch.LossScale}, slower than {@code BF16} on most
     * CPUs.
     */
    @JsonProperty("fp16")
    FP16,
    /** 8-bit weights, packed at the start and dequantised to bf16 for each layer (QLoRA). */
    @JsonProperty("int8")
    INT8,
    /** 4-bit weights, likewise. */
    @JsonProperty("int4")
    INT4
  }

  /**
   * The reports that the network in training writes about films of the validation split.
   *
   * @param films number of films, spread evenly over the split
   * @param every number of validations from one that writes reports to the next; the validation
   *     after the last step always writes them
   * @param longest maximum number of tokens of a report
   */
  public record Reports(int films, int every, int longest) {
    /**
     * Checks the ranges.
     *
     * @throws RadialogException if a number is out of its range
     */
    public Reports {
      Ranges.whole("language.reports.films", films, 1, 1_000_000);
      Ranges.whole("language.reports.every", every, 1, Integer.MAX_VALUE);
      Ranges.whole("language.reports.longest", longest, 1, 1 << 20);
    }
  }

  /**
   * The choice of the weights that the stage leaves behind.
   *
   * @param measure {@code validation_loss}, whose lowest value is the best, or {@code clinical_f1}
   *     or {@code clinical_f1_micro}, whose highest value is
   * @param patience number of validations with this measure and without a better value after which
   *     the stage ends; 0 for never
   */
  public record Best(String measure, int patience) {
    private static final List<String> MEASURES = List.of(LOSS, CLINICAL_F1, CLINICAL_F1_MICRO);

    /**
     * Checks the values.
     *
     * @throws RadialogException if there is no such measure, or the number is out of its range
     */
    public Best {
      if (!MEASURES.contains(measure)) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            "language.best.measure is %s, expected one of %s"
                .formatted(Printable.of(measure), MEASURES));
      }
      Ranges.whole("language.best.patience", patience, 0, 10_000);
    }

    boolean highest() {
      return !measure.equals(LOSS);
    }
  }

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
    if ((precision == BasePrecision.INT8 || precision == BasePrecision.INT4) && !checkpointing) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "language.precision is %s with language.checkpointing false: expected true, so that no more than a layer is dequantised at a time"
              .formatted(precision.name().toLowerCase(Locale.ROOT)));
    }
    Ranges.whole("language.validate_every", validateEvery, 1, Integer.MAX_VALUE);
    if (reports.isEmpty() && best.filter(Best::highest).isPresent()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "language.best.measure is %s with language.reports null: expected films, every and longest of the reports to be written"
              .formatted(best.get().measure()));
    }
  }

  /** Whether the validation after {@code done} of {@code steps} steps writes reports. */
  boolean writesReports(long done, long steps) {
    return reports
        .filter(told -> done == steps || done % ((long) validateEvery * told.every) == 0)
        .isPresent();
  }

  /** The learning-rate schedule over {@code total} steps. */
  Schedule schedule(long total) {
    long warmUp = Math.max(warmUpSteps, Math.round(Math.ceil(warmUpShare * total)));
    return new Schedule(decay, rate, warmUp, total, decay == Schedule.Decay.CONSTANT ? rate : 0);
  }
}
