package org.radialog.eval;

import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;

/**
 * What systems are evaluated on: an image or a report, with what is known of it.
 *
 * @param id unique among the samples
 * @param group the study or patient, whose samples are resampled together
 * @param image where the film lies; empty where only texts are scored
 * @param subgroup what scores may be split by: {@code sex}, {@code age}, {@code view}
 * @param truth labels that are known; findings without an entry are unknown
 * @param references reports of people; empty where there is none
 * @param impressions their impressions; empty where there is none
 */
public record Sample(
    String id,
    String group,
    Optional<Path> image,
    SequencedMap<String, String> subgroup,
    Map<Finding, FindingState> truth,
    List<String> references,
    List<String> impressions) {
  /** Copies all collections. */
  public Sample {
    subgroup = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(subgroup));
    Map<Finding, FindingState> states = new EnumMap<>(Finding.class);
    states.putAll(truth);
    truth = Collections.unmodifiableMap(states);
    references = List.copyOf(references);
    impressions = List.copyOf(impressions);
  }
}
