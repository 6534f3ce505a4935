package org.radialog.eval;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class AurocTest {
  @Test
  void perfectReversedAndTiedRankings() {
    boolean[] truth = {false, false, true, true};
    assertThat(Auroc.of(new double[] {.1, .2, .3, .4}, truth)).hasValue(1);
    assertThat(Auroc.of(new double[] {.4, .3, .2, .1}, truth)).hasValue(0);
    assertThat(Auroc.of(new double[] {.5, .5, .5, .5}, truth)).hasValue(.5);
    assertThat(Auroc.of(new double[] {.1, .4, .35, .8}, truth)).hasValue(.75);
  }

  @Test
  void isEmptyWithoutBothClasses() {
    assertThat(Auroc.of(new double[] {.1, .2}, new boolean[] {true, true})).isEmpty();
  }

  @Property(tries = 200)
  void equalsTheShareOfPairsInOrder(
      @ForAll @Size(30) double @DoubleRange(min = 0, max = 1) [] raw,
      @ForAll @Size(30) boolean[] positive) {
    double[] scores = new double[30];
    for (int i = 0; i < 30; i++) {
      scores[i] = Math.round(raw[i] * 10) / 10.0; // with ties
    }
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
      assertThat(Auroc.of(scores, positive)).isEmpty();
    } else {
      assertThat(Auroc.of(scores, positive).orElseThrow())
          .isCloseTo(won / pairs, org.assertj.core.data.Offset.offset(1e-12));
    }
  }
}
