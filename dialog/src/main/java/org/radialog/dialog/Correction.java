package org.radialog.dialog;

import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;

/**
 * What a user knows better: findings that are there and findings that are not.
 *
 * @param added in column order
 * @param removed in column order, none of them added
 */
public record Correction(Set<Finding> added, Set<Finding> removed) {
  /**
   * Checks that nothing is both.
   *
   * @throws RadialogException if a finding is added and removed
   */
  public Correction {
    added = ordered(added, "added");
    removed = ordered(removed, "removed");
    for (Finding finding : added) {
      if (removed.contains(finding)) {
        throw new RadialogException(
            finding.label() + " is both added and removed; expected one of the two");
      }
    }
  }

  /** These findings are there. */
  public static Correction add(Finding... findings) {
    return new Correction(ordered(listed(findings), "findings"), Set.of());
  }

  /** These findings are not there. */
  public static Correction without(Finding... findings) {
    return new Correction(Set.of(), ordered(listed(findings), "findings"));
  }

  /** This, and these findings are not there. */
  public Correction remove(Finding... findings) {
    EnumSet<Finding> all = EnumSet.noneOf(Finding.class);
    all.addAll(removed);
    all.addAll(ordered(listed(findings), "findings"));
    return new Correction(added, all);
  }

  /** This and then {@code later}, which wins where they differ. */
  Correction and(Correction later) {
    EnumSet<Finding> there = EnumSet.noneOf(Finding.class);
    there.addAll(added);
    there.removeAll(later.removed);
    there.addAll(later.added);
    EnumSet<Finding> gone = EnumSet.noneOf(Finding.class);
    gone.addAll(removed);
    gone.removeAll(later.added);
    gone.addAll(later.removed);
    return new Correction(there, gone);
  }

  private static List<Finding> listed(Finding... findings) {
    return Arrays.asList(Objects.requireNonNull(findings, "findings"));
  }

  private static Set<Finding> ordered(Collection<Finding> findings, String name) {
    EnumSet<Finding> set = EnumSet.noneOf(Finding.class);
    for (Finding finding : Objects.requireNonNull(findings, name)) {
      set.add(Objects.requireNonNull(finding, name));
    }
    return Collections.unmodifiableSet(set);
  }
}
