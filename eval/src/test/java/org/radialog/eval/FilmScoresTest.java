package org.radialog.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.data.Truth;
import org.radialog.metrics.FindingsScores;
import org.radialog.metrics.FindingsScores.LabelScore;
import org.radialog.metrics.FindingsScores.Point;
import org.radialog.metrics.Interval;

class FilmScoresTest {
  private final List<Film> films = new ArrayList<>();
  private final Map<String, double[]> probabilities = new HashMap<>();
  private final Map<String, Integer> folds = new HashMap<>();

  private void film(String patient, int fold, Truth edema, double probability) {
    String image = "film" + films.size() + ".png";
    films.add(
        new Film(image, Path.of(image), patient, 50, "F", View.PA, Map.of(Finding.EDEMA, edema)));
    double[] row = new double[Finding.COUNT];
    row[Finding.EDEMA.column()] = probability;
    probabilities.put(image, row);
    folds.put(image, fold);
  }

  private FindingsScores scores() {
    return FilmScores.of(films, probabilities, f -> folds.getOrDefault(f.image(), -1), 1);
  }

  @Test
  void filmsAreRankedWithinTheirFoldAlone() {
    // The model of fold 1 gives lower values for all films: pooled, its positives would rank below
    // the negatives of fold 0.
    for (int i = 0; i < 10; i++) {
      film("a" + i, 0, Truth.PRESENT, .9);
      film("b" + i, 0, Truth.ABSENT, .6);
      film("c" + i, 1, Truth.PRESENT, .4);
      film("d" + i, 1, Truth.ABSENT, .1);
      film("e" + i, 1, Truth.UNKNOWN, .99);
    }
    FindingsScores scores = scores();
    assertThat(scores.labels()).hasSize(1);
    LabelScore edema = scores.labels().getFirst();
    assertThat(edema.auroc()).isEqualTo(new Interval(1, 1, 1));
    assertThat(edema.averagePrecision()).isEqualTo(new Interval(1, 1, 1));
    assertThat(edema.films()).isEqualTo(40);
    assertThat(edema.positives()).isEqualTo(20);
    assertThat(edema.few()).isTrue();
    assertThat(edema.brier().value()).isCloseTo((.01 + .36 + .36 + .01) / 4, within(1e-12));
    assertThat(edema.calibrationError().value()).isCloseTo((.1 + .6 + .6 + .1) / 4, within(1e-12));
    assertThat(scores.meanByFold()).containsEntry(0, 1.0).containsEntry(1, 1.0);
    assertThat(scores.meanOfMapped().value()).isEqualTo(1);
    assertThat(scores.patients()).isEqualTo(50);
  }

  @Test
  void aFilmIsDecidedByTheThresholdOfTheOtherFolds() {
    // The threshold is .3 from fold 1 and .7 from fold 0; each is applied to the films of the other
    // fold.
    film("a", 0, Truth.PRESENT, .9);
    film("b", 0, Truth.PRESENT, .8);
    film("c", 0, Truth.ABSENT, .6);
    film("d", 0, Truth.ABSENT, .2);
    film("e", 1, Truth.PRESENT, .4);
    film("f", 1, Truth.PRESENT, .75);
    film("g", 1, Truth.ABSENT, .2);
    LabelScore edema = scores().labels().getFirst();
    // Predicted positive in fold 0: .9, .8 and the false positive .6; in fold 1 only .75.
    assertThat(edema.bestF1().precision().value()).isCloseTo(3 / 4.0, within(1e-12));
    assertThat(edema.bestF1().sensitivity().value()).isCloseTo(3 / 4.0, within(1e-12));
    assertThat(edema.bestF1().specificity().value()).isCloseTo(2 / 3.0, within(1e-12));
    assertThat(edema.bestF1().f1().value()).isCloseTo(6 / 8.0, within(1e-12));
    assertThat(edema.youden()).isEqualTo(edema.bestF1());
  }

  @Test
  void withoutOtherFoldsNothingIsDecided() {
    film("a", 0, Truth.PRESENT, .9);
    film("b", 0, Truth.ABSENT, .8);
    LabelScore edema = scores().labels().getFirst();
    assertThat(edema.bestF1().f1().value()).isNaN();
    assertThat(edema.bestF1().sensitivity().value()).isNaN();
  }

  @Test
  void subgroupsAreScoredByThemselves() {
    for (int i = 0; i < 12; i++) {
      film("p" + i, 0, i % 2 == 0 ? Truth.PRESENT : Truth.ABSENT, i % 2 == 0 ? .9 : .1);
    }
    assertThat(
            FilmScores.subgroups(films, probabilities, f -> folds.getOrDefault(f.image(), -1), 1))
        .extracting(SystemScores.Subgroup::attribute, SystemScores.Subgroup::value)
        .containsExactly(tuple("sex", "F"), tuple("age", "40–59"), tuple("view", "PA"));
  }

  @Test
  void theMeanRocCurveHasTheMeanAuroc() {
    var random = new Random(2);
    for (int i = 0; i < 600; i++) {
      boolean present = i % 3 == 0;
      double p = Math.clamp(.4 + (present ? .2 : 0) + .2 * random.nextGaussian(), 0, 1);
      film("p" + i / 2, i / 2 % 3, present ? Truth.PRESENT : Truth.ABSENT, p);
    }
    LabelScore edema = scores().labels().getFirst();
    double area = 0;
    for (int k = 1; k < edema.roc().size(); k++) {
      Point from = edema.roc().get(k - 1);
      Point to = edema.roc().get(k);
      area +=
          (to.falsePositiveRate() - from.falsePositiveRate())
              * (to.truePositiveRate() + from.truePositiveRate())
              / 2;
    }
    assertThat(area).isCloseTo(edema.auroc().value(), within(.01));
    assertThat(edema.auroc().value())
        .isBetween(.68, .84); // 0.76 for normal distributions one standard deviation apart
    assertThat(edema.auroc().low()).isLessThan(edema.auroc().value());
    assertThat(edema.auroc().high()).isGreaterThan(edema.auroc().value());
  }

  @Test
  void aFilmWithoutProbabilitiesIsNamed() {
    film("a", 0, Truth.PRESENT, .5);
    probabilities.clear();
    assertThatThrownBy(this::scores)
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("film0.png are missing");
  }
}
