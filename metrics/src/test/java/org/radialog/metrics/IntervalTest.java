package org.radialog.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class IntervalTest {
  // The limits as statsmodels' proportion_confint(…, method="wilson") gives them.
  @Test
  void sharesHaveWilsonIntervals() {
    Interval most = Interval.wilson(8, 10);
    assertThat(most.value()).isEqualTo(0.8);
    assertThat(most.low()).isCloseTo(0.490162, within(1e-6));
    assertThat(most.high()).isCloseTo(0.943318, within(1e-6));
  }

  @Test
  void anIntervalOfNoneOrAllIsNoPoint() {
    assertThat(Interval.wilson(0, 10).low()).isZero();
    assertThat(Interval.wilson(0, 10).high()).isCloseTo(0.277533, within(1e-6));
    assertThat(Interval.wilson(10, 10).high()).isCloseTo(1, within(1e-12));
    assertThat(Interval.wilson(10, 10).low()).isCloseTo(0.722467, within(1e-6));
  }

  @Test
  void aShareOfNothingIsNotDefined() {
    assertThat(Interval.wilson(0, 0).value()).isNaN();
    assertThat(Interval.wilson(0, 0).bounded()).isFalse();
  }
}
