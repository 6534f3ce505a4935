package org.radialog.dialog;

import java.util.Optional;

/**
 * Restricts the text of an answer, for example to JSON of a schema. Before a token is accepted, its
 * text must be allowed to follow the text so far; the answer may end only where the text is whole.
 * If the remaining tokens are just enough, the shortest ending is written.
 */
public interface TextConstraint {
  /** The place before any text. */
  Place start();

  /** A place in a text; immutable. */
  interface Place {
    /**
     * The place after some text, or empty if it may not follow here.
     *
     * @param text at least one character
     */
    Optional<Place> after(String text);

    /** Whether the text may end here. */
    boolean whole();

    /** The shortest text that makes it whole; empty if it is. */
    String ending();
  }
}
