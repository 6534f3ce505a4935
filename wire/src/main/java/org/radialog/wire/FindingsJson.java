package org.radialog.wire;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.radialog.dialog.Findings;

/**
 * An image with its findings alone.
 *
 * @param image the film
 * @param model whose classifier it was
 * @param guard what the checks of the film said
 * @param findings one per label in column order
 * @param timings without those of a text
 * @param notice stands on every output
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
