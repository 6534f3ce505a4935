package org.radialog.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.radialog.clinical.Finding;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.RadiologistClass;
import org.radialog.data.RadiologistRead;
import org.radialog.eval.FilmScores;
import org.radialog.loop.RunFolder;
import org.radialog.metrics.FindingsScores;
import org.radialog.metrics.FindingsScores.LabelScore;
import org.radialog.metrics.Interval;

/**
 * The part of a model card that says how well the classifier tells the findings.
 *
 * @param config the inputs of the export
 * @param data the data set with the radiologists' classes
 * @param validation what the classifiers said of the films that they never saw
 * @param folds of the data set
 */
record FindingsTables(
    ExportConfig config, RadiologistRead data, CrossValidation validation, Folds folds) {
  private static final long SEED = 14;

  String text() {
    FindingsScores all = validation.scores(_ -> true, folds);
    StringBuilder text = new StringBuilder();
    text.append(ranks(all)).append(calls(all));
    text.append(radiologists());
    text.append(subgroups());
    return text.toString();
  }

  // Everywhere the same seed, so that the same patients are drawn.
  private FindingsScores scores(List<Film> films, Map<String, double[]> probabilities) {
    return FilmScores.of(films, probabilities, folds::of, SEED);
  }

  private String ranks(FindingsScores plain) {
    List<Film> films = validation.films().films();
    FindingsScores tree =
        scores(films.stream().map(Film::withHierarchy).toList(), validation.calibrated());
    FindingsScores viewAndAge = scores(films, FilmScores.viewAndAgeOnly(data.films(), folds::of));
    OperatingPoints points = validation.shipped().points();
    StringBuilder text = new StringBuilder();
    text.append(
        """
        ## How well the classifier ranks films it never saw

        Area under the ROC curve on the held-out folds %s (%d films, %d patients; the model of a fold never saw
        its patients), averaged over folds, with 95 %% intervals by %d resamples of patients. `*`: fewer than %d
        positive films, no more than a hint. *hierarchy*: the parent of a present finding counts as present.
        *view and age*: what a regression on view and age alone reaches. ECE and Brier: expected calibration error
        and Brier score of the probabilities; %s
        *present*, *uncertain*: above these probabilities a finding is called.

        | finding | positives | AUROC | hierarchy | view and age | ECE | Brier | present | uncertain |
        |---|---|---|---|---|---|---|---|---|
        """
            .formatted(
                config.classifierRuns().keySet(),
                plain.films(),
                plain.patients(),
                FindingsScores.RESAMPLES,
                FindingsScores.FEW_POSITIVES,
                calibration()));
    for (LabelScore label : plain.labels()) {
      int at = label.finding().column();
      boolean assessed = validation.assessed().contains(label.finding());
      text.append(
          "| %s%s | %d | %s | %s | %s | %s | %s | %s |%n"
              .formatted(
                  label.finding().label(),
                  label.few() ? " *" : "",
                  label.positives(),
                  words(label.auroc()),
                  words(auroc(tree, label.finding())),
                  number(auroc(viewAndAge, label.finding()).value()),
                  number(label.calibrationError().value()),
                  number(label.brier().value()),
                  !assessed
                      ? "not assessed | not assessed"
                      : label.finding() == Finding.NO_FINDING
                          ? "follows | follows"
                          : String.format(
                              Locale.ROOT,
                              "%.3f | %.3f",
                              points.present().get(at),
                              points.possible().get(at))));
    }
    text.append(
        """
        | **mean of the ten pathologies** | | **%s** | %s | %s | | | | |

        The mean of the ten within each held-out fold: %s.
        %s
        """
            .formatted(
                words(plain.meanOfMapped()),
                words(tree.meanOfMapped()),
                number(viewAndAge.meanOfMapped().value()),
                plain.meanByFold().entrySet().stream()
                    .map(
                        e -> String.format(Locale.ROOT, "%.3f (fold %d)", e.getValue(), e.getKey()))
                    .collect(Collectors.joining(", ")),
                noFinding()));
    return text.toString();
  }

  private String calibration() {
    boolean weighed =
        RunFolder.config(config.classifierRun(config.fold()))
            .path("classifier")
            .path("positive_weights")
            .asBoolean();
    return """
    these are calibrated: for each finding slope
    and offset of the logit are fitted (Platt 1999) on films that the classifier never saw, and are part of the
    weights of the last layer. The probabilities of a fold are calibrated without its films. %s
    They hold for films among which the findings are as frequent as here: where a finding is rarer, its
    probability is too high.\
    """
        .formatted(
            weighed
                ? "(Positives weigh more in the loss, so that uncalibrated ones would be too high.)"
                    + " "
                : "");
  }

  private String noFinding() {
    return data.classes().isEmpty() || !learnedFromRadiologists()
        ? ""
        : """
        No Finding is what radiologists call normal; it is known for the films that they read. The other labels
        were mined from reports.
        """;
  }

  private boolean learnedFromRadiologists() {
    return RunFolder.config(config.classifierRun(config.fold()))
        .path("classifier")
        .path("radiologists")
        .asBoolean();
  }

  private String calls(FindingsScores all) {
    CallScores calls = validation.calls(_ -> true);
    int own = config.fold();
    CallScores ownCalls = validation.calls(film -> folds.of(film) == own);
    FindingsScores ownScores = validation.scores(film -> folds.of(film) == own, folds);
    StringBuilder text = new StringBuilder();
    text.append(
        """

        ## How often its calls are right

        A finding is assessed if at least %d of the films that chose the thresholds show it and the 95 %% interval of its
        AUROC on them lies above %s.
        *Present*: above the point with the best F1 of those whose positive predictive value reaches %s times the
        prevalence (at least %s, at most %s), or, where none does, of those with a specificity of %s; these points are
        then raised together until at most %s of the normal films have any finding. *Absent*: up to the highest point
        at which at most %s of the prevalence is left and on at least %s of the films with the finding it is not called
        absent; these points are then raised together until at most %s of the normal films have any finding present
        or uncertain, which can cost what was asked of each. *Uncertain*: between the two. Normal films are those that
        radiologists called normal and, where none looked, those labelled No Finding; the same limits are kept on the former
        alone, if at least %d of them chose the thresholds.

        On the same films as above, each fold by points that were chosen on the others. PPV, NPV: positive and negative
        predictive value, of the calls present and absent. *with uncertain*: sensitivity of present and uncertain calls
        together; where it is low, absence is not certain.

        | finding | sensitivity | with uncertain | specificity | PPV | NPV | uncertain | F1 |
        |---|---|---|---|---|---|---|---|
        """
            .formatted(
                Reading.LEAST_POSITIVES,
                number(Reading.LEAST_AUROC),
                factor(OperatingPoints.PPV_OVER_PREVALENCE),
                number(OperatingPoints.LEAST_PPV),
                number(OperatingPoints.ENOUGH_PPV),
                number(OperatingPoints.FALLBACK_SPECIFICITY),
                percent(OperatingPoints.NORMAL_PRESENT),
                percent(OperatingPoints.LEFT),
                percent(OperatingPoints.KEPT),
                percent(OperatingPoints.NORMAL_OPEN),
                OperatingPoints.ENOUGH_NORMAL));
    rows(calls, text);
    text.append(
        """

        Of the %d normal films %s have any finding present, %s any present or uncertain; of all films %s have any
        uncertain. Macro F1 of the assessed pathologies: %s.

        """
            .formatted(
                calls.normal(),
                words(calls.normalPresent()),
                words(calls.normalOpen()),
                words(calls.open()),
                words(calls.macroF1())));
    text.append(
        """
        The model of this folder itself, on fold %d (%d films): mean AUROC of the ten %s (all folds: %s); of %d normal films %s have
        any finding present; macro F1 %s.

        | finding | sensitivity | with uncertain | specificity | PPV | NPV | uncertain | F1 |
        |---|---|---|---|---|---|---|---|
        """
            .formatted(
                own,
                ownScores.films(),
                words(ownScores.meanOfMapped()),
                words(all.meanOfMapped()),
                ownCalls.normal(),
                words(ownCalls.normalPresent()),
                words(ownCalls.macroF1())));
    rows(ownCalls, text);
    return text.append("\n").toString();
  }

  private static void rows(CallScores calls, StringBuilder text) {
    for (CallScores.Called one : calls.findings()) {
      text.append(
          "| %s | %s | %s | %s | %s | %s | %s | %s |%n"
              .formatted(
                  one.finding().label(),
                  words(one.sensitivity()),
                  words(one.withUncertain()),
                  words(one.specificity()),
                  words(one.ppv()),
                  words(one.npv()),
                  number(one.uncertain().value()),
                  number(one.f1().value())));
    }
  }

  // The films that radiologists read, by their classes.
  private String radiologists() {
    List<FindingsScores.Item> items = new ArrayList<>();
    List<Film> read = new ArrayList<>();
    for (Film film : validation.films().films()) {
      double[] row = validation.calibrated().get(film.image());
      Optional<RadiologistClass> seen = data.seen(film);
      if (row != null && seen.isPresent()) {
        read.add(film);
        items.add(
            new FindingsScores.Item(
                film.image(),
                film.patient(),
                folds.of(film),
                Map.of(
                    Finding.LUNG_OPACITY, seen.get() == RadiologistClass.LUNG_OPACITY,
                    Finding.NO_FINDING, seen.get() == RadiologistClass.NORMAL),
                row));
      }
    }
    if (items.isEmpty()) {
      return "";
    }
    FindingsScores scores = FindingsScores.of(items, SEED);
    CallScores normal =
        validation.calls(film -> data.seen(film).equals(Optional.of(RadiologistClass.NORMAL)));
    return """
    ## Against radiologists

    %d of the films were read by radiologists. AUROC of the probability of Lung Opacity for "Lung Opacity" against all
    other films that they read: %s. AUROC of the probability of No Finding for "Normal" against all others: %s. On %s of the %d
    films that they called normal any finding is called present, on %s any is present or uncertain.

    """
        .formatted(
            read.size(),
            words(auroc(scores, Finding.LUNG_OPACITY)),
            words(auroc(scores, Finding.NO_FINDING)),
            words(normal.normalPresent()),
            normal.normal(),
            words(normal.normalOpen()));
  }

  private String subgroups() {
    StringBuilder text = new StringBuilder();
    text.append(
        """
        ## For whom

        Mean AUROC of the ten pathologies, within folds, in parts of the same films.

        | films | number | mean AUROC |
        |---|---|---|
        """);
    Map<String, Function<Film, String>> parts = new LinkedHashMap<>();
    parts.put("sex", Film::sex);
    parts.put("age", film -> film.age() < 60 ? "below 60" : "60 and above");
    parts.put("view", film -> film.view() == View.PA ? "PA" : "AP");
    parts.forEach((attribute, value) ->
        validation.films().films().stream()
            .map(value)
            .distinct()
            .sorted()
            .forEach(one -> {
              FindingsScores part = validation.scores(film -> value.apply(film).equals(one), folds);
              text.append(
                  "| %s %s | %d | %s |%n"
                      .formatted(attribute, one, part.films(), words(part.meanOfMapped())));
            }));
    return text.append("\n").toString();
  }

  private static Interval auroc(FindingsScores scores, Finding finding) {
    return scores.labels().stream()
        .filter(label -> label.finding() == finding)
        .map(LabelScore::auroc)
        .findFirst()
        .orElse(Interval.point(Double.NaN));
  }

  private static String words(Interval i) {
    if (Double.isNaN(i.value())) {
      return "–";
    }
    return i.bounded()
        ? String.format(Locale.ROOT, "%.2f (%.2f–%.2f)", i.value(), i.low(), i.high())
        : number(i.value());
  }

  private static String number(double value) {
    return Double.isNaN(value) ? "–" : String.format(Locale.ROOT, "%.2f", value);
  }

  private static String factor(double value) {
    return String.format(Locale.ROOT, "%.0f", value);
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.0f %%", 100 * share);
  }
}
