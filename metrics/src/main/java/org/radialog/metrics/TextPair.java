package org.radialog.metrics;

import java.util.List;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * A generated text and its references.
 *
 * @param id the name in messages and tables
 * @param references one or several correct texts
 * @param hypothesis the generated text, which may be empty
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
