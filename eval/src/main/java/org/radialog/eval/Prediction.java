package org.radialog.eval;

import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import org.radialog.clinical.Finding;

/**
 * What a model said of a sample: all that scores are made of.
 *
 * @param sample the sample
 * @param probabilities of the classifier; findings without an entry are not assessed
 * @param report findings section that the model wrote
 * @param answers of the protocol's later turns, by the name of the turn
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
