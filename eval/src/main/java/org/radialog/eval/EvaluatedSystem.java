package org.radialog.eval;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** A system to be evaluated: a model, a file of reports, or a baseline without a model. */
@FunctionalInterface
public interface EvaluatedSystem {
  /**
   * Returns the output for the samples.
   *
   * @param tasks tasks for a model; systems that only write reports ignore other tasks
   */
  Said answer(List<Sample> samples, Set<Task> tasks);

  /** The output of a system. */
  sealed interface Said {
    /** The name of the system in tables. */
    String name();

    /**
     * The answers of a model to all tasks.
     *
     * @param name name of the system in tables
     * @param predictions in the order of the samples, without failed samples
     * @param failed number of failed samples
     */
    record Predicted(String name, List<Prediction> predictions, int failed) implements Said {
      public Predicted {
        predictions = List.copyOf(predictions);
      }
    }

    /**
     * Only reports.
     *
     * @param name name of the system in tables
     * @param marks notes for the reader: {@code baseline}, {@code oracle}
     * @param texts one per sample, in the order of the samples
     */
    record Reports(String name, List<String> marks, List<String> texts) implements Said {
      public Reports {
        marks = List.copyOf(marks);
        texts = List.copyOf(texts);
      }
    }
  }

  /** A system with existing reports by sample id; a missing report is empty. */
  static EvaluatedSystem reports(String name, Map<String, String> byId, String... marks) {
    return (samples, tasks) ->
        new Said.Reports(
            name,
            List.of(marks),
            samples.stream().map(sample -> byId.getOrDefault(sample.id(), "")).toList());
  }

  /** A model with existing predictions. */
  static EvaluatedSystem predicted(String name, List<Prediction> predictions) {
    return (samples, tasks) -> new Said.Predicted(name, predictions, 0);
  }
}
