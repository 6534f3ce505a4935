package org.radialog.wire;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Arrays;
import java.util.List;
import org.radialog.dialog.Guidance;

/**
 * Where guidance stepped in while texts were written.
 *
 * @param again how often a part of them was written again
 * @param leftOut sentences that were left out because no other way was found
 */
public record GuidanceJson(int again, @JsonProperty("left_out") List<String> leftOut) {
  /** Copies the list. */
  public GuidanceJson {
    leftOut = List.copyOf(leftOut);
  }

  public static GuidanceJson of(Guidance... texts) {
    return new GuidanceJson(
        Arrays.stream(texts).mapToInt(Guidance::again).sum(),
        Arrays.stream(texts).flatMap(text -> text.leftOut().stream()).toList());
  }
}
