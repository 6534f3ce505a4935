package org.radialog.dialog;

import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;

/**
 * What a user knows better: findings that are there, findings that are not, and findings that are
 * to be left open.
 *
 * @param added in column order
 * @param removed in column order, none of them added
 * @param uncertain in column order, none of them added or removed
 */
public record Correction(Set<Finding> added, Set<Finding> removed, Set<Finding> uncertain) {
  /** The correction that says nothing. */
  static final Correction NONE = new Correction(Set.of(), Set.of(), Set.of());

  /**
   * Checks that it does not contradict itself.
   *
   * @throws RadialogException if a finding is in two of the sets, if No Finding is added beside one
   *     that is added or uncertain, or if No Finding itself is uncertain
   */
  public Correction {
    added = ordered(added, "added");
    removed = ordered(removed, "removed");
    uncertain = ordered(uncertain, "uncertain");
    for (Finding finding : added) {
      requireNotIn(removed, finding, "added and removed");
      requireNotIn(uncertain, finding, "added and uncertain");
      requireNotBesideNoFinding(added, finding, "added");
    }
    for (Finding finding : uncertain) {
      requireNotIn(removed, finding, "removed and uncertain");
      requireNotBesideNoFinding(added, finding, "uncertain");
    }
    if (uncertain.contains(Finding.NO_FINDING)) {
      throw new RadialogException(
          Kind.BAD_INPUT,
          "No Finding follows from the other findings and cannot itself be set as uncertain; name"
              + " the finding that is uncertain, for example ?Edema");
    }
  }

  private static void requireNotIn(Set<Finding> others, Finding finding, String both) {
    if (others.contains(finding)) {
      throw new RadialogException(
          Kind.BAD_INPUT, finding.label() + " is both " + both + "; expected one of the two");
    }
  }

  private static void requireNotBesideNoFinding(Set<Finding> added, Finding finding, String as) {
    if (added.contains(Finding.NO_FINDING)
        && finding != Finding.NO_FINDING
        && finding != Finding.SUPPORT_DEVICES) {
      throw new RadialogException(
          Kind.BAD_INPUT,
          "No Finding is added beside "
              + finding.label()
              + (as.equals("added") ? "" : ", which is " + as)
              + "; expected one of the two, since No Finding says that nothing is there");
    }
  }

  /** Whether it says nothing. */
  boolean isEmpty() {
    return equals(NONE);
  }

  /** These findings are there. */
  public static Correction add(Finding... findings) {
    return new Correction(ordered(listed(findings), "findings"), Set.of(), Set.of());
  }

  /** These findings are not there. */
  public static Correction without(Finding... findings) {
    return new Correction(Set.of(), ordered(listed(findings), "findings"), Set.of());
  }

  /** These findings may be there. */
  public static Correction possible(Finding... findings) {
    return new Correction(Set.of(), Set.of(), ordered(listed(findings), "findings"));
  }

  /** This, and these findings are not there. */
  public Correction remove(Finding... findings) {
    return new Correction(added, both(removed, findings), uncertain);
  }

  /** This, and these findings may be there. */
  public Correction leaveOpen(Finding... findings) {
    return new Correction(added, removed, both(uncertain, findings));
  }

  /**
   * {@code findings} with this in place of the classifier's word, and what follows from it.
   *
   * @throws RadialogException if this takes No Finding away and no finding is then present or
   *     uncertain
   */
  public Findings of(Findings findings) {
    return in(Objects.requireNonNull(findings, "findings")).settled();
  }

  /** {@code findings} with this in place of the classifier's word, whatever follows from it. */
  Findings in(Findings findings) {
    Map<Finding, Findings.State> words = new EnumMap<>(Finding.class);
    for (Finding finding : Finding.ALL) {
      word(finding).ifPresent(word -> words.put(finding, word));
    }
    return findings.edited(words);
  }

  /** What it says of {@code finding}, if anything. */
  Optional<Findings.State> word(Finding finding) {
    if (added.contains(finding)) {
      return Optional.of(Findings.State.PRESENT);
    }
    if (uncertain.contains(finding)) {
      return Optional.of(Findings.State.UNCERTAIN);
    }
    return removed.contains(finding) ? Optional.of(Findings.State.ABSENT) : Optional.empty();
  }

  /** This and then {@code later}, which wins where they differ. */
  Correction and(Correction later) {
    Map<Finding, Findings.State> words = new EnumMap<>(Finding.class);
    for (Finding finding : Finding.ALL) {
      later
          .word(finding)
          .or(() -> word(finding).filter(word -> !later.contradicts(finding, word)))
          .ifPresent(word -> words.put(finding, word));
    }
    return new Correction(
        in(words, Findings.State.PRESENT),
        in(words, Findings.State.ABSENT),
        in(words, Findings.State.UNCERTAIN));
  }

  /** Whether this says of other findings what leaves no room for {@code word} on this one. */
  private boolean contradicts(Finding finding, Findings.State word) {
    boolean aKindOfLess =
        Findings.ancestors(finding).stream()
            .flatMap(ancestor -> word(ancestor).stream())
            .anyMatch(word::saysMoreThan);
    boolean impliedByMore =
        Finding.ALL.stream()
            .filter(kind -> Findings.ancestors(kind).contains(finding))
            .flatMap(kind -> word(kind).stream())
            .anyMatch(kind -> kind.saysMoreThan(word));
    return aKindOfLess || impliedByMore || againstNoFinding(finding, word);
  }

  private boolean againstNoFinding(Finding finding, Findings.State word) {
    if (finding == Finding.NO_FINDING) {
      return word == Findings.State.PRESENT
          && Finding.ALL.stream()
              .filter(Findings::isAbnormal)
              .flatMap(other -> word(other).stream())
              .anyMatch(Findings::isThere);
    }
    return added.contains(Finding.NO_FINDING)
        && Findings.isAbnormal(finding)
        && Findings.isThere(word);
  }

  /**
   * Refuses a word that says more of a finding than of what it is a kind of.
   *
   * @throws RadialogException if there is one
   */
  void requireTree() {
    for (Finding finding : Finding.ALL) {
      for (Finding ancestor : Findings.ancestors(finding)) {
        Optional<Findings.State> word = word(finding);
        Optional<Findings.State> above = word(ancestor);
        if (word.isPresent() && above.isPresent() && word.get().saysMoreThan(above.get())) {
          throw new RadialogException(
              Kind.BAD_INPUT,
              finding.label()
                  + " is "
                  + done(word.get())
                  + " and "
                  + ancestor.label()
                  + " "
                  + done(above.get())
                  + ", of which it is a kind; expected one of the two");
        }
      }
    }
  }

  private static String done(Findings.State word) {
    return switch (word) {
      case PRESENT -> "added";
      case UNCERTAIN -> "uncertain";
      case ABSENT, NOT_ASSESSED -> "removed";
    };
  }

  private static Set<Finding> in(Map<Finding, Findings.State> words, Findings.State state) {
    EnumSet<Finding> set = EnumSet.noneOf(Finding.class);
    words.forEach((finding, word) -> {
      if (word == state) {
        set.add(finding);
      }
    });
    return set;
  }

  private static Set<Finding> both(Set<Finding> some, Finding... more) {
    EnumSet<Finding> all = EnumSet.noneOf(Finding.class);
    all.addAll(some);
    all.addAll(ordered(listed(more), "findings"));
    return all;
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
