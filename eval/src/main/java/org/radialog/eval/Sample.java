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
 * An item of an evaluation: an image or a report, with its ground truth.
 *
 * @param id unique among the samples
 * @param group study or patient; samples of a group are resampled together
 * @param image path of the film; empty if only texts are scored
 * @param subgroup attributes for subgroup scores: {@code sex}, {@code age}, {@code view}
 * @param truth known labels; findings without an entry are unknown
 * @param references human reference reports; may be empty
 * @param impressions human reference impressions; may be empty
 */
public record Sample(
    String id,
    String group,
    Optional<Path> image,
    SequencedMap<String, String> subgroup,
    Map<Finding, FindingState> truth,
    List<String> references,
    List<String> impressions) {
  /** Copies the collections. */
  public Sample {
    subgroup = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(subgroup));
    Map<Finding, FindingState> states = new EnumMap<>(Finding.class);
    states.putAll(truth);
    truth = Collections.unmodifiableMap(states);
    references = List.copyOf(references);
    impressions = List.copyOf(impressions);
  }
}
