package org.radialog.dialog;

import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;

/**
 * What a user knows better: findings that are there and findings that are not.
 *
 * @param added in column order
 * @param removed in column order, none of them added
 */
public record Correction(Set<Finding> added, Set<Finding> removed) {
  /**
   * Checks that it does not contradict itself.
   *
   * @throws RadialogException if a finding is added and removed, or No Finding added beside one
   */
  public Correction {
    added = ordered(added, "added");
    removed = ordered(removed, "removed");
    for (Finding finding : added) {
      if (removed.contains(finding)) {
        throw new RadialogException(
            Kind.BAD_INPUT,
            finding.label() + " is both added and removed; expected one of the two");
      }
      if (added.contains(Finding.NO_FINDING)
          && finding != Finding.NO_FINDING
          && finding != Finding.SUPPORT_DEVICES) {
        throw new RadialogException(
            Kind.BAD_INPUT,
            "No Finding is added beside "
                + finding.label()
                + "; expected one of the two, since No Finding says that nothing is there");
      }
    }
  }

  /** Whether it says nothing. */
  boolean isEmpty() {
    return added.isEmpty() && removed.isEmpty();
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
    there.removeIf(
        finding -> Findings.ancestors(finding).stream().anyMatch(later.removed::contains));
    if (later.added.contains(Finding.NO_FINDING)) {
      there.retainAll(EnumSet.of(Finding.SUPPORT_DEVICES));
    } else if (later.added.stream().anyMatch(finding -> finding != Finding.SUPPORT_DEVICES)) {
      there.remove(Finding.NO_FINDING);
    }
    there.addAll(later.added);
    EnumSet<Finding> gone = EnumSet.noneOf(Finding.class);
    gone.addAll(removed);
    gone.removeAll(later.added);
    later.added.forEach(finding -> gone.removeAll(Findings.ancestors(finding)));
    gone.addAll(later.removed);
    return new Correction(there, gone);
  }

  /**
   * Refuses a finding that is added while what it is a kind of is removed.
   *
   * @throws RadialogException if there is one
   */
  void requireTree() {
    for (Finding finding : added) {
      for (Finding ancestor : Findings.ancestors(finding)) {
        if (removed.contains(ancestor)) {
          throw new RadialogException(
              Kind.BAD_INPUT,
              finding.label()
                  + " is added and "
                  + ancestor.label()
                  + " removed, of which it is a kind; expected one of the two");
        }
      }
    }
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
