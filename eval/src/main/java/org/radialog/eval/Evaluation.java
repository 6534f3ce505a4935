package org.radialog.eval;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.radialog.metrics.PairedTest;

/**
 * All that an evaluation found, and all that it depended on: what {@link ResultFolder} writes.
 *
 * @param title what was evaluated on what
 * @param marks what a reader must know before the first number: {@code synthetic}, {@code oracle}
 * @param systems one or several, scored on the same data
 * @param comparisons between two of them
 * @param settings what the numbers depend on: digests of model and data, prompts, mapping, split,
 *     tokeniser, seed, versions; values are texts, numbers, truths, and lists and maps of them
 */
public record Evaluation(
    String title,
    List<String> marks,
    List<SystemScores> systems,
    List<Comparison> comparisons,
    SequencedMap<String, Object> settings) {

  /**
   * Two systems on the same items.
   *
   * @param first name of the one: the baseline, the text before a correction
   * @param second name of the other
   * @param differences second − first, a score each
   */
  public record Comparison(String first, String second, List<PairedTest.Difference> differences) {
    public Comparison {
      differences = List.copyOf(differences);
    }
  }

  public Evaluation {
    marks = List.copyOf(marks);
    systems = List.copyOf(systems);
    comparisons = List.copyOf(comparisons);
    settings = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(settings));
    if (systems.isEmpty()) {
      throw new IllegalArgumentException("an evaluation needs at least one system");
    }
  }
}
