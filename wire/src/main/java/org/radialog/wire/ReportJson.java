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
 * @param model the model that wrote it
 * @param guard the result of checking the film
 * @param findings the findings that the report was written from, one per label in column order
 * @param report the text and its inconsistencies
 * @param conflicts the same inconsistencies as lines for people, one per kind
 * @param usage the tokens of the report
 * @param timings of the report
 * @param notice printed on every output
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
   * @param findings the complete findings section
   * @param impression written from it; empty if none was requested
   * @param warnings the inconsistencies of both
   * @param guidance where guidance stepped in, in both
   */
  public record Text(
      String findings, String impression, List<WarningJson> warnings, GuidanceJson guidance) {
    public Text {
      warnings = List.copyOf(warnings);
    }
  }

  public ReportJson {
    findings = List.copyOf(findings);
    conflicts = List.copyOf(conflicts);
  }

  /** The JSON of a report and, if requested, its impression. */
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
            WarningJson.of(report, impression),
            impression
                .map(reply -> GuidanceJson.of(report.guidance(), reply.guidance()))
                .orElseGet(() -> GuidanceJson.of(report.guidance()))),
        conflicts,
        UsageJson.of(report.usage()),
        timings,
        Notice.RESEARCH_USE);
  }
}
