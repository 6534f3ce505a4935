package org.radialog.train;

import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToIntFunction;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingsList;
import org.radialog.data.Film;
import org.radialog.data.Truth;
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
 * @param denied the assessed findings of which enough are called that texts may deny the others
 */
record Reading(
    Calibration calibration, Set<Finding> assessed, OperatingPoints points, Set<Finding> denied) {
  /**
   * A finding is assessed if the 95 % interval of its AUROC, on films of patients that the
   * classifier did not learn from, lies above this.
   */
  static final double LEAST_AUROC = 0.6;

  /** And if so many films show it, since the interval of fewer says nothing. */
  static final int LEAST_POSITIVES = 5;

  /** A finding may be denied if at least this share of the films that show it is called present. */
  static final double LEAST_SENSITIVITY = 0.4;

  /** And if at least this share of the films on which it is called absent does not show it. */
  static final double LEAST_NPV = 0.8;

  private static final long SEED = 14;

  Reading {
    assessed = Set.copyOf(assessed);
    denied = Set.copyOf(denied);
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
    Map<String, double[]> calibrated = calibration.of(probabilities);
    OperatingPoints points = OperatingPoints.of(films, calibrated, assessed);
    EnumSet<Finding> denied = EnumSet.noneOf(Finding.class);
    for (Finding finding : assessed) {
      if (finding != Finding.NO_FINDING && mayBeDenied(finding, films, calibrated, points)) {
        denied.add(finding);
      }
    }
    return new Reading(calibration, assessed, points, denied);
  }

  private static boolean mayBeDenied(
      Finding finding,
      ScoredFilms films,
      Map<String, double[]> calibrated,
      OperatingPoints points) {
    int shown = 0;
    int found = 0;
    int absent = 0;
    int rightlyAbsent = 0;
    for (Film film : films.films()) {
      double[] row = calibrated.get(film.image());
      if (row == null || film.truth(finding) == Truth.UNKNOWN) {
        continue;
      }
      boolean shows = film.truth(finding) == Truth.PRESENT;
      double probability = row[finding.column()];
      shown += shows ? 1 : 0;
      found += shows && probability > points.present().get(finding.column()) ? 1 : 0;
      if (!(probability > points.possible().get(finding.column()))) {
        absent++;
        rightlyAbsent += shows ? 0 : 1;
      }
    }
    return found >= LEAST_SENSITIVITY * shown && rightlyAbsent >= LEAST_NPV * absent;
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
    return new Calls(points.present(), points.possible(), called, denied);
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
