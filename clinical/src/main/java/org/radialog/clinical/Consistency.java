package org.radialog.clinical;

import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * Whether a report says what a list of findings says.
 *
 * @param unstated on the list, and the report does not state them
 * @param contradicting not on the list, and the report states them
 * @param assessed the findings that were compared
 */
public record Consistency(
    Set<Finding> unstated, Set<Finding> contradicting, Set<Finding> assessed) {

  public Consistency {
    unstated = ordered(unstated);
    contradicting = ordered(contradicting);
    assessed = ordered(assessed);
  }

  /**
   * Compares {@code report} with the findings {@code present}, over {@code assessed}. A finding
   * that is absent from the list may be denied or left out; one that is left uncertain is not
   * stated.
   */
  public static Consistency of(
      Labels report, Collection<Finding> present, Collection<Finding> assessed) {
    var unstated = EnumSet.noneOf(Finding.class);
    var contradicting = EnumSet.noneOf(Finding.class);
    for (Finding finding : assessed) {
      boolean stated = report.state(finding) == FindingState.PRESENT;
      if (present.contains(finding) && !stated) {
        unstated.add(finding);
      } else if (!present.contains(finding) && stated) {
        contradicting.add(finding);
      }
    }
    return new Consistency(unstated, contradicting, ordered(assessed));
  }

  /** Nothing differs. */
  public boolean holds() {
    return unstated.isEmpty() && contradicting.isEmpty();
  }

  /** Findings on which the report and the list agree. */
  public int agreeing() {
    return assessed.size() - unstated.size() - contradicting.size();
  }

  private static Set<Finding> ordered(Collection<Finding> findings) {
    var set = EnumSet.noneOf(Finding.class);
    set.addAll(findings);
    return Collections.unmodifiableSet(set);
  }
}
