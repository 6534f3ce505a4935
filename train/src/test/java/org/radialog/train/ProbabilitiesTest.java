package org.radialog.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.Condition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.data.Truth;

class ProbabilitiesTest {
  @TempDir Path folder;

  @Test
  void theThresholdPartsPositivesFromNegativesWhereTheyCanBeParted() {
    double[] thresholds =
        thresholds(new double[] {0.9, 0.8, 0.4, 0.2}, new boolean[] {true, true, false, false});
    assertThat(thresholds[Finding.EDEMA.column()]).isCloseTo(0.6, within(1e-12));
  }

  @Test
  void asManyFilmsLieAboveItAsHaveTheFinding() {
    double[] thresholds =
        thresholds(
            new double[] {0.9, 0.8, 0.7, 0.6, 0.5, 0.1},
            new boolean[] {true, false, true, false, true, false});
    assertThat(thresholds[Finding.EDEMA.column()]).isCloseTo(0.65, within(1e-12));
  }

  @Test
  void itStaysInsideItsBoundsAndIsAHalfWithoutEvidence() {
    double[] thresholds =
        thresholds(new double[] {0.999, 0.998, 0.01}, new boolean[] {true, false, false});
    assertThat(thresholds[Finding.EDEMA.column()]).isEqualTo(0.95);
    assertThat(thresholds[Finding.FRACTURE.column()]).isEqualTo(0.5);
  }

  @Test
  void tablesThatNameAnImageTwiceAndOtherFilesAreRefused() throws Exception {
    StringBuilder header = new StringBuilder("image");
    StringBuilder row = new StringBuilder("a.png");
    for (Finding finding : Finding.ALL) {
      header.append(',').append(finding.label());
      row.append(",0.25");
    }
    Path table = folder.resolve("held-out.csv");
    Files.writeString(table, header + "\n" + row + "\n");
    assertThat(Probabilities.read(List.of(table)))
        .containsOnlyKeys("a.png")
        .hasValueSatisfying(new Condition<>(r -> r.length == 14 && r[13] == 0.25, "its row"));
    assertThatThrownBy(() -> Probabilities.read(List.of(table, table)))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("a.png");
    Files.writeString(folder.resolve("other.csv"), "image,view\nb.png,PA\n");
    assertThatThrownBy(() -> Probabilities.read(List.of(folder.resolve("other.csv"))))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("other.csv");
  }

  private static double[] thresholds(double[] scores, boolean[] positive) {
    List<Film> films = new ArrayList<>();
    Map<String, double[]> probabilities = new HashMap<>();
    for (int i = 0; i < scores.length; i++) {
      String image = i + ".png";
      films.add(
          new Film(
              image,
              Path.of(image),
              "p" + i,
              50,
              "F",
              View.PA,
              Map.of(Finding.EDEMA, positive[i] ? Truth.PRESENT : Truth.ABSENT)));
      double[] row = new double[Finding.COUNT];
      row[Finding.EDEMA.column()] = scores[i];
      probabilities.put(image, row);
    }
    return Probabilities.thresholds(films, films, probabilities);
  }
}
