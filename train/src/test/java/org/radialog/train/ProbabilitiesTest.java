package org.radialog.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.Condition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;

class ProbabilitiesTest {
  @TempDir Path folder;

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
}
