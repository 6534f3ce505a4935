package org.radialog.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ForkJoinPool;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BootstrapTest {
  private static Interval mean(Bootstrap bootstrap, Groups groups, double... values) {
    return bootstrap.intervals(Sums.mean("mean", values), groups).firstEntry().getValue();
  }

  @Test
  void resamplesOfTwoItemsAreTheFourThatThereAre() {
    // 00, 01, 10 and 11, each as likely: means of 0, 1/2 and 1 in a quarter, a half and a quarter
    double[][] drawn =
        new Bootstrap(10_000, 3).drawn(Groups.each(2), Sums.mean("mean", new double[] {0, 1})::of);
    double[] means = Bootstrap.column(drawn, 0);
    assertThat(share(means, 0)).isCloseTo(.25, within(.02));
    assertThat(share(means, .5)).isCloseTo(.5, within(.02));
    assertThat(share(means, 1)).isCloseTo(.25, within(.02));
  }

  private static double share(double[] values, double value) {
    return Arrays.stream(values).filter(v -> v == value).count() / (double) values.length;
  }

  @Test
  void endsAreThePercentilesOfTheResamplesInterpolated() {
    double[] resampled = IntStream.rangeClosed(0, 100).mapToDouble(i -> 100 - i).toArray();
    assertThat(Bootstrap.interval(7, resampled)).isEqualTo(new Interval(7, 2.5, 97.5));
  }

  @Test
  void nineteenOfTwentyIntervalsHoldTheTrueMean() {
    var random = new Random(5);
    int held = 0;
    int trials = 400;
    for (int trial = 0; trial < trials; trial++) {
      double[] values = random.doubles(60).toArray(); // mean one half
      Interval interval = mean(new Bootstrap(400, trial), Groups.each(60), values);
      held += interval.low() <= .5 && .5 <= interval.high() ? 1 : 0;
    }
    assertThat((double) held / trials).isBetween(.92, .975);
  }

  @Test
  void copiesOfAPatientDoNotNarrowTheInterval() {
    double[] values = new Random(6).doubles(50).toArray();
    double[] fourTimes = new double[200];
    List<String> patients = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      fourTimes[i] = values[i / 4];
      patients.add("patient " + i / 4);
    }
    Interval once = mean(Bootstrap.DEFAULT, Groups.each(50), values);
    Interval grouped = mean(Bootstrap.DEFAULT, Groups.by(patients), fourTimes);
    assertThat(grouped.low()).isCloseTo(once.low(), within(1e-12));
    assertThat(grouped.high()).isCloseTo(once.high(), within(1e-12));
    Interval ungrouped = mean(Bootstrap.DEFAULT, Groups.each(200), fourTimes);
    assertThat((ungrouped.high() - ungrouped.low()) / (once.high() - once.low()))
        .isCloseTo(.5, within(.08)); // as if there were four times as many patients
  }

  @Test
  void theSeedAloneDecides() throws Exception {
    double[] values = new Random(7).doubles(80).toArray();
    Resampled scores = Sums.mean("mean", values);
    List<Object> results = new ArrayList<>();
    for (int threads : new int[] {1, 3}) {
      try (var pool = new ForkJoinPool(threads)) {
        results.add(pool.submit(() -> Bootstrap.DEFAULT.intervals(scores, Groups.each(80))).get());
      }
    }
    assertThat(results.get(0)).isEqualTo(results.get(1));
    assertThat(new Bootstrap(1000, 2).intervals(scores, Groups.each(80)))
        .isNotEqualTo(results.get(0));
  }

  @Test
  void aScoreThatNoResampleDefinesHasNoInterval() {
    Interval auroc =
        Bootstrap.DEFAULT
            .intervals(
                new BinaryPredictions(new double[] {.1, .2}, new boolean[] {true, true}),
                Groups.each(2))
            .firstEntry()
            .getValue();
    assertThat(auroc.bounded()).isFalse();
    assertThat(auroc.value()).isNaN();
  }

  @Test
  void resamplesWithoutAPositiveAreLeftOut() {
    // a resample of three has both classes in 1 − 1/27 − 8/27 of all draws; then the ranking is
    // perfect
    Interval auroc =
        Bootstrap.DEFAULT
            .intervals(
                new BinaryPredictions(
                    new double[] {.9, .2, .1}, new boolean[] {true, false, false}),
                Groups.each(3))
            .firstEntry()
            .getValue();
    assertThat(auroc).isEqualTo(new Interval(1, 1, 1));
  }

  @Test
  void someOfTheItemsScoreAsIfTheyWereAll() {
    double[] values = {1, 5, 2, 8};
    Resampled chosen = Sums.mean("mean", values).only(new int[] {3, 0});
    assertThat(chosen.values()).containsExactly(4.5);
    assertThat(chosen.of(new int[] {2, 1})).containsExactly(17 / 3.0);
    Resampled both = chosen.followedBy(Sums.mean("mean", new double[] {10, 20}));
    assertThat(both.items()).isEqualTo(4);
    assertThat(both.of(new int[] {1, 0, 0, 1})).containsExactly(14);
  }

  @Test
  void itemsAndGroupsMustBelongTogether() {
    assertThatThrownBy(() -> mean(Bootstrap.DEFAULT, Groups.each(3), 1, 2))
        .hasMessage("2 items are scored, 3 are grouped");
  }
}
