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
 * A user's correction: findings that are present, absent or uncertain.
 *
 * @param added in column order
 * @param removed in column order, disjoint from {@code added}
 * @param uncertain in column order, disjoint from the other two
 */
public record Correction(Set<Finding> added, Set<Finding> removed, Set<Finding> uncertain) {
  /** An empty correction. */
  static final Correction NONE = new Correction(Set.of(), Set.of(), Set.of());

  /**
   * Checks that it does not contradict itself.
   *
   * @throws RadialogException if a finding is in two of the sets, if No Finding is added together
   *     with a finding that is added or uncertain, or if No Finding itself is uncertain
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
          "No Finding is added together with "
              + finding.label()
              + (as.equals("added") ? "" : ", which is " + as)
              + "; expected one of the two, because No Finding means that there is no other"
              + " finding");
    }
  }

  /** Whether it is empty. */
  boolean isEmpty() {
    return equals(NONE);
  }

  /** A correction that adds these findings as present. */
  public static Correction add(Finding... findings) {
    return new Correction(ordered(listed(findings), "findings"), Set.of(), Set.of());
  }

  /** A correction that removes these findings. */
  public static Correction without(Finding... findings) {
    return new Correction(Set.of(), ordered(listed(findings), "findings"), Set.of());
  }

  /** A correction that makes these findings uncertain. */
  public static Correction possible(Finding... findings) {
    return new Correction(Set.of(), Set.of(), ordered(listed(findings), "findings"));
  }

  /** This correction that also removes these findings. */
  public Correction remove(Finding... findings) {
    return new Correction(added, both(removed, findings), uncertain);
  }

  /** This correction that also makes these findings uncertain. */
  public Correction leaveOpen(Finding... findings) {
    return new Correction(added, removed, both(uncertain, findings));
  }

  /**
   * {@code findings} with the states of this correction in place of the classifier's, and with the
   * states that follow from them.
   *
   * @throws RadialogException if this correction removes No Finding and no finding is then present
   *     or uncertain
   */
  public Findings of(Findings findings) {
    return in(Objects.requireNonNull(findings, "findings")).settled();
  }

  /**
   * {@code findings} with the states of this correction in place of the classifier's; the states
   * that follow from them are not yet set.
   */
  Findings in(Findings findings) {
    Map<Finding, Findings.State> words = new EnumMap<>(Finding.class);
    for (Finding finding : Finding.ALL) {
      word(finding).ifPresent(word -> words.put(finding, word));
    }
    return findings.edited(words);
  }

  /** The state that it gives to {@code finding}, if any. */
  Optional<Findings.State> word(Finding finding) {
    if (added.contains(finding)) {
      return Optional.of(Findings.State.PRESENT);
    }
    if (uncertain.contains(finding)) {
      return Optional.of(Findings.State.UNCERTAIN);
    }
    return removed.contains(finding) ? Optional.of(Findings.State.ABSENT) : Optional.empty();
  }

  /** This correction followed by {@code later}, which takes precedence. */
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

  /**
   * Whether the states of other findings in this correction exclude {@code word} for this finding.
   */
  private boolean contradicts(Finding finding, Findings.State word) {
    boolean aKindOfLess =
        finding.ancestors().stream()
            .flatMap(ancestor -> word(ancestor).stream())
            .anyMatch(word::saysMoreThan);
    boolean impliedByMore =
        Finding.ALL.stream()
            .filter(kind -> kind.ancestors().contains(finding))
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
   * Refuses a correction that makes a finding more certain than one of its ancestors.
   *
   * @throws RadialogException if there is such a finding
   */
  void requireTree() {
    for (Finding finding : Finding.ALL) {
      for (Finding ancestor : finding.ancestors()) {
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
                  + ", which is its ancestor; expected one of the two");
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
