package org.radialog.wire;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import org.radialog.dialog.Findings;

/**
 * The state of one of the 14 findings.
 *
 * @param label its name as in CheXpert; findings are in CheXpert's order
 * @param state present, uncertain, absent or not_assessed
 * @param probability the probability of the classifier, from 0 to 1; absent if the model does not
 *     assess the finding
 * @param threshold the finding is present above it; absent together with the probability
 * @param uncertainAbove the finding is uncertain above it and up to the threshold; absent if the
 *     model has one operating point for the label
 * @param edited whether the user set the state
 * @param implied whether the state follows from other findings
 * @param evidence {@code trained} if the model assesses the finding; {@code untrained} if it was
 *     not trained on the label, {@code weak} if it was but tells too little about it
 * @param performance how often the model was right about it; absent if this is not known
 */
public record FindingJson(
    String label,
    String state,
    OptionalDouble probability,
    OptionalDouble threshold,
    @JsonProperty("uncertain_above") OptionalDouble uncertainAbove,
    boolean edited,
    boolean implied,
    String evidence,
    Optional<PerformanceJson> performance) {
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
                a.implied(),
                a.grounds().evidence().name().toLowerCase(Locale.ROOT),
                a.grounds().performance().map(PerformanceJson::of)))
        .toList();
  }

  private static OptionalDouble rounded(OptionalDouble value) {
    return value.isPresent()
        ? OptionalDouble.of(Result.rounded(value.getAsDouble()))
        : OptionalDouble.empty();
  }
}
