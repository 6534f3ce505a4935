package org.radialog.wire;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.radialog.dialog.Reply;
import org.radialog.dialog.Report;

/**
 * An image with its report.
 *
 * @param image the film
 * @param model who wrote it
 * @param guard what the checks of the film said
 * @param findings what the report was written from, one per label in column order
 * @param report the text, and what does not fit in it
 * @param conflicts the same warnings as lines for people, one per kind
 * @param usage tokens of the report
 * @param timings of the report
 * @param notice stands on every output
 */
public record ReportJson(
    ImageJson image,
    ModelJson model,
    GuardJson guard,
    List<FindingJson> findings,
    Text report,
    List<String> conflicts,
    UsageJson usage,
    @JsonProperty("timings_ms") TimingsJson timings,
    String notice)
    implements Result {
  /**
   * The sections that were written.
   *
   * @param findings the findings section, every word of it
   * @param impression drawn from it; empty where none was asked for
   * @param warnings what does not fit in either
   */
  public record Text(String findings, String impression, List<WarningJson> warnings) {
    public Text {
      warnings = List.copyOf(warnings);
    }
  }

  public ReportJson {
    findings = List.copyOf(findings);
    conflicts = List.copyOf(conflicts);
  }

  /** A report and, where one was asked for, its impression. */
  public static ReportJson of(
      ImageJson image,
      ModelJson model,
      GuardJson guard,
      Report report,
      Optional<Reply> impression,
      TimingsJson timings) {
    List<String> conflicts = new ArrayList<>(Notice.of(report));
    impression.map(Notice::ofImpression).ifPresent(conflicts::addAll);
    return new ReportJson(
        image,
        model,
        guard,
        FindingJson.of(report.findings()),
        new Text(
            report.text(),
            impression.map(Reply::text).orElse(""),
            WarningJson.of(report, impression)),
        conflicts,
        UsageJson.of(report.usage()),
        timings,
        Notice.RESEARCH_USE);
  }
}
