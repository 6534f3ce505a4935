package org.radialog.train;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingsList;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.eval.FilmScores;
import org.radialog.metrics.FindingsScores;
import org.radialog.metrics.FindingsScores.LabelScore;
import org.radialog.published.Performance;

/**
 * The films of the folds that have a classifier run, each with what the classifier that held its
 * fold out says of it. Calibration and operating points of a fold are fitted on the other folds, so
 * that the patients of a film had no part in anything that is scored on it.
 *
 * @param films the films of these folds
 * @param calibrated 14 probabilities per film, by image
 * @param called the findings called on each film, by image
 * @param shipped the reading of the exported model, which is that of its own held-out fold
 */
record CrossValidation(
    ScoredFilms films,
    Map<String, double[]> calibrated,
    Map<String, FindingsList> called,
    Reading shipped) {
  private static final long SEED = 14;

  /**
   * Reads the tables of the runs.
   *
   * @param all the films of the data set
   */
  static CrossValidation of(ExportConfig config, ScoredFilms all, Folds folds) {
    Map<Integer, Map<String, double[]>> tables = new TreeMap<>();
    for (Integer fold : config.classifierRuns().keySet()) {
      Path table = config.classifierRun(fold).resolve(ClassifierTraining.HELD_OUT);
      tables.put(fold, Probabilities.read(List.of(table)));
    }
    Reading shipped = shipped(config, all, folds, tables);
    Map<String, double[]> calibrated = new LinkedHashMap<>();
    Map<String, FindingsList> called = new LinkedHashMap<>();
    tables.forEach((fold, rows) -> {
      Reading reading =
          fold == config.fold()
              ? shipped
              : Reading.of(
                  all.only(film -> folds.of(film) != fold),
                  others(tables, fold),
                  shipped.assessed());
      calibrated.putAll(reading.calibration().of(rows));
      rows.forEach((image, row) -> called.put(image, reading.called(row)));
    });
    return new CrossValidation(
        all.only(film -> tables.containsKey(folds.of(film))), calibrated, called, shipped);
  }

  // By as many films as possible that the classifier did not learn from.
  private static Reading shipped(
      ExportConfig config,
      ScoredFilms all,
      Folds folds,
      Map<Integer, Map<String, double[]>> tables) {
    ScoredFilms rest = all.only(film -> folds.of(film) != config.fold());
    if (tables.size() == folds.count()) {
      return Reading.of(rest, others(tables, config.fold()), folds::of);
    }
    Path validation = config.classifierRun(config.fold()).resolve(ClassifierTraining.VALIDATION);
    return Reading.of(rest, Probabilities.read(List.of(validation)), _ -> config.fold());
  }

  private static Map<String, double[]> others(
      Map<Integer, Map<String, double[]>> tables, int without) {
    Map<String, double[]> rows = new LinkedHashMap<>();
    tables.forEach((fold, table) -> {
      if (fold != without) {
        rows.putAll(table);
      }
    });
    return rows;
  }

  /** The scores of the probabilities of some films. */
  FindingsScores scores(Predicate<Film> which, Folds folds) {
    return FilmScores.of(films.only(which).films(), calibrated, folds::of, SEED);
  }

  /** The scores of the calls on some films. */
  CallScores calls(Predicate<Film> which) {
    return CallScores.of(films.only(which), called, shipped.assessed(), SEED);
  }

  /** What the model folder says of each assessed finding. */
  List<Performance> performance(Folds folds) {
    Map<Finding, LabelScore> scores = new LinkedHashMap<>();
    scores(_ -> true, folds).labels().forEach(label -> scores.put(label.finding(), label));
    return calls(_ -> true).findings().stream()
        .flatMap(one ->
            Stream.ofNullable(scores.get(one.finding()))
                .filter(label -> !Double.isNaN(label.auroc().value()))
                .map(label -> one.performance(label.auroc())))
        .toList();
  }

  /** The findings that the model assesses. */
  Set<Finding> assessed() {
    return shipped.assessed();
  }
}
