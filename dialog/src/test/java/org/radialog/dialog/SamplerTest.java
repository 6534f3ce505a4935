package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.radialog.base.RadialogException;

class SamplerTest {
  private static final float[] LOGITS = {
    (float) Math.log(0.1), (float) Math.log(0.6), (float) Math.log(0.3)
  };

  @Test
  void greedyTakesTheFirstOfTheLargest() {
    assertThat(new Sampler(Decoding.greedy(1), 4).choose(new float[] {1, 3, 3, 2})).isEqualTo(1);
  }

  @Test
  void whatAPaddedVocabularyHasBeyondTheTokenizersIdsIsNeverChosen() {
    float[] logits = {0, 1, 9, 9};
    assertThat(new Sampler(Decoding.greedy(1), 2).choose(logits)).isEqualTo(1);
    var sampler = new Sampler(Decoding.greedy(1).sampled(1, 1, 3), 2);
    assertThat(IntStream.range(0, 200).map(_ -> sampler.choose(logits)).distinct().sorted())
        .containsExactly(0, 1);
  }

  @Test
  void drawsFollowTheProbabilities() {
    assertThat(shares(Decoding.greedy(1).sampled(1, 1, 7)))
        .satisfies(
            p -> assertThat(p[0]).isCloseTo(0.1, within(0.01)),
            p -> assertThat(p[1]).isCloseTo(0.6, within(0.01)),
            p -> assertThat(p[2]).isCloseTo(0.3, within(0.01)));
  }

  @Test
  void temperatureFlattens() {
    // p^(1/2) / sum: 0.316, 0.775, 0.548
    assertThat(shares(Decoding.greedy(1).sampled(2, 1, 7))[0]).isCloseTo(0.193, within(0.01));
  }

  @Test
  void topPDrawsFromTheSmallestSetThatReachesIt() {
    double[] p = shares(Decoding.greedy(1).sampled(1, 0.89, 7));
    assertThat(p[0]).isZero();
    assertThat(p[1]).isCloseTo(0.6667, within(0.01));
    assertThat(shares(Decoding.greedy(1).sampled(1, 0.5, 7))).startsWith(0).endsWith(0);
  }

  @Test
  void equalSeedsDrawEqualTokensAndOthersDoNot() {
    assertThat(draws(11)).isEqualTo(draws(11)).isNotEqualTo(draws(12));
  }

  @Test
  void extremeLogitsAreDrawnWithoutNaN() {
    float[] logits = {-Float.MAX_VALUE, Float.MAX_VALUE, 0};
    assertThat(new Sampler(Decoding.greedy(1).sampled(0.01, 0.9, 1), 3).choose(logits))
        .isEqualTo(1);
  }

  @Test
  void valuesOutOfRangeAreRefusedWithTheirValue() {
    assertThatThrownBy(() -> Decoding.greedy(0))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("0, expected at least 1");
    assertThatThrownBy(() -> Decoding.greedy(1).sampled(-1, 1, 0)).hasMessageContaining("-1.0");
    assertThatThrownBy(() -> Decoding.greedy(1).sampled(Double.NaN, 1, 0))
        .hasMessageContaining("NaN");
    assertThatThrownBy(() -> Decoding.greedy(1).sampled(1, 0, 0)).hasMessageContaining("top-p");
    assertThatThrownBy(() -> Decoding.greedy(1).stoppingAt("")).hasMessageContaining("stop text");
  }

  private static double[] shares(Decoding how) {
    var sampler = new Sampler(how, LOGITS.length);
    double[] p = new double[LOGITS.length];
    for (int i = 0; i < 20_000; i++) {
      p[sampler.choose(LOGITS)] += 1.0 / 20_000;
    }
    return p;
  }

  private static int[] draws(long seed) {
    var sampler = new Sampler(Decoding.greedy(1).sampled(1, 1, seed), LOGITS.length);
    return IntStream.range(0, 50).map(_ -> sampler.choose(LOGITS)).toArray();
  }
}
