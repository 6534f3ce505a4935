package org.radialog.eval;

import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import org.radialog.clinical.Finding;

/**
 * A model's answers for a sample, from which all scores are computed.
 *
 * @param sample the sample
 * @param probabilities of the classifier, from 0 to 1; findings without an entry are not assessed
 * @param report findings section written by the model
 * @param answers of the later turns of the protocol, by name of the turn
 */
public record Prediction(
    Sample sample,
    Map<Finding, Double> probabilities,
    Optional<String> report,
    SequencedMap<String, String> answers) {

  public Prediction {
    Map<Finding, Double> copy = new EnumMap<>(Finding.class);
    copy.putAll(probabilities);
    probabilities = Collections.unmodifiableMap(copy);
    answers = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(answers));
  }

  /** The sample's id. */
  public String id() {
    return sample.id();
  }
}
