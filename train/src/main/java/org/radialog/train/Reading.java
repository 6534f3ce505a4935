package org.radialog.train;

import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToIntFunction;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingsList;
import org.radialog.data.Film;
import org.radialog.eval.FilmScores;
import org.radialog.metrics.FindingsScores.LabelScore;
import org.radialog.published.ModelConfig;
import org.radialog.tasks.Calls;

/**
 * How the probabilities of a classifier are read: what they mean, and which findings are called by
 * them.
 *
 * @param calibration of the probabilities
 * @param assessed the findings about which the classifier tells enough
 * @param points of the calibrated probabilities
 */
record Reading(Calibration calibration, Set<Finding> assessed, OperatingPoints points) {
  /**
   * A finding is assessed if the 95 % interval of its AUROC, on films of patients that the
   * classifier did not learn from, lies above this.
   */
  static final double LEAST_AUROC = 0.6;

  /** And if so many films show it, since the interval of fewer says nothing. */
  static final int LEAST_POSITIVES = 5;

  private static final long SEED = 14;

  Reading {
    assessed = Set.copyOf(assessed);
  }

  /**
   * The reading by films that the classifier was not trained on; films without probabilities are
   * ignored.
   *
   * @param probabilities 14 per film, by image, as the classifier gave them
   * @param fold the fold of a film, whose classifier gave its probabilities
   */
  static Reading of(
      ScoredFilms films, Map<String, double[]> probabilities, ToIntFunction<Film> fold) {
    return of(films, probabilities, assessed(films, probabilities, fold));
  }

  /** The reading by films, for findings that were found to be assessed. */
  static Reading of(ScoredFilms films, Map<String, double[]> probabilities, Set<Finding> assessed) {
    Calibration calibration = Calibration.fitted(films, probabilities);
    return new Reading(
        calibration, assessed, OperatingPoints.of(films, calibration.of(probabilities), assessed));
  }

  private static Set<Finding> assessed(
      ScoredFilms films, Map<String, double[]> probabilities, ToIntFunction<Film> fold) {
    List<Film> seen =
        films.films().stream().filter(film -> probabilities.containsKey(film.image())).toList();
    EnumSet<Finding> assessed = EnumSet.noneOf(Finding.class);
    for (LabelScore label : FilmScores.of(seen, probabilities, fold, SEED).labels()) {
      if (label.positives() >= LEAST_POSITIVES && label.auroc().low() >= LEAST_AUROC) {
        assessed.add(label.finding());
      }
    }
    return assessed;
  }

  /** What the assessment of a finding rests on, where {@code films} have taught it. */
  ModelConfig.Evidence evidence(Finding finding, ScoredFilms films) {
    if (assessed.contains(finding)) {
      return ModelConfig.Evidence.TRAINED;
    }
    return films.taught(finding) ? ModelConfig.Evidence.WEAK : ModelConfig.Evidence.UNTRAINED;
  }

  /** The same for dialogs about films, by calibrated probabilities. */
  Calls calls() {
    EnumSet<Finding> called = EnumSet.noneOf(Finding.class);
    called.addAll(assessed);
    called.remove(Finding.NO_FINDING); // it follows from the others
    return new Calls(points.present(), points.possible(), called);
  }

  /**
   * The findings that are called present and uncertain, without those that follow from others.
   *
   * @param row the 14 probabilities of a film as the classifier gave them
   */
  FindingsList called(double[] row) {
    return calls().called(calibration.of(row));
  }
}
