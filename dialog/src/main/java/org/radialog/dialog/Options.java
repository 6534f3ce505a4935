package org.radialog.dialog;

import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.language.Precision;

/**
 * Options for loading a model folder.
 *
 * @param precision of the language model's decode step; empty chooses the fastest that the CPU has
 *     the vectors for. {@link Precision#FP32} makes everything fp32: the oracle
 * @param cache where packed weights may be kept between runs; empty keeps none
 * @param limits beyond which turns of dialogs are refused as overload
 * @param films that are read or wait for it, at most; others are refused as overload
 * @param decorator puts something in the place of parts of the model
 */
public record Options(
    Optional<Precision> precision,
    Optional<Path> cache,
    Engine.Limits limits,
    int films,
    ModelDecorator decorator) {
  /** The fastest precision, no cache, no limits, the model as it is. */
  public static final Options DEFAULT =
      new Options(
          Optional.empty(),
          Optional.empty(),
          Engine.Limits.NONE,
          Integer.MAX_VALUE,
          ModelDecorator.NONE);

  /**
   * Checks that nothing is null.
   *
   * @throws RadialogException if no film could ever be read
   */
  public Options {
    Objects.requireNonNull(precision, "precision");
    Objects.requireNonNull(cache, "cache");
    Objects.requireNonNull(limits, "limits");
    Objects.requireNonNull(decorator, "decorator");
    if (films < 1) {
      throw new RadialogException(
          Kind.BAD_INPUT, "a limit of " + films + " films at once, expected at least 1");
    }
  }

  /** These with another precision. */
  public Options with(Precision newPrecision) {
    return new Options(
        Optional.of(Objects.requireNonNull(newPrecision, "newPrecision")),
        cache,
        limits,
        films,
        decorator);
  }

  /** These with a cache. */
  public Options withCache(Path folder) {
    return new Options(
        precision, Optional.of(Objects.requireNonNull(folder, "folder")), limits, films, decorator);
  }

  /** These with limits. */
  public Options with(Engine.Limits newLimits) {
    return new Options(
        precision, cache, Objects.requireNonNull(newLimits, "newLimits"), films, decorator);
  }

  /**
   * These with another number of films at once.
   *
   * @throws RadialogException if it is below 1
   */
  public Options withFilms(int most) {
    return new Options(precision, cache, limits, most, decorator);
  }

  /** These with a decorator. */
  public Options with(ModelDecorator newDecorator) {
    return new Options(
        precision, cache, limits, films, Objects.requireNonNull(newDecorator, "newDecorator"));
  }
}
