package org.radialog.wire;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.OptionalDouble;
import org.radialog.dialog.Timings;

/**
 * Timings, in milliseconds with three decimals.
 *
 * @param load from the start of the program until the model was open
 * @param encode from pixels to findings and image tokens
 * @param prefill computing the new tokens of the prompt; absent, like the following fields, if no
 *     text was written
 * @param firstToken until the first token
 * @param decode from the first token to the last
 * @param total until the end
 */
public record TimingsJson(
    double load,
    double encode,
    OptionalDouble prefill,
    @JsonProperty("first_token") OptionalDouble firstToken,
    OptionalDouble decode,
    double total) {
  /**
   * The timings of one turn.
   *
   * @param load milliseconds that opening the model took
   * @param begun milliseconds from the start of the measurement of first token and total until the
   *     turn began
   */
  public static TimingsJson of(double load, Timings turn, double begun) {
    return new TimingsJson(
        Result.rounded(load),
        Result.rounded(turn.encode()),
        some(turn.prefill()),
        some(begun + turn.firstToken()),
        some(turn.decode()),
        Result.rounded(begun + turn.total()));
  }

  /** The timings, in milliseconds, of an image for which only findings were requested. */
  public static TimingsJson ofFindings(double load, double encode, double total) {
    return new TimingsJson(
        Result.rounded(load),
        Result.rounded(encode),
        OptionalDouble.empty(),
        OptionalDouble.empty(),
        OptionalDouble.empty(),
        Result.rounded(total));
  }

  private static OptionalDouble some(double millis) {
    return OptionalDouble.of(Result.rounded(millis));
  }
}
