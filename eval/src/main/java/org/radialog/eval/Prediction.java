package org.radialog.eval;

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
 * What a model said of one image, with what is known of it: all that scores are made of.
 *
 * @param id unique in its file
 * @param group the study or patient, whose images are resampled together
 * @param subgroup what scores may be split by: {@code sex}, {@code age}, {@code view}
 * @param truth labels that the data set has; findings without an entry are unknown
 * @param references reports of people; empty where the data set has none
 * @param impressions their impressions; empty where the data set has none
 * @param probabilities of the classifier; findings without an entry are not assessed
 * @param report findings section that the model wrote
 * @param answers of the protocol's later turns, by the name of the turn
 */
public record Prediction(
    String id,
    String group,
    SequencedMap<String, String> subgroup,
    Map<Finding, FindingState> truth,
    List<String> references,
    List<String> impressions,
    Map<Finding, Double> probabilities,
    Optional<String> report,
    SequencedMap<String, String> answers) {

  public Prediction {
    subgroup = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(subgroup));
    truth = Collections.unmodifiableMap(copy(truth));
    references = List.copyOf(references);
    impressions = List.copyOf(impressions);
    probabilities = Collections.unmodifiableMap(copy(probabilities));
    answers = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(answers));
  }

  private static <V> Map<Finding, V> copy(Map<Finding, V> map) {
    Map<Finding, V> copy = new EnumMap<>(Finding.class);
    copy.putAll(map);
    return copy;
  }
}
