package org.radialog.loop;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.charts.CurveChart;
import org.radialog.charts.CurveChart.Panel;
import org.radialog.charts.CurveChart.Point;

/** The curves and the page of a run, from rows that no healthy training has. */
class RunPageTest {
  @TempDir private Path folder;

  private record Told(String data) {}

  private static SequencedMap<String, String> row(int number, String loss) {
    SequencedMap<String, String> row = new LinkedHashMap<>();
    row.put("row", String.valueOf(number));
    row.put("stage", "a&b");
    row.put("step", String.valueOf(10 * number));
    row.put("loss", loss);
    return row;
  }

  @Test
  void aLossThatIsNoFiniteNumberIsInTheTableAndLeavesTheCurve() throws Exception {
    try (RunFolder run = RunFolder.open(folder, new Told("numbers"))) {
      run.addRow(row(1, "0.5000"));
      run.addRow(row(2, "Infinity"));
      run.addRow(row(3, "NaN"));
      run.addRow(row(4, "0.2500"));
      CurveChart.Curve curve = run.curve("row", "loss");
      assertThat(curve.points()).containsExactly(new Point(1, 0.5), new Point(4, 0.25));
      run.page(chart("toy", curve), "Running.", true);
    }
    assertThat(Files.readString(folder.resolve("plot.html")))
        .contains("<td>Infinity</td>", "<td>NaN</td>");
  }

  @Test
  void aPageHasTheLastRowsTheNewestFirstAndEveryValueIsText() throws Exception {
    try (RunFolder run = RunFolder.open(folder, new Told("numbers"))) {
      for (int i = 1; i <= 25; i++) {
        run.addRow(row(i, "0.1000"));
      }
      run.page(chart("<b>mini</b>", run.curve("row", "loss")), "<i>state</i>", false);
    }
    String page = Files.readString(folder.resolve("plot.html"));
    assertThat(page)
        .contains("The last 20 of 25 rows of metrics.csv")
        .contains("&lt;b&gt;mini&lt;/b&gt;", "&lt;i&gt;state&lt;/i&gt;", "<td>a&amp;b</td>")
        .doesNotContain("<b>", "<i>", "http-equiv");
    assertThat(
            page.lines()
                .filter(line -> line.startsWith("<tr><td>"))
                .map(line -> line.replaceFirst("<tr><td>(\\d+)</td>.*", "$1")))
        .hasSize(20)
        .startsWith("25", "24")
        .endsWith("6");
  }

  private static CurveChart chart(String title, CurveChart.Curve curve) {
    return new CurveChart(title, "row of metrics.csv", List.of(new Panel("loss", List.of(curve))));
  }
}
