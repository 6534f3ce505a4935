package org.radialog.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.testing.Golden;

/** BERTScore's settings and edges, on the network of the golden case. */
class BertScoreTest {
  private static final List<TextPair> PAIRS =
      List.of(
          new TextPair("same", List.of("The lungs are clear."), "The lungs are clear."),
          new TextPair("other", List.of("No effusion."), "Heart size is normal."),
          new TextPair("empty", List.of("No effusion."), ""));

  @TempDir private Path folder;

  @BeforeEach
  void network() {
    BertFolder.write(folder, Golden.theCase("metrics"));
  }

  private List<MetricScores> scores(List<TextPair> pairs, Optional<Path> baseline) {
    BertScore.Settings settings = new BertScore.Settings(OptionalInt.of(2), false, baseline);
    try (BertScore score = BertScore.open(folder, settings)) {
      return score.of(pairs, Progress.NONE);
    }
  }

  @Test
  void equalTextsScoreOneAndAnEmptyOneNothing() {
    MetricScores f = scores(PAIRS, Optional.empty()).getLast();
    assertThat(f.name()).isEqualTo("BERTScore");
    assertThat(f.pairs()[0]).isCloseTo(1, within(1e-6));
    assertThat(f.pairs()[1]).isBetween(0.0, 0.999);
    assertThat(f.pairs()[2]).isZero();
  }

  @Test
  void ofSeveralReferencesTheBestCounts() {
    TextPair two =
        new TextPair("two", List.of("No effusion.", "The lungs are clear."), "Lungs are clear.");
    TextPair one = new TextPair("one", List.of("The lungs are clear."), "Lungs are clear.");
    TextPair other = new TextPair("other", List.of("No effusion."), "Lungs are clear.");
    for (MetricScores scores : scores(List.of(two, one, other), Optional.empty())) {
      assertThat(scores.pairs()[0])
          .isCloseTo(Math.max(scores.pairs()[1], scores.pairs()[2]), within(1e-6));
    }
  }

  @Test
  void aBaselineMovesItsOwnScoreToZero() throws Exception {
    List<MetricScores> plain = scores(PAIRS, Optional.empty());
    Path table = folder.resolve("baseline.tsv");
    Files.writeString(
        table,
        "LAYER,P,R,F\n0,0.1,0.1,0.1\n1,0.2,0.2,0.2\n2,%s,%s,%s\n"
            .formatted(plain.get(0).pairs()[1], plain.get(1).pairs()[1], plain.get(2).pairs()[1]));
    for (MetricScores scores : scores(PAIRS, Optional.of(table))) {
      assertThat(scores.pairs()[0]).isCloseTo(1, within(1e-5));
      assertThat(scores.pairs()[1]).isCloseTo(0, within(1e-5));
      assertThat(scores.pairs()[2]).isNegative();
    }
  }

  @Test
  void aBaselineOfAnotherFormIsRefused() throws Exception {
    Path table = folder.resolve("baseline.tsv");
    for (String text :
        List.of("", "LAYER,P,R,F\n0,1,1,1\n", "LAYER,P,R,F\n0,,,\n1,,,\n2,a,b,c\n")) {
      Files.writeString(table, text);
      assertThatThrownBy(() -> scores(PAIRS, Optional.of(table)))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("baseline.tsv")
          .hasMessageContaining("layer 2");
    }
  }

  @Test
  void aNetworkOfAnUnknownSizeNeedsALayer() {
    assertThatThrownBy(() -> BertScore.open(folder, BertScore.Settings.PLAIN))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("3 layers")
        .hasMessageContaining("1 to 3");
  }
}
