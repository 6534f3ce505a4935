package org.radialog.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import org.junit.jupiter.api.Test;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingsList;
import org.radialog.published.ModelConfig;

class OperatingPointsTest {
  private static final Finding EDEMA = Finding.EDEMA;

  private static MadeFilms edema(double[] positives, double[] negatives) {
    MadeFilms films = new MadeFilms();
    for (double p : positives) {
      films.add(Map.of(EDEMA, true), Map.of(EDEMA, p));
    }
    for (double p : negatives) {
      films.add(Map.of(EDEMA, false), Map.of(EDEMA, p));
    }
    return films;
  }

  private static OperatingPoints points(MadeFilms films, Set<Finding> assessed) {
    return OperatingPoints.of(films.films(), films.probabilities(), assessed);
  }

  @Test
  void whereFilmsCanBePartedBothPointsPartThem() {
    OperatingPoints points =
        points(
            edema(new double[] {0.9, 0.8, 0.7}, new double[] {0.3, 0.2, 0.1, 0.1, 0.1, 0.1}),
            Set.of(EDEMA));
    assertThat(points.present().get(EDEMA.column())).isCloseTo(0.5, within(1e-12));
    assertThat(points.possible().get(EDEMA.column())).isCloseTo(0.5, within(1e-12));
    assertThat(points.present().get(Finding.FRACTURE.column())).isEqualTo(0.5);
    assertThat(points.possible().get(Finding.FRACTURE.column())).isEqualTo(0.5);
  }

  @Test
  void betweenThePointsLiesWhatIsNeitherTrustworthyNorRare() {
    MadeFilms films = MadeFilms.drawn(1, 4000, Map.of(EDEMA, 0.1), Map.of(EDEMA, 1.2)); // AUROC 0.8
    OperatingPoints points = points(films, Set.of(EDEMA));
    CallScores.Called calls = calls(films, points, Set.of(EDEMA)).findings().getFirst();
    assertThat(points.possible().get(EDEMA.column()))
        .isLessThan(points.present().get(EDEMA.column()));
    assertThat(calls.ppv().value()).isGreaterThanOrEqualTo(0.2);
    assertThat(calls.specificity().value()).isGreaterThanOrEqualTo(0.92);
    assertThat(1 - calls.npv().value()).isLessThanOrEqualTo(0.5 * 0.11);
    assertThat(calls.withUncertain().value()).isGreaterThanOrEqualTo(0.7);
    assertThat(calls.uncertain().value()).isBetween(0.1, 0.5);
  }

  /** Ten findings of all kinds, on up to a half of the films and told apart well or hardly. */
  @Property(tries = 30)
  void normalFilmsAreSparedWhateverTheFindings(
      @ForAll long seed,
      @ForAll @DoubleRange(min = 0.01, max = 0.1) double prevalence,
      @ForAll @DoubleRange(min = 0, max = 3) double apart) {
    Map<Finding, Double> often = new EnumMap<>(Finding.class);
    Map<Finding, Double> told = new EnumMap<>(Finding.class);
    int i = 0;
    for (Finding finding : Finding.NIH_MAPPED) {
      often.put(finding, Math.min(0.5, prevalence * (1 + i)));
      told.put(finding, apart * (0.5 + i / 20.0));
      i++;
    }
    MadeFilms films = MadeFilms.drawn(seed, 300, often, told);
    Set<Finding> assessed = EnumSet.copyOf(Finding.NIH_MAPPED);
    OperatingPoints points = points(films, assessed);
    for (int k = 0; k < Finding.COUNT; k++) {
      assertThat(points.possible().get(k)).isBetween(0.0, points.present().get(k));
      assertThat(points.present().get(k)).isLessThanOrEqualTo(1);
    }
    long normal = films.films().normal().size();
    long present = 0;
    long open = 0;
    Reading reading = new Reading(Calibration.NONE, assessed, points, Set.of());
    for (String image : films.films().normal()) {
      FindingsList list = reading.called(Objects.requireNonNull(films.probabilities().get(image)));
      present += list.present().isEmpty() ? 0 : 1;
      open += list.present().isEmpty() && list.uncertain().isEmpty() ? 0 : 1;
    }
    assertThat(present).isLessThanOrEqualTo((long) (OperatingPoints.NORMAL_PRESENT * normal));
    assertThat(open).isLessThanOrEqualTo((long) (OperatingPoints.NORMAL_OPEN * normal));
  }

  @Test
  void whereRadiologistsCalledEnoughFilmsNormalTheseAreSparedAsOften() {
    MadeFilms films = MadeFilms.drawn(7, 1000, Map.of(EDEMA, 0.2), Map.of(EDEMA, 1.0));
    ScoredFilms all = films.films();
    // They called those normal on which the classifier errs most.
    Set<String> called =
        all.normal().stream()
            .filter(image ->
                Objects.requireNonNull(films.probabilities().get(image))[EDEMA.column()] > 0.6)
            .collect(Collectors.toSet());
    assertThat(called).hasSizeGreaterThan(OperatingPoints.ENOUGH_NORMAL);
    OperatingPoints plain = OperatingPoints.of(all, films.probabilities(), Set.of(EDEMA));
    OperatingPoints spared =
        OperatingPoints.of(
            new ScoredFilms(all.films(), all.normal(), called),
            films.probabilities(),
            Set.of(EDEMA));
    assertThat(spared.present().get(EDEMA.column()))
        .isGreaterThan(plain.present().get(EDEMA.column()));
    long wrong =
        called.stream()
            .filter(image ->
                Objects.requireNonNull(films.probabilities().get(image))[EDEMA.column()]
                    > spared.present().get(EDEMA.column()))
            .count();
    assertThat(wrong).isBetween(1L, (long) (OperatingPoints.NORMAL_PRESENT * called.size()));
  }

  @Test
  void aFindingThatCannotBeToldIsNotCalledOftenAndHardlyEverAbsent() {
    MadeFilms films = MadeFilms.drawn(3, 2000, Map.of(EDEMA, 0.05), Map.of(EDEMA, 0.1));
    OperatingPoints points = points(films, Set.of(EDEMA));
    CallScores.Called calls = calls(films, points, Set.of(EDEMA)).findings().getFirst();
    assertThat(calls.specificity().value()).isGreaterThanOrEqualTo(0.9);
  }

  @Test
  void aFindingIsAssessedOnlyIfTheLowerEndOfItsAurocSaysSomething() {
    MadeFilms films =
        MadeFilms.drawn(
            5,
            400,
            Map.of(EDEMA, 0.2, Finding.PNEUMONIA, 0.3, Finding.NO_FINDING, 0.3),
            Map.of(EDEMA, 1.5, Finding.PNEUMONIA, 0.3, Finding.NO_FINDING, 1.5));
    Reading reading = Reading.of(films.films(), films.probabilities(), _ -> 0);
    assertThat(reading.assessed()).containsExactlyInAnyOrder(EDEMA, Finding.NO_FINDING);
    assertThat(reading.evidence(EDEMA, films.films())).isEqualTo(ModelConfig.Evidence.TRAINED);
    assertThat(reading.evidence(Finding.PNEUMONIA, films.films()))
        .isEqualTo(ModelConfig.Evidence.WEAK);
    assertThat(reading.evidence(Finding.FRACTURE, films.films()))
        .isEqualTo(ModelConfig.Evidence.UNTRAINED);
    double[] sure = new double[Finding.COUNT];
    Arrays.fill(sure, 0.9999);
    assertThat(reading.called(sure)).isEqualTo(FindingsList.of(List.of(EDEMA)));
  }

  @Test
  void aFindingMayBeDeniedIfEnoughOfItIsCalled() {
    MadeFilms films =
        MadeFilms.drawn(
            5,
            1000,
            Map.of(EDEMA, 0.2, Finding.PNEUMONIA, 0.2, Finding.NO_FINDING, 0.3),
            Map.of(EDEMA, 3.0, Finding.PNEUMONIA, 0.8, Finding.NO_FINDING, 1.5));
    Reading reading = Reading.of(films.films(), films.probabilities(), _ -> 0);
    assertThat(reading.assessed()).contains(EDEMA, Finding.PNEUMONIA);
    assertThat(reading.denied()).containsExactly(EDEMA);
    Map<Finding, CallScores.Called> calls = new EnumMap<>(Finding.class);
    calls(films, reading).findings().forEach(one -> calls.put(one.finding(), one));
    assertThat(called(calls, EDEMA).sensitivity().value()).isGreaterThanOrEqualTo(0.4);
    assertThat(called(calls, Finding.PNEUMONIA).sensitivity().value()).isLessThan(0.4);
  }

  private static CallScores.Called called(Map<Finding, CallScores.Called> calls, Finding finding) {
    return Objects.requireNonNull(calls.get(finding));
  }

  private static CallScores calls(MadeFilms films, OperatingPoints points, Set<Finding> assessed) {
    return calls(films, new Reading(Calibration.NONE, assessed, points, Set.of()));
  }

  private static CallScores calls(MadeFilms films, Reading reading) {
    Map<String, FindingsList> called = new HashMap<>();
    films.probabilities().forEach((image, row) -> called.put(image, reading.called(row)));
    return CallScores.of(films.films(), called, reading.assessed(), 1);
  }
}
