package org.radialog.loop;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import org.radialog.base.PageTemplate;
import org.radialog.base.ResearchUse;
import org.radialog.charts.CurveChart;

/**
 * A page about a run for a browser: how far it is, its curves and its last rows. It has no script
 * and loads nothing else; while the run goes on, the browser reloads it from time to time.
 */
final class RunPage {
  private static final int ROWS = 20;
  private static final DateTimeFormatter WRITTEN =
      DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss 'UTC'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private RunPage() {}

  /**
   * The page.
   *
   * @param state one sentence that says how far the run is
   * @param running whether it goes on
   * @param rows all rows of the table, the newest last
   * @param now when the page is written; an old time tells the reader that the run was killed
   */
  static String html(
      CurveChart chart,
      String state,
      boolean running,
      List<SequencedMap<String, String>> rows,
      Instant now) {
    List<SequencedMap<String, String>> last =
        rows.subList(Math.max(0, rows.size() - ROWS), rows.size()).reversed();
    Map<String, Object> page = new LinkedHashMap<>();
    page.put("title", chart.title());
    page.put("notice", ResearchUse.NOTICE);
    page.put("running", running);
    page.put("state", state);
    page.put("written", WRITTEN.format(now));
    page.put("plotStyle", CurveChart.darkStyle());
    page.put("plot", chart.inline());
    page.put("hasRows", !last.isEmpty());
    page.put(
        "caption",
        last.size() < rows.size()
            ? "The last %d of %d rows of metrics.csv".formatted(last.size(), rows.size())
            : "The rows of metrics.csv");
    if (!last.isEmpty()) {
      page.put("columns", List.copyOf(last.getFirst().sequencedKeySet()));
    }
    page.put(
        "rows",
        last.stream().map(row -> Map.of("cells", List.copyOf(row.sequencedValues()))).toList());
    return PageTemplate.filled(RunPage.class, "run.html", page);
  }
}
