package org.radialog.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.radialog.metrics.BinaryPredictions.Bin;
import org.radialog.metrics.BinaryPredictions.RocPoint;

class BinaryPredictionsTest {
  private static BinaryPredictions of(double[] probability, boolean... positive) {
    return new BinaryPredictions(probability, positive);
  }

  @Test
  void perfectReversedAndTiedRankings() {
    boolean[] truth = {false, false, true, true};
    assertThat(of(new double[] {.1, .2, .3, .4}, truth).auroc()).hasValue(1);
    assertThat(of(new double[] {.4, .3, .2, .1}, truth).auroc()).hasValue(0);
    assertThat(of(new double[] {.5, .5, .5, .5}, truth).auroc()).hasValue(.5);
    assertThat(of(new double[] {.1, .4, .35, .8}, truth).auroc()).hasValue(.75);
  }

  @Test
  void rankingNeedsBothClassesAndPrecisionNeedsAPositive() {
    BinaryPredictions positives = of(new double[] {.1, .2}, true, true);
    assertThat(positives.auroc()).isEmpty();
    assertThat(positives.averagePrecision()).hasValue(1);
    assertThat(positives.roc()).isEmpty();
    assertThat(positives.thresholdOfYouden()).isEmpty();
    BinaryPredictions negatives = of(new double[] {.1, .2}, false, false);
    assertThat(negatives.averagePrecision()).isEmpty();
    assertThat(negatives.thresholdOfBestF1()).isEmpty();
  }

  @Property(tries = 200)
  void aurocIsTheShareOfPairsInOrder(@ForAll long seed) {
    var random = new Random(seed);
    double[] scores = withTies(random, 30);
    boolean[] positive = truths(random, 30);
    double won = 0;
    int pairs = 0;
    for (int p = 0; p < 30; p++) {
      for (int n = 0; n < 30; n++) {
        if (positive[p] && !positive[n]) {
          pairs++;
          won += scores[p] > scores[n] ? 1 : scores[p] == scores[n] ? 0.5 : 0;
        }
      }
    }
    if (pairs == 0) {
      assertThat(of(scores, positive).auroc()).isEmpty();
    } else {
      assertThat(of(scores, positive).auroc().orElseThrow()).isCloseTo(won / pairs, within(1e-12));
    }
  }

  @Property(tries = 100)
  void aResampleScoresAsTheItemsWrittenOutWould(@ForAll long seed) {
    var random = new Random(seed);
    double[] scores = withTies(random, 20);
    boolean[] positive = truths(random, 20);
    int[] times = random.ints(20, 0, 4).toArray();
    int count = Arrays.stream(times).sum();
    double[] written = new double[count];
    boolean[] truth = new boolean[count];
    int at = 0;
    for (int i = 0; i < times.length; i++) {
      for (int k = 0; k < times[i]; k++) {
        written[at] = scores[i];
        truth[at++] = positive[i];
      }
    }
    double[] resampled = of(scores, positive).of(times);
    double[] expected = of(written, truth).values();
    for (int k = 0; k < expected.length; k++) {
      if (Double.isNaN(expected[k])) {
        assertThat(resampled[k]).isNaN();
      } else {
        assertThat(resampled[k]).isCloseTo(expected[k], within(1e-12));
      }
    }
  }

  @Test
  void theRocCurveTakesTiesInOneStepAndItsAreaIsTheAuroc() {
    BinaryPredictions predictions =
        of(new double[] {.9, .7, .7, .3, .1}, true, true, false, false, false);
    List<RocPoint> roc = predictions.roc();
    assertThat(roc)
        .containsExactly(
            new RocPoint(0, 0, Double.POSITIVE_INFINITY),
            new RocPoint(0, .5, .9),
            new RocPoint(1 / 3.0, 1, .7),
            new RocPoint(2 / 3.0, 1, .3),
            new RocPoint(1, 1, .1));
    double area = 0;
    for (int i = 1; i < roc.size(); i++) {
      area +=
          (roc.get(i).falsePositiveRate() - roc.get(i - 1).falsePositiveRate())
              * (roc.get(i).truePositiveRate() + roc.get(i - 1).truePositiveRate())
              / 2;
    }
    assertThat(area).isCloseTo(predictions.auroc().orElseThrow(), within(1e-12));
  }

  @Test
  void theReliabilityCurveShowsWhatTheCalibrationErrorSums() {
    BinaryPredictions predictions =
        of(new double[] {0, .1, .11, .95, 1}, false, true, false, true, true);
    assertThat(predictions.reliability())
        .containsExactly(
            new Bin(0, .1, 2, .05, .5), // an edge belongs to the bin below it
            new Bin(.1, .2, 1, .11, 0),
            new Bin(.9, 1, 2, .975, 1));
    assertThat(predictions.calibrationError())
        .isCloseTo((2 * .45 + .11 + 2 * .025) / 5, within(1e-12));
    assertThat(predictions.brier())
        .isCloseTo((0 + .9 * .9 + .11 * .11 + .05 * .05 + 0) / 5, within(1e-12));
  }

  @Test
  void thresholdsLieBetweenTheProbabilitiesThatTheySeparate() {
    // F1 at each cut: 1 of 1 said → 2/4, then 2/5 (the .8 is negative), then 4/6, then 6/7
    BinaryPredictions predictions =
        of(new double[] {.9, .8, .6, .5, .2, .1}, true, false, true, true, false, false);
    assertThat(predictions.thresholdOfBestF1().orElseThrow()).isCloseTo(.35, within(1e-12));
    assertThat(predictions.thresholdOfYouden().orElseThrow()).isCloseTo(.35, within(1e-12));
    // one positive at the top of many: Youden takes it alone
    assertThat(of(new double[] {.9, .2, .1}, true, false, false).thresholdOfYouden().orElseThrow())
        .isCloseTo(.55, within(1e-12));
  }

  @Test
  void whatIsNoNumberIsRefused() {
    assertThatThrownBy(() -> of(new double[] {.1, Double.NaN}, true, false))
        .hasMessageContaining("item 1");
  }

  private static double[] withTies(Random random, int n) {
    return random.ints(n, 0, 11).mapToDouble(p -> p / 10.0).toArray();
  }

  private static boolean[] truths(Random random, int n) {
    double rate = random.nextInt(5) / 4.0; // now and then of one class only
    boolean[] truths = new boolean[n];
    for (int i = 0; i < n; i++) {
      truths[i] = random.nextDouble() < rate;
    }
    return truths;
  }
}
