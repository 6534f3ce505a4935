package org.radialog.metrics;

import java.util.List;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * A generated text beside what it is measured against.
 *
 * @param id names the pair in messages and tables
 * @param references one text or several, any of which would have been right
 * @param hypothesis the generated text; it may be empty
 */
public record TextPair(String id, List<String> references, String hypothesis) {
  /** Copies the list of references. */
  public TextPair {
    references = List.copyOf(references);
    if (references.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "text pair "
              + id
              + ": expected at least one reference, found none; give each hypothesis its"
              + " reference");
    }
  }
}
