package org.radialog.dialog;

import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import org.radialog.language.Precision;

/**
 * How a model folder is loaded.
 *
 * @param precision of the language model's decode step; empty chooses the fastest that the CPU has
 *     the vectors for. {@link Precision#FP32} makes everything fp32: the oracle
 * @param cache where packed weights may be kept between runs; empty keeps none
 * @param control what is taken from the model to see whether it matters
 * @param limits beyond which turns of dialogs are refused as overload
 */
public record Options(
    Optional<Precision> precision, Optional<Path> cache, Control control, Engine.Limits limits) {
  /** The fastest precision, no cache, the model as it is, no limits. */
  public static final Options DEFAULT =
      new Options(Optional.empty(), Optional.empty(), Control.NONE, Engine.Limits.NONE);

  /** Checks that nothing is null. */
  public Options {
    Objects.requireNonNull(precision, "precision");
    Objects.requireNonNull(cache, "cache");
    Objects.requireNonNull(control, "control");
    Objects.requireNonNull(limits, "limits");
  }

  /** A control of an evaluation: the same model without a part, which must then fail. */
  public enum Control {
    /** The model as it is. */
    NONE,
    /** All image tokens are zero: the language model sees no film. */
    ZERO_IMAGE,
    /** The adapter's weights are random: what the language stage taught is gone. */
    RANDOM_ADAPTER
  }

  /** These with another precision. */
  public Options with(Precision newPrecision) {
    return new Options(
        Optional.of(Objects.requireNonNull(newPrecision, "newPrecision")), cache, control, limits);
  }

  /** These with a cache. */
  public Options withCache(Path folder) {
    return new Options(
        precision, Optional.of(Objects.requireNonNull(folder, "folder")), control, limits);
  }

  /** These with a control. */
  public Options with(Control newControl) {
    return new Options(precision, cache, Objects.requireNonNull(newControl, "newControl"), limits);
  }

  /** These with limits. */
  public Options with(Engine.Limits newLimits) {
    return new Options(precision, cache, control, Objects.requireNonNull(newLimits, "newLimits"));
  }
}
