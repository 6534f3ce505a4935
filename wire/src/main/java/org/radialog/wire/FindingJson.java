package org.radialog.wire;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.OptionalDouble;
import org.radialog.dialog.Findings;

/**
 * What is assumed about one of the 14 findings.
 *
 * @param label its name in CheXpert's order and spelling
 * @param state present, uncertain, absent or not_assessed
 * @param probability the classifier's, from 0 to 1; absent where the model was never taught the
 *     label
 * @param threshold present above it; absent with the probability
 * @param uncertainAbove uncertain above it and up to the threshold; absent where the model has one
 *     operating point for the label
 * @param edited whether the user set the state
 * @param implied whether the state follows from other findings
 */
public record FindingJson(
    String label,
    String state,
    OptionalDouble probability,
    OptionalDouble threshold,
    @JsonProperty("uncertain_above") OptionalDouble uncertainAbove,
    boolean edited,
    boolean implied) {
  /** All findings of a film, in column order. */
  public static List<FindingJson> of(Findings findings) {
    return findings.all().stream()
        .map(a ->
            new FindingJson(
                a.finding().label(),
                a.state().label(),
                rounded(a.probability()),
                rounded(a.threshold()),
                rounded(a.uncertainAbove()),
                a.edited(),
                a.implied()))
        .toList();
  }

  private static OptionalDouble rounded(OptionalDouble value) {
    return value.isPresent()
        ? OptionalDouble.of(Result.rounded(value.getAsDouble()))
        : OptionalDouble.empty();
  }
}
