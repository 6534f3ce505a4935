package org.radialog.clinical;

import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * The findings that a prompt names and that a report is compared with.
 *
 * @param present in column order
 * @param uncertain possible findings, neither present nor absent; in column order
 */
public record FindingsList(Set<Finding> present, Set<Finding> uncertain) {
  /**
   * Copies the sets.
   *
   * @throws IllegalArgumentException if a finding is in both
   */
  public FindingsList {
    present = ordered(present);
    uncertain = ordered(uncertain);
    if (!Collections.disjoint(present, uncertain)) {
      throw new IllegalArgumentException(
          "a finding cannot be present and uncertain: " + present + ", " + uncertain);
    }
  }

  /** A list without uncertain findings. */
  public static FindingsList of(Collection<Finding> present) {
    return new FindingsList(ordered(present), Set.of());
  }

  private static Set<Finding> ordered(Collection<Finding> findings) {
    EnumSet<Finding> set = EnumSet.noneOf(Finding.class);
    set.addAll(findings);
    return Collections.unmodifiableSet(set);
  }
}
