package org.radialog.dialog;

import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import org.radialog.language.Precision;

/**
 * Options for loading a model folder.
 *
 * @param precision of the decode steps of the language model; empty chooses the fastest that the
 *     CPU supports. {@link Precision#FP32} makes everything fp32, the reference
 * @param cache folder for packed weights between runs; empty stores none
 * @param control the part that is disabled to see whether it matters
 * @param limits beyond which turns of dialogs are refused as overload
 */
public record Options(
    Optional<Precision> precision, Optional<Path> cache, Control control, Engine.Limits limits) {
  /** The fastest precision, no cache, the complete model, no limits. */
  public static final Options DEFAULT =
      new Options(Optional.empty(), Optional.empty(), Control.NONE, Engine.Limits.NONE);

  /** Checks that nothing is null. */
  public Options {
    Objects.requireNonNull(precision, "precision");
    Objects.requireNonNull(cache, "cache");
    Objects.requireNonNull(control, "control");
    Objects.requireNonNull(limits, "limits");
  }

  /** A negative control for an evaluation: the same model without a part, which must then fail. */
  public enum Control {
    /** The complete model. */
    NONE,
    /** All image tokens are zero: the language model sees no film. */
    ZERO_IMAGE,
    /** The weights of the adapter are random: the training of the language stage is lost. */
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
