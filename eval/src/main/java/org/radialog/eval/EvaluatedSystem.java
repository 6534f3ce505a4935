package org.radialog.eval;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** What is evaluated: a model, a file of reports, or a baseline without a model. */
@FunctionalInterface
public interface EvaluatedSystem {
  /**
   * What it says of the samples.
   *
   * @param tasks what a model is asked; what only writes reports does no other
   */
  Said answer(List<Sample> samples, Set<Task> tasks);

  /** What a system said. */
  sealed interface Said {
    /** How tables call the system. */
    String name();

    /**
     * All that a model was asked.
     *
     * @param predictions in the order of the samples, without those that could not be asked about
     * @param failed how many those are
     */
    record Predicted(String name, List<Prediction> predictions, int failed) implements Said {
      public Predicted {
        predictions = List.copyOf(predictions);
      }
    }

    /**
     * Reports alone.
     *
     * @param marks what a reader must know of them: {@code baseline}, {@code oracle}
     * @param texts one for each sample, in their order
     */
    record Reports(String name, List<String> marks, List<String> texts) implements Said {
      public Reports {
        marks = List.copyOf(marks);
        texts = List.copyOf(texts);
      }
    }
  }

  /** A system whose reports are there already, by the id of the sample; a missing one is empty. */
  static EvaluatedSystem reports(String name, Map<String, String> byId, String... marks) {
    return (samples, tasks) ->
        new Said.Reports(
            name,
            List.of(marks),
            samples.stream().map(sample -> byId.getOrDefault(sample.id(), "")).toList());
  }

  /** A model that has been asked before. */
  static EvaluatedSystem predicted(String name, List<Prediction> predictions) {
    return (samples, tasks) -> new Said.Predicted(name, predictions, 0);
  }
}
