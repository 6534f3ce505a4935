package org.radialog.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.radialog.base.RadialogException;

class BaselinesTest {
  @Test
  void theMostFrequentReportIsCountedWithoutCaseAndWhiteSpace() {
    assertThat(
            Baselines.mostFrequent(
                List.of("Normal chest.", "Clear lungs.", "", "clear  LUNGS.\n", "", "")))
        .isEqualTo("Clear lungs.");
  }

  @Test
  void ofEquallyFrequentReportsTheFirstIsTaken() {
    assertThat(Baselines.mostFrequent(List.of("B.", "A.", "A.", "B."))).isEqualTo("B.");
  }

  @Test
  void withoutAReportThereIsNoneToTake() {
    assertThatThrownBy(() -> Baselines.mostFrequent(List.of(" ", "")))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("all 2 are empty");
  }

  @Test
  void theNearestFilmIsTheOneOfTheSmallestAngle() {
    List<float[]> known = List.of(new float[] {9, 1}, new float[] {0.1f, 0.1f}, new float[] {0, 0});
    assertThat(
            Baselines.nearest(
                List.of(new float[] {1, 0}, new float[] {3, 2.9f}, new float[] {1, 0.2f}), known))
        .containsExactly(0, 1, 0);
  }

  @Test
  void featuresOfTwoEncodersAreRefused() {
    assertThatThrownBy(
            () -> Baselines.nearest(List.of(new float[] {1}), List.of(new float[] {1, 2})))
        .hasMessageContaining("do not come from one encoder");
  }
}
