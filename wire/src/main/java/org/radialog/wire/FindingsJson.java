package org.radialog.wire;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.radialog.dialog.Findings;

/**
 * An image with its findings only.
 *
 * @param image the film
 * @param model the model that the classifier belongs to
 * @param guard the result of checking the film
 * @param findings one per label, in column order
 * @param timings without the fields for generated text
 * @param notice printed on every output
 */
public record FindingsJson(
    ImageJson image,
    ModelJson model,
    GuardJson guard,
    List<FindingJson> findings,
    @JsonProperty("timings_ms") TimingsJson timings,
    String notice)
    implements Result {
  public FindingsJson {
    findings = List.copyOf(findings);
  }

  /** The findings of a film. */
  public static FindingsJson of(
      ImageJson image, ModelJson model, GuardJson guard, Findings findings, TimingsJson timings) {
    return new FindingsJson(
        image, model, guard, FindingJson.of(findings), timings, Notice.RESEARCH_USE);
  }
}
