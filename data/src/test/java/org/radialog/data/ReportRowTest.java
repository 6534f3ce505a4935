package org.radialog.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;

class ReportRowTest {
  private static final Map<Finding, FindingState> EDEMA =
      Map.of(Finding.EDEMA, FindingState.PRESENT);
  private static final Map<Finding, FindingState> CLEAR =
      Map.of(Finding.NO_FINDING, FindingState.PRESENT);
  private static final Map<Finding, FindingState> UNCERTAIN =
      Map.of(Finding.EDEMA, FindingState.UNCERTAIN);

  @Test
  void anEvaluationTakesTheFirstRowsWithoutFindingToAFourteenth() {
    List<Map<Finding, FindingState>> rows = new ArrayList<>();
    for (int i = 0; i < 39; i++) {
      rows.add(EDEMA);
      rows.add(i % 2 == 0 ? CLEAR : UNCERTAIN);
    }
    List<Map<Finding, FindingState>> sample = ReportRow.stratifiedForEvaluation(rows, row -> row);
    assertThat(sample).hasSize(42);
    assertThat(sample.subList(0, 39)).containsOnly(EDEMA);
    assertThat(sample.subList(39, 42)).containsExactly(CLEAR, UNCERTAIN, CLEAR);
  }

  @Test
  void aTrainingRunRepeatsFindingsAndDrawsTheOthersBySeed() {
    List<String> rows = new ArrayList<>();
    for (int i = 0; i < 26; i++) {
      rows.add("finding " + i);
      rows.add("clear " + i);
    }
    var first = sample(rows, 1);
    assertThat(first).hasSize(2 * 26 + 4);
    assertThat(first.stream().filter("finding 3"::equals)).hasSize(2);
    assertThat(first.subList(52, 56))
        .allMatch(row -> row.startsWith("clear"))
        .doesNotHaveDuplicates();
    assertThat(sample(rows, 1)).isEqualTo(first);
    assertThat(sample(rows, 2)).isNotEqualTo(first);
  }

  @Test
  void fewerOthersThanWantedAreAllTaken() {
    List<String> rows = new ArrayList<>(List.of("clear"));
    for (int i = 0; i < 130; i++) {
      rows.add("finding " + i);
    }
    assertThat(sample(rows, 1)).hasSize(261);
  }

  private static List<String> sample(List<String> rows, long seed) {
    return ReportRow.stratifiedForTraining(
        rows, row -> row.startsWith("finding") ? EDEMA : CLEAR, 2, seed);
  }
}
