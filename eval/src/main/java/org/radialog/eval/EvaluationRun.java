package org.radialog.eval;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Consumer;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.eval.EvaluatedSystem.Said;

/**
 * An evaluation: systems are asked about the same samples, and what they said is scored.
 *
 * <pre>
 * Evaluation evaluation = new EvaluationRun(samples, tasks, systems, settings).run(scoring);
 * </pre>
 *
 * @param samples one or more
 * @param tasks what models are asked
 * @param systems one or more, the first being what the others are compared with
 * @param settings what the evaluation is about
 */
public record EvaluationRun(
    List<Sample> samples, Set<Task> tasks, List<EvaluatedSystem> systems, Settings settings) {
  /**
   * What an evaluation is about.
   *
   * @param title what is evaluated on what
   * @param synthetic whether the references are written by a grammar
   * @param described what the answers depend on: digests of model and data, split, seed
   * @param messages hears of what is left out, in one line each
   */
  public record Settings(
      String title,
      boolean synthetic,
      SequencedMap<String, Object> described,
      Consumer<String> messages) {
    /** Copies the description. */
    public Settings {
      described = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(described));
    }
  }

  /** Copies the collections. */
  public EvaluationRun {
    samples = List.copyOf(samples);
    Set<Task> copy = EnumSet.noneOf(Task.class);
    copy.addAll(tasks);
    tasks = Collections.unmodifiableSet(copy);
    systems = List.copyOf(systems);
  }

  /** Asks all systems and scores what they said. */
  public Evaluation run(Scoring scoring) {
    return ask().scored(scoring);
  }

  /** Asks all systems, in their order; what they hold may be given back before it is scored. */
  public Answered ask() {
    List<Said> said = new ArrayList<>();
    for (EvaluatedSystem system : systems) {
      said.add(system.answer(samples, tasks));
    }
    return new Answered(samples, said, settings);
  }

  /** What all systems said. */
  public static final class Answered {
    private final List<Sample> asked;
    private final List<Said> said;
    private final Settings settings;

    private Answered(List<Sample> asked, List<Said> said, Settings settings) {
      this.asked = asked;
      this.said = said;
      this.settings = settings;
    }

    /** Whether some sample could not be asked about. */
    public boolean incomplete() {
      return said.stream()
          .anyMatch(system ->
              switch (system) {
                case Said.Predicted predicted -> predicted.failed() > 0;
                case Said.Reports reports -> false;
              });
    }

    /**
     * Scores what was said.
     *
     * @throws RadialogException if there is nothing to score
     */
    public Evaluation scored(Scoring scoring) {
      List<Sample> samples = samples();
      if (samples.isEmpty()) {
        throw new RadialogException(
            Kind.REFUSED_DATA, "no image was evaluated, so there is nothing to score");
      }
      PredictionScores scores = new PredictionScores(samples, scoring);
      boolean written = false;
      for (Said system : said) {
        switch (system) {
          case Said.Predicted predicted -> {
            scores.predicted(predicted.name(), predicted.predictions());
            written |= predicted.predictions().stream().anyMatch(p -> p.report().isPresent());
          }
          case Said.Reports reports -> {
            if (reports.texts().size() == samples.size()) {
              scores.reports(reports);
            } else {
              settings
                  .messages()
                  .accept(
                      "the baseline \"%s\" is left out: some images could not be evaluated"
                          .formatted(reports.name()));
            }
          }
        }
      }
      SequencedMap<String, Object> described = new LinkedHashMap<>(settings.described());
      described.putAll(scoring.described());
      List<String> unknown =
          Finding.ALL.stream()
              .filter(f -> samples.stream().noneMatch(s -> s.truth().containsKey(f)))
              .map(Finding::label)
              .toList();
      if (!unknown.isEmpty()) {
        described.put("labels_not_known", unknown);
      }
      return new Evaluation(
          settings.title(),
          settings.synthetic() && written
              ? List.of("synthetic: the reference reports are written by a grammar")
              : List.of(),
          scores.systems(),
          scores.comparisons(),
          described);
    }

    // Those that the first model could be asked about.
    private List<Sample> samples() {
      for (Said system : said) {
        if (system instanceof Said.Predicted predicted) {
          return predicted.predictions().stream().map(Prediction::sample).toList();
        }
      }
      return asked;
    }
  }
}
