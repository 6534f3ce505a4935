package org.radialog.dialog;

import java.util.List;

/**
 * Where guidance stepped in while a text was decoded. A finished sentence that contradicts the
 * findings as the user left them, the text before it, or the report before an answer is decoded
 * again in another way before anybody has seen it.
 *
 * @param again how often a part of the text was decoded again
 * @param leftOut sentences that were left out because no other way was found
 */
public record Guidance(int again, List<String> leftOut) {
  /** It did not step in, or there was none. */
  public static final Guidance NONE = new Guidance(0, List.of());

  /** Whether a text is guided. */
  public enum Wanted {
    /** Guided if the model is one of ours; published weights write as they do in the paper. */
    AS_MODEL,
    /** Guided with any model. */
    ON,
    /** The text as the model writes it. */
    OFF
  }

  /** Copies the list. */
  public Guidance {
    leftOut = List.copyOf(leftOut);
  }

  /** Whether it changed the text. */
  public boolean steppedIn() {
    return again > 0 || !leftOut.isEmpty();
  }
}
