package org.radialog.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingsList;
import org.radialog.metrics.Interval;
import org.radialog.published.Performance;

class CallScoresTest {
  private static final Finding EDEMA = Finding.EDEMA;
  private static final FindingsList PRESENT = FindingsList.of(Set.of(EDEMA));
  private static final FindingsList OPEN = new FindingsList(Set.of(), Set.of(EDEMA));
  private static final FindingsList NOTHING = FindingsList.of(Set.of());

  private final MadeFilms films = new MadeFilms();
  private final Map<String, FindingsList> called = new HashMap<>();

  private void add(int count, boolean edema, FindingsList call) {
    for (int i = 0; i < count; i++) {
      films.add(Map.of(EDEMA, edema, Finding.NO_FINDING, !edema), Map.of());
      called.put(films.films().films().getLast().image(), call);
    }
  }

  @Test
  void everyShareIsCountedFromTheThreeStates() {
    add(4, true, PRESENT);
    add(3, true, OPEN);
    add(3, true, NOTHING);
    add(2, false, PRESENT);
    add(8, false, OPEN);
    add(30, false, NOTHING);
    CallScores scores = CallScores.of(films.films(), called, Set.of(EDEMA, Finding.NO_FINDING), 1);
    CallScores.Called edema = scores.findings().getLast();
    assertThat(edema.finding()).isEqualTo(EDEMA);
    assertThat(edema.films()).isEqualTo(50);
    assertThat(edema.positives()).isEqualTo(10);
    assertInterval(edema.sensitivity(), 0.4);
    assertInterval(edema.withUncertain(), 0.7);
    assertInterval(edema.specificity(), 38 / 40.0);
    assertInterval(edema.ppv(), 4 / 6.0);
    assertInterval(edema.npv(), 30 / 33.0);
    assertInterval(edema.uncertain(), 11 / 50.0);
    assertInterval(edema.f1(), 8 / 16.0);
    assertThat(scores.macroF1().value()).isCloseTo(0.5, within(1e-12));
    CallScores.Called normal = scores.findings().getFirst();
    assertThat(normal.finding()).isEqualTo(Finding.NO_FINDING);
    assertInterval(normal.sensitivity(), 30 / 40.0);
    assertInterval(normal.ppv(), 30 / 33.0);
  }

  @Test
  void whatWasNeverCalledHasNoPredictiveValue() {
    add(5, true, NOTHING);
    add(20, false, NOTHING);
    CallScores scores = CallScores.of(films.films(), called, Set.of(EDEMA), 1);
    Performance performance = scores.findings().getFirst().performance(new Interval(0.7, 0.6, 0.8));
    assertThat(performance.ppv()).isEmpty();
    assertThat(performance.npv().orElseThrow().value()).isEqualTo(0.8);
    assertThat(performance.auroc()).isEqualTo(new Performance.Figure(0.7, 0.6, 0.8));
    assertThat(List.of(performance.sensitivity().value(), performance.uncertain()))
        .containsOnly(0.0);
  }

  private static void assertInterval(Interval interval, double value) {
    assertThat(interval.value()).isCloseTo(value, within(1e-12));
    assertThat(interval.low()).isLessThan(value);
    assertThat(interval.high()).isGreaterThan(value);
  }
}
