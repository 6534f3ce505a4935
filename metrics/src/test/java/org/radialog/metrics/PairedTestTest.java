package org.radialog.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ForkJoinPool;
import org.junit.jupiter.api.Test;
import org.radialog.metrics.PairedTest.Difference;

class PairedTestTest {
  private static final PairedTest QUICK = new PairedTest(new Bootstrap(200, 1), 2000);

  private static Difference means(PairedTest test, Groups groups, double[] a, double[] b) {
    return test.of(Sums.mean("mean", a), Sums.mean("mean", b), groups).getFirst();
  }

  @Test
  void allShufflesOfThreePairsByHand() {
    // Differences 1, 2 and 3: of the eight ways to give them signs, +++ and −−− reach the sum 6.
    Difference d =
        means(
            new PairedTest(Bootstrap.DEFAULT, 40_000),
            Groups.each(3),
            new double[] {2, 4, 6},
            new double[] {1, 2, 3});
    assertThat(d.first()).isEqualTo(4);
    assertThat(d.second()).isEqualTo(2);
    assertThat(d.difference().value()).isEqualTo(-2); // from the first to the second
    assertThat(d.p()).isCloseTo(.25, within(.01));
    // a resample of three times the first pair to one of three times the third
    assertThat(d.difference().low()).isEqualTo(-3);
    assertThat(d.difference().high()).isEqualTo(-1);
  }

  @Test
  void equalSystemsAreNotDifferent() {
    double[] scores = new Random(1).doubles(40).toArray();
    Difference d = means(QUICK, Groups.each(40), scores, scores);
    assertThat(d.p()).isEqualTo(1);
    assertThat(d.difference()).isEqualTo(new Interval(0, 0, 0));
  }

  @Test
  void noPIsSmallerThanTheShufflesCanTell() {
    double[] a = new double[100];
    double[] b = new double[100];
    Arrays.fill(a, 1);
    assertThat(means(QUICK, Groups.each(100), a, b).p()).isEqualTo(1 / 2001.0);
  }

  @Test
  void underTheNullEveryPIsAsLikely() {
    var random = new Random(2);
    int trials = 400;
    int below05 = 0;
    int below50 = 0;
    for (int trial = 0; trial < trials; trial++) {
      double[] a = random.doubles(30).toArray();
      double[] b = random.doubles(30).toArray();
      double p = means(new PairedTest(new Bootstrap(1, trial), 400), Groups.each(30), a, b).p();
      below05 += p <= .05 ? 1 : 0;
      below50 += p <= .5 ? 1 : 0;
    }
    assertThat((double) below05 / trials).isBetween(.02, .08);
    assertThat((double) below50 / trials).isBetween(.42, .58);
  }

  @Test
  void twoPatientsProveNothingHoweverManyFilmsTheyHave() {
    double[] a = new double[100];
    double[] b = new double[100];
    List<String> patients = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      a[i] = 1;
      patients.add(i < 50 ? "one" : "other");
    }
    // ++ and −− reach the difference, +− and −+ do not
    assertThat(means(QUICK, Groups.by(patients), a, b).p()).isCloseTo(.5, within(.05));
  }

  @Test
  void scoresOfACorpusAreComputedAnewForEveryShuffle() {
    // Matches and words of two pairs each. As they are, and both changed: 10/12 − 5.4/21 = 0.576;
    // one changed: |6/22 − 9.4/11| = 0.582. By means of the pairs the latter would be the smaller.
    Sums.Formula precision = (sums, items) -> new double[] {sums[0] / sums[1]};
    Resampled a = new Sums(List.of("precision"), new double[][] {{9, 10}, {1, 2}}, precision);
    Resampled b = new Sums(List.of("precision"), new double[][] {{5, 20}, {.4, 1}}, precision);
    Difference d = QUICK.of(a, b, Groups.each(2)).getFirst();
    assertThat(d.difference().value()).isCloseTo(5.4 / 21 - 10 / 12.0, within(1e-12));
    assertThat(d.p()).isEqualTo(1);
  }

  @Test
  void theSeedAloneDecides() throws Exception {
    double[] a = new Random(3).doubles(50).toArray();
    double[] b = new Random(4).doubles(50).toArray();
    List<Difference> results = new ArrayList<>();
    for (int threads : new int[] {1, 3}) {
      try (var pool = new ForkJoinPool(threads)) {
        results.add(pool.submit(() -> means(QUICK, Groups.each(50), a, b)).get());
      }
    }
    assertThat(results.get(0)).isEqualTo(results.get(1));
  }
}
