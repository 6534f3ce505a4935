package org.radialog.eval;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.radialog.metrics.PairedTest;

/**
 * The results of an evaluation and all settings that they depend on. {@link ResultFolder} writes
 * them.
 *
 * @param title names the systems and the data set
 * @param marks notes that the reader must know first: {@code synthetic}, {@code oracle}
 * @param systems one or more, scored on the same data
 * @param comparisons between pairs of systems
 * @param settings settings that the numbers depend on: digests of model and data, prompts, label
 *     mapping, split, tokeniser, seed, versions. Values are texts, numbers, booleans, and lists and
 *     maps of these
 */
public record Evaluation(
    String title,
    List<String> marks,
    List<SystemScores> systems,
    List<Comparison> comparisons,
    SequencedMap<String, Object> settings) {

  /**
   * A comparison of two systems on the same items.
   *
   * @param first name of the first system, for example the baseline or the text before a correction
   * @param second name of the second system
   * @param differences second − first, one per score
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
