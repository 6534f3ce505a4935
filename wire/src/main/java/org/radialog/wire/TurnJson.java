package org.radialog.wire;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.radialog.dialog.Reply;

/**
 * One turn of a dialog.
 *
 * @param question as it was asked
 * @param answer as the language model wrote it
 * @param warnings the inconsistencies of the answer
 * @param guidance where guidance stepped in
 * @param usage the tokens of the turn
 * @param timings of the turn
 * @param notice printed on every output
 */
public record TurnJson(
    String question,
    String answer,
    List<WarningJson> warnings,
    GuidanceJson guidance,
    UsageJson usage,
    @JsonProperty("timings_ms") TimingsJson timings,
    String notice)
    implements Result {
  public TurnJson {
    warnings = List.copyOf(warnings);
  }

  /** The JSON of a question and its answer. */
  public static TurnJson of(Reply reply, TimingsJson timings) {
    return new TurnJson(
        reply.question(),
        reply.text(),
        WarningJson.of(reply),
        GuidanceJson.of(reply.guidance()),
        UsageJson.of(reply.usage()),
        timings,
        Notice.RESEARCH_USE);
  }
}
