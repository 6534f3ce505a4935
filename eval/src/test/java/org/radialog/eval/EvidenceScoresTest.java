package org.radialog.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.radialog.eval.EvidenceMeasure.NEAR;
import static org.radialog.eval.EvidenceMeasure.POINT;
import static org.radialog.eval.EvidenceMeasure.SIDE;
import static org.radialog.eval.EvidenceMeasure.SIDES;
import static org.radialog.eval.EvidenceMeasure.ZONE;
import static org.radialog.eval.EvidenceMeasure.ZONES;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.radialog.clinical.Finding;
import org.radialog.data.FilmBoxes.Marked;
import org.radialog.eval.EvidenceScores.Baseline;
import org.radialog.eval.EvidenceScores.Compared;
import org.radialog.eval.EvidenceScores.Reading;
import org.radialog.eval.EvidenceScores.Score;
import org.radialog.imaging.FilmHeat;
import org.radialog.imaging.Preprocessing;

class EvidenceScoresTest {
  private static final int SIDE_CELLS = 10;

  /** A map of 10 by 10 cells over the whole film, cold but for the given cells. */
  private static FilmHeat hot(int... rowsAndColumns) {
    List<Float> values = new ArrayList<>(Collections.nCopies(SIDE_CELLS * SIDE_CELLS, 0f));
    for (int i = 0; i < rowsAndColumns.length; i += 2) {
      // the first is the hottest
      values.set(rowsAndColumns[i] * SIDE_CELLS + rowsAndColumns[i + 1], i == 0 ? 1f : 0.9f);
    }
    return new FilmHeat(values, SIDE_CELLS, SIDE_CELLS, new Preprocessing.Part(0, 0, 1, 1));
  }

  private static Marked box(double left, double top, double right, double bottom) {
    return new Marked(Finding.LUNG_OPACITY, left, top, right, bottom);
  }

  private static final Marked LEFT_LOWER = box(0.1, 0.6, 0.3, 0.8);
  private static final Marked RIGHT_LOWER = box(0.7, 0.6, 0.9, 0.8);
  private static final Marked RIGHT_UPPER = box(0.7, 0.1, 0.9, 0.3);
  private static final Marked HEART = box(0.3, 0.4, 0.7, 0.8);

  private static double asked(EvidenceMeasure measure, FilmHeat map, Marked... boxes) {
    return measure.of(map.place(), map, List.of(boxes));
  }

  @Test
  void theHottestCellMustLieInOneOfTheBoxes() {
    assertThat(asked(POINT, hot(7, 2), LEFT_LOWER)).isEqualTo(1);
    assertThat(asked(POINT, hot(7, 7), LEFT_LOWER)).isZero();
    assertThat(asked(POINT, hot(7, 7), LEFT_LOWER, RIGHT_LOWER)).isEqualTo(1);
  }

  @Test
  void aMapIsAsCoarseAsItsCells() {
    Marked box = box(0.1, 0.6, 0.31, 0.8); // reaches into the cell whose centre is at 0.35
    assertThat(asked(POINT, hot(7, 3), box)).isZero();
    assertThat(asked(NEAR, hot(7, 3), box)).isEqualTo(1);
    assertThat(asked(NEAR, hot(7, 4), box)).isZero();
  }

  @Test
  void theSideIsTheHalfWithMoreHeatAndNotThatOfTheHottestCell() {
    FilmHeat map = hot(7, 2, 7, 7, 7, 8);
    assertThat(asked(SIDE, map, LEFT_LOWER)).isZero();
    assertThat(asked(SIDE, map, RIGHT_LOWER)).isEqualTo(1);
    assertThat(asked(SIDE, map, RIGHT_LOWER, RIGHT_UPPER)).isEqualTo(1);
    assertThat(asked(SIDE, map, LEFT_LOWER, RIGHT_LOWER)).isNaN();
    assertThat(asked(SIDE, map, HEART)).isNaN();
  }

  @Test
  void bothSidesAreSaidWhereTheWeakerHalfHasAThirdOfTheHeat() {
    FilmHeat both = hot(7, 2, 7, 7);
    assertThat(asked(SIDES, both, LEFT_LOWER, RIGHT_LOWER)).isEqualTo(1);
    assertThat(asked(SIDES, both, LEFT_LOWER)).isZero();
    FilmHeat right = hot(7, 7, 6, 7, 5, 7, 7, 2);
    assertThat(asked(SIDES, right, RIGHT_UPPER)).isEqualTo(1);
    assertThat(asked(SIDES, right, LEFT_LOWER, RIGHT_LOWER)).isZero();
    assertThat(asked(SIDES, right, RIGHT_LOWER, HEART)).isNaN();
  }

  @Test
  void theZoneIsAskedWhereAllBoxesLieInOne() {
    assertThat(asked(ZONE, hot(8, 0), LEFT_LOWER, RIGHT_LOWER)).isEqualTo(1);
    assertThat(asked(ZONE, hot(4, 2), LEFT_LOWER)).isZero();
    assertThat(asked(ZONE, hot(1, 2), LEFT_LOWER, RIGHT_UPPER)).isNaN();
    assertThat(asked(ZONES, hot(1, 2), LEFT_LOWER, RIGHT_UPPER)).isEqualTo(1);
    assertThat(asked(ZONES, hot(4, 2), LEFT_LOWER, RIGHT_UPPER)).isZero();
  }

  @Test
  void aMapWithoutHeatIsWrong() {
    for (EvidenceMeasure measure : EvidenceMeasure.values()) {
      assertThat(asked(measure, hot(), LEFT_LOWER)).as(measure.key()).isZero();
    }
  }

  private static Reading reading(int patient, boolean called, FilmHeat map, Marked box) {
    return new Reading(
        patient + ".png", "p" + patient, Finding.LUNG_OPACITY, called, map, List.of(box));
  }

  private static Score score(EvidenceScores scores, String set, EvidenceMeasure measure) {
    return Optional.ofNullable(scores.sets().get(set))
        .map(byFinding -> byFinding.get(Finding.LUNG_OPACITY.label()))
        .map(measures -> measures.get(measure))
        .orElseThrow();
  }

  private static Compared compared(Score score, Baseline baseline) {
    return Optional.ofNullable(score.baselines().get(baseline)).orElseThrow();
  }

  @Test
  void mapsThatFindEveryBoxAreBetterThanPlacesThatDoNotLook() {
    List<Reading> readings = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      boolean left = i % 2 == 0;
      readings.add(reading(i, i < 4, hot(7, left ? 2 : 7), left ? LEFT_LOWER : RIGHT_LOWER));
    }
    EvidenceScores scores = EvidenceScores.of(readings);

    Score point = score(scores, "all", POINT);
    assertThat(point.rule()).isEqualTo(new EvidenceRule(12, 12));
    // Four of the hundred cells have their centre in the box.
    assertThat(compared(point, Baseline.RANDOM).value()).isCloseTo(0.04, within(1e-12));
    assertThat(compared(point, Baseline.CENTRE).value()).isZero();
    // Of the other eleven, six lie on the other side.
    assertThat(compared(point, Baseline.AVERAGE).value()).isZero();
    assertThat(compared(point, Baseline.AVERAGE).more().low()).isEqualTo(1);
    Score side = score(scores, "all", SIDE);
    assertThat(side.rule().mayBeSaid()).isTrue();
    assertThat(compared(side, Baseline.RANDOM).value()).isCloseTo(0.5, within(1e-12));
    assertThat(compared(side, Baseline.CENTRE).value()).isEqualTo(0.5);

    assertThat(score(scores, "called", SIDE).rule()).isEqualTo(new EvidenceRule(4, 4));
    assertThat(scores.table("all"))
        .contains("| Lung Opacity | side, of boxes on one side | 12 of 12 | 1.000 (0.758–1.000)")
        .contains("| yes |");
  }

  @Test
  void mapsThatAreAlikeAreNoBetterThanTheirAverage() {
    List<Reading> readings = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      readings.add(reading(i, true, hot(7, 2), i < 3 ? LEFT_LOWER : RIGHT_LOWER));
    }
    Compared average = compared(score(EvidenceScores.of(readings), "all", POINT), Baseline.AVERAGE);
    assertThat(average.value()).isEqualTo(0.5);
    assertThat(average.more().value()).isZero();
    assertThat(average.more().high()).isZero();
  }

  @Test
  void otherFilmsOfThePatientAreNotAveraged() {
    List<Reading> readings =
        List.of(reading(1, true, hot(7, 2), LEFT_LOWER), reading(1, true, hot(7, 2), LEFT_LOWER));
    Map<Baseline, Compared> baselines =
        score(EvidenceScores.of(readings), "all", POINT).baselines();
    assertThat(baselines).containsOnlyKeys(Baseline.RANDOM, Baseline.CENTRE);
  }

  @Test
  void aPlaceMayBeSaidIfItIsRightOn85PercentOfTenFilms() {
    assertThat(new EvidenceRule(17, 20).mayBeSaid()).isTrue();
    assertThat(new EvidenceRule(16.5, 20).mayBeSaid()).isFalse();
    assertThat(new EvidenceRule(9, 9).mayBeSaid()).isFalse();
    assertThat(new EvidenceRule(17, 20).share().low()).isCloseTo(0.6396, within(1e-3));
  }
}
