package org.radialog.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.radialog.metrics.BinaryPredictions;
import org.radialog.train.Calibration.Scaling;

class CalibrationTest {
  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  /** Labels that are as frequent as {@code truth} says, and probabilities distorted from it. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Distorted(double[] truth, double[] probabilities, boolean[] present) {
    static Distorted by(Random random, int count, double slope, double offset) {
      double[] truth = new double[count];
      double[] probabilities = new double[count];
      boolean[] present = new boolean[count];
      for (int i = 0; i < count; i++) {
        double logit = 2 * random.nextGaussian() - 1;
        truth[i] = sigmoid(logit);
        probabilities[i] = sigmoid(slope * logit + offset);
        present[i] = random.nextDouble() < truth[i];
      }
      return new Distorted(truth, probabilities, present);
    }
  }

  @Test
  void aKnownDistortionIsUndone() {
    Distorted films = Distorted.by(new Random(1), 20_000, 0.4, 1.5);
    Scaling fitted = Scaling.fitted(films.probabilities, films.present);
    assertThat(fitted.slope()).isCloseTo(1 / 0.4, within(0.1));
    assertThat(fitted.offset()).isCloseTo(-1.5 / 0.4, within(0.1));
    double[] calibrated = new double[films.truth.length];
    for (int i = 0; i < calibrated.length; i++) {
      calibrated[i] = fitted.of(films.probabilities[i]);
      assertThat(calibrated[i]).isCloseTo(films.truth[i], within(0.03));
    }
    assertThat(new BinaryPredictions(films.probabilities, films.present).calibrationError())
        .isGreaterThan(0.2);
    assertThat(new BinaryPredictions(calibrated, films.present).calibrationError())
        .isLessThan(0.02);
  }

  @Property(tries = 200)
  void noOrderOfFilmsChangesWhateverTheLabelsAre(
      @ForAll long seed, @ForAll @IntRange(min = 2, max = 200) int count) {
    Random random = new Random(seed);
    double[] probabilities = random.doubles(count).map(p -> Math.round(p * 1e5) / 1e5).toArray();
    boolean[] present = new boolean[count];
    for (int i = 0; i < count; i++) {
      present[i] = random.nextInt(3) == 0;
    }
    Scaling fitted = Scaling.fitted(probabilities, present);
    assertThat(fitted.slope()).isPositive().isFinite();
    assertThat(fitted.offset()).isFinite();
    double[] calibrated = new double[count];
    for (int i = 0; i < count; i++) {
      calibrated[i] = fitted.of(probabilities[i]);
      assertThat(calibrated[i]).isBetween(0.0, 1.0);
    }
    // Slopes near 0 may make neighbours equal, but never swap them.
    for (int i = 1; i < count; i++) {
      if (probabilities[i] > probabilities[i - 1]) {
        assertThat(calibrated[i]).isGreaterThanOrEqualTo(calibrated[i - 1]);
      }
    }
    assertThat(new BinaryPredictions(calibrated, present).auroc())
        .satisfies(auroc ->
            assertThat(auroc.orElse(-1))
                .isCloseTo(
                    new BinaryPredictions(probabilities, present).auroc().orElse(-1),
                    within(1e-9)));
  }

  @Test
  void aFewPositivesMoveOnlyTheOffsetAndMakeNothingCertain() {
    double[] probabilities = new double[300];
    boolean[] present = new boolean[300];
    for (int i = 0; i < 300; i++) {
      probabilities[i] = i < 3 ? 0.99999 : 0.00001 * i;
      present[i] = i < 3;
    }
    Scaling fitted = Scaling.fitted(probabilities, present);
    assertThat(fitted.slope()).isEqualTo(1);
    assertThat(fitted.of(0.99999)).isBetween(0.5, 0.99999);
    double mean = 0;
    for (double p : probabilities) {
      mean += fitted.of(p) / 300;
    }
    assertThat(mean).isCloseTo(0.013, within(0.01));
  }

  @Test
  void labelsThatAreSeparatedExactlyGiveAFiniteScaling() {
    double[] probabilities = new double[100];
    boolean[] present = new boolean[100];
    for (int i = 0; i < 100; i++) {
      probabilities[i] = i / 100.0;
      present[i] = i >= 50;
    }
    Scaling fitted = Scaling.fitted(probabilities, present);
    assertThat(fitted.slope()).isBetween(1.0, 100.0);
    assertThat(fitted.of(0.99)).isBetween(0.9, 1 - 1e-9);
  }

  @Test
  void probabilitiesThatRankTheWrongWayKeepTheirOrder() {
    double[] probabilities = new double[100];
    boolean[] present = new boolean[100];
    for (int i = 0; i < 100; i++) {
      probabilities[i] = 0.2 + i / 200.0;
      present[i] = i < 50;
    }
    assertThat(Scaling.fitted(probabilities, present).slope()).isEqualTo(1);
  }

  @Test
  void withoutAFindingNothingChanges() {
    assertThat(Scaling.fitted(new double[] {0.1, 0.9}, new boolean[2]))
        .isEqualTo(new Scaling(1, 0));
    assertThat(Calibration.NONE.of(new double[14])[0]).isCloseTo(0, within(1e-5));
  }
}
