package org.radialog.wire;

import java.util.List;
import org.radialog.imaging.Guard;

/**
 * The result of checking a film.
 *
 * @param accepted whether text was written for it
 * @param warnings what a reader should know about it
 */
public record GuardJson(boolean accepted, List<Warning> warnings) {
  /**
   * A warning.
   *
   * @param code a stable code for programs, for example {@code probably_inverted}
   * @param message one line for people
   */
  public record Warning(String code, String message) {}

  public GuardJson {
    warnings = List.copyOf(warnings);
  }

  /** The warnings of the guard about a film that was accepted or not. */
  public static GuardJson of(boolean accepted, List<Guard.Warning> warnings) {
    return new GuardJson(
        accepted, warnings.stream().map(w -> new Warning(w.code().code(), w.message())).toList());
  }
}
