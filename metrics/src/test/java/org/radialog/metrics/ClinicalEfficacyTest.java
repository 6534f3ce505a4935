package org.radialog.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.radialog.clinical.Finding.ATELECTASIS;
import static org.radialog.clinical.Finding.CARDIOMEGALY;
import static org.radialog.clinical.Finding.EDEMA;
import static org.radialog.clinical.Finding.FRACTURE;
import static org.radialog.clinical.Finding.PNEUMONIA;
import static org.radialog.clinical.FindingState.ABSENT;
import static org.radialog.clinical.FindingState.NOT_MENTIONED;
import static org.radialog.clinical.FindingState.PRESENT;
import static org.radialog.clinical.FindingState.UNCERTAIN;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.Labels;

class ClinicalEfficacyTest {
  private static Labels labels(Map<Finding, FindingState> states) {
    Map<Finding, Labels.Entry> entries = new EnumMap<>(Finding.class);
    states.forEach((finding, state) -> entries.put(finding, new Labels.Entry(state, List.of())));
    return new Labels(entries);
  }

  private static double value(MultiLabel.Scores scores, String name) {
    Interval interval = scores.averages().get(name);
    return interval == null ? Double.NaN : interval.value();
  }

  private static MultiLabel.Row row(MultiLabel.Scores scores, Finding finding) {
    return scores.labels().get(finding.column());
  }

  @Test
  void uncertainCountsAsNeitherAndAsPresentSideBySide() {
    ClinicalEfficacy ce =
        new ClinicalEfficacy.Builder()
            .add(labels(Map.of(EDEMA, UNCERTAIN)), labels(Map.of(EDEMA, PRESENT)))
            .add(labels(Map.of(EDEMA, PRESENT)), labels(Map.of(EDEMA, PRESENT)))
            .build();
    MultiLabel.Scores negative = ce.points().firstEntry().getValue();
    MultiLabel.Scores positive = ce.points().lastEntry().getValue();
    assertThat(ce.points().sequencedKeySet())
        .containsExactly(UncertainMapping.NEGATIVE, UncertainMapping.POSITIVE);
    assertThat(row(negative, EDEMA).precision().value()).isEqualTo(.5);
    assertThat(row(negative, EDEMA).support()).isEqualTo(1);
    assertThat(row(negative, EDEMA).said()).isEqualTo(2);
    assertThat(row(positive, EDEMA).precision().value()).isEqualTo(1);
    assertThat(row(positive, EDEMA).support()).isEqualTo(2);
  }

  @Test
  void whatIsNotMentionedIsNegativeLikeWhatIsDenied() {
    ClinicalEfficacy ce =
        new ClinicalEfficacy.Builder()
            .add(labels(Map.of(EDEMA, ABSENT)), labels(Map.of(EDEMA, NOT_MENTIONED)))
            .add(labels(Map.of()), labels(Map.of(PNEUMONIA, ABSENT)))
            .build();
    ce.points()
        .values()
        .forEach(scores -> {
          assertThat(value(scores, "exact_rows_14")).isEqualTo(1);
          assertThat(value(scores, "label_accuracy_14")).isEqualTo(1);
          // and where nothing is positive, every F1 is 0 (zero_division)
          assertThat(value(scores, "macro_f1_14")).isZero();
          assertThat(value(scores, "samples_f1_14")).isZero();
        });
  }

  @Test
  void averagesByHand() {
    MultiLabel.Scores scores =
        new MultiLabel.Builder()
            .add(Set.of(EDEMA, ATELECTASIS), Set.of(EDEMA))
            .add(Set.of(CARDIOMEGALY), Set.of(CARDIOMEGALY, FRACTURE))
            .build()
            .scores();
    assertThat(value(scores, "macro_f1_14")).isCloseTo(2 / 14.0, within(1e-12));
    assertThat(value(scores, "macro_f1_5")).isCloseTo(2 / 5.0, within(1e-12));
    assertThat(value(scores, "micro_f1_14")).isCloseTo(4 / 6.0, within(1e-12));
    assertThat(value(scores, "micro_f1_5")).isCloseTo(4 / 5.0, within(1e-12));
    assertThat(value(scores, "samples_f1_14")).isCloseTo(2 / 3.0, within(1e-12));
    assertThat(value(scores, "samples_f1_5")).isCloseTo((2 / 3.0 + 1) / 2, within(1e-12));
    assertThat(value(scores, "weighted_recall_14")).isCloseTo(2 / 3.0, within(1e-12));
    assertThat(value(scores, "label_accuracy_14")).isCloseTo(26 / 28.0, within(1e-12));
    assertThat(value(scores, "label_accuracy_5")).isCloseTo(9 / 10.0, within(1e-12));
    assertThat(value(scores, "exact_rows_14")).isZero();
    assertThat(value(scores, "exact_rows_5")).isEqualTo(.5);
  }

  @Test
  void aResampleScoresAsTheReportsWrittenOutWould() {
    var random = new Random(1);
    List<Set<Finding>> truth = random(random, 30);
    List<Set<Finding>> said = random(random, 30);
    int[] times = random.ints(30, 0, 4).toArray();
    var once = new MultiLabel.Builder();
    var written = new MultiLabel.Builder();
    for (int i = 0; i < 30; i++) {
      once.add(truth.get(i), said.get(i));
      for (int k = 0; k < times[i]; k++) {
        written.add(truth.get(i), said.get(i));
      }
    }
    assertThat(once.build().of(times)).containsExactly(written.build().values(), within(1e-12));
  }

  @Test
  void aShuffleOfTwoSystemsScoresAsTheirReportsMixed() {
    var random = new Random(2);
    List<Set<Finding>> truth = random(random, 20);
    List<Set<Finding>> first = random(random, 20);
    List<Set<Finding>> second = random(random, 20);
    var a = new MultiLabel.Builder();
    var b = new MultiLabel.Builder();
    var mixed = new MultiLabel.Builder();
    int[] times = new int[40];
    for (int i = 0; i < 20; i++) {
      a.add(truth.get(i), first.get(i));
      b.add(truth.get(i), second.get(i));
      boolean fromFirst = random.nextBoolean();
      mixed.add(truth.get(i), fromFirst ? first.get(i) : second.get(i));
      times[fromFirst ? i : 20 + i] = 1;
    }
    assertThat(a.build().followedBy(b.build()).of(times))
        .containsExactly(mixed.build().values(), within(1e-12));
  }

  @Test
  void intervalsStandAtTheScoresOfBothMappings() {
    var random = new Random(3);
    var builder = new ClinicalEfficacy.Builder();
    for (int i = 0; i < 200; i++) {
      builder.add(randomLabels(random), randomLabels(random));
    }
    ClinicalEfficacy ce = builder.build();
    var scores = ce.scores(Bootstrap.DEFAULT, Groups.each(200));
    assertThat(scores).hasSize(2);
    scores.forEach((mapping, of) -> {
      of.averages()
          .forEach((name, interval) -> {
            assertThat(interval.low()).as(name).isLessThanOrEqualTo(interval.value());
            assertThat(interval.high()).as(name).isGreaterThanOrEqualTo(interval.value());
          });
      Interval macro = of.averages().get("macro_f1_14");
      assertThat(macro).isNotNull();
      assertThat(macro == null ? 0 : macro.high() - macro.low()).isBetween(.02, .2);
      MultiLabel.Scores alone = ce.under(mapping).scores(Bootstrap.DEFAULT, Groups.each(200));
      assertThat(alone).isEqualTo(of);
    });
  }

  private static List<Set<Finding>> random(Random random, int rows) {
    List<Set<Finding>> sets = new ArrayList<>();
    for (int i = 0; i < rows; i++) {
      var set = EnumSet.noneOf(Finding.class);
      Finding.ALL.stream().filter(f -> random.nextInt(3) == 0).forEach(set::add);
      sets.add(set);
    }
    return sets;
  }

  private static Labels randomLabels(Random random) {
    Map<Finding, FindingState> states = new HashMap<>();
    List<FindingState> all = Arrays.asList(FindingState.values());
    Finding.ALL.forEach(f -> states.put(f, all.get(random.nextInt(all.size()))));
    return labels(states);
  }

  // Seven findings on one film each, all of them found: most resamples lack some of them.
  private static ClinicalEfficacy rare() {
    ClinicalEfficacy.Builder rows = new ClinicalEfficacy.Builder();
    for (int i = 0; i < 40; i++) {
      Map<Finding, FindingState> truth = new EnumMap<>(Finding.class);
      truth.put(i < 7 ? Finding.ALL.get(i + 1) : Finding.PNEUMOTHORAX, PRESENT);
      Map<Finding, FindingState> said = new EnumMap<>(truth);
      if (i % 8 == 7) {
        said.remove(Finding.PNEUMOTHORAX);
      }
      rows.add(labels(truth), labels(said));
    }
    return rows.build();
  }

  @Test
  void aLabelThatAResampleLacksDoesNotDrawTheAverageDown() {
    ClinicalEfficacy ce = rare();
    Groups groups = Groups.each(40);
    int macro = ce.names().indexOf("uncertain=negative/macro_f1_14");
    double value = ce.values()[macro];
    double[] drawn = Bootstrap.column(Bootstrap.DEFAULT.drawn(groups, ce::resample), macro);
    assertThat(Arrays.stream(drawn).average().orElseThrow()).isCloseTo(value, within(0.01));
    double[] counted = Bootstrap.column(Bootstrap.DEFAULT.drawn(groups, ce::of), macro);
    assertThat(Arrays.stream(counted).max().orElseThrow()).isLessThanOrEqualTo(value + 0.01);
  }

  @Test
  void everyScoreLiesWithinItsOwnIntervalWhateverTheRows() {
    Random random = new Random(5);
    for (int round = 0; round < 40; round++) {
      ClinicalEfficacy.Builder rows = new ClinicalEfficacy.Builder();
      int n = 1 + random.nextInt(30);
      for (int i = 0; i < n; i++) {
        Map<Finding, FindingState> truth = new EnumMap<>(Finding.class);
        Map<Finding, FindingState> said = new EnumMap<>(Finding.class);
        for (Finding finding : Finding.ALL) {
          if (random.nextInt(2 + finding.column()) == 0) {
            truth.put(finding, PRESENT);
          }
          if (random.nextInt(2 + finding.column()) == 0) {
            said.put(finding, PRESENT);
          }
        }
        rows.add(labels(truth), labels(said));
      }
      for (MultiLabel.Scores scores :
          rows.build().scores(new Bootstrap(100, round), Groups.each(n)).values()) {
        assertThat(scores.averages())
            .allSatisfy((name, interval) ->
                assertThat(interval.value()).as(name).isBetween(interval.low(), interval.high()));
        assertThat(scores.labels())
            .allSatisfy(label ->
                assertThat(label.f1().value()).isBetween(label.f1().low(), label.f1().high()));
      }
    }
  }

  @Test
  void aSubgroupIsScoredAsItsRowsAlone() {
    ClinicalEfficacy ce = rare();
    int[] chosen = {0, 3, 9, 15, 20};
    MultiLabel part = ce.under(UncertainMapping.NEGATIVE).only(chosen);
    assertThat(part.items()).isEqualTo(5);
    assertThat(part.values()[part.names().indexOf("f1/" + Finding.ALL.get(1).label())])
        .isEqualTo(1);
    assertThat(part.values()[part.names().indexOf("f1/" + Finding.ALL.get(2).label())])
        .isEqualTo(0);
  }
}
