package org.radialog.dialog;

import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Stream;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingsList;

/**
 * What is assumed about each of the 14 findings of a film: the classifier's word, or the user's
 * where it was edited, and what follows from them. A list that is shown never contradicts itself:
 * docs/findings.md has its rules.
 *
 * @param all one assessment a finding, in column order
 */
public record Findings(List<Assessment> all) {
  /** What is assumed about a finding; the earlier constant says more of it. */
  public enum State {
    PRESENT("present"),
    /** Possible: neither present nor absent. */
    UNCERTAIN("uncertain"),
    ABSENT("absent"),
    /** The model was never taught this label and nobody said anything: not the same as absent. */
    NOT_ASSESSED("not_assessed");

    private final String label;

    State(String label) {
      this.label = label;
    }

    /** The name in JSON. */
    public String label() {
      return label;
    }

    boolean saysMoreThan(State other) {
      return compareTo(other) < 0;
    }
  }

  /**
   * One finding.
   *
   * @param probability the classifier's; empty where it was never taught the label
   * @param threshold present above it; empty with the probability
   * @param uncertainAbove uncertain above it and up to {@code threshold}; empty where the model has
   *     one operating point for the label, which then is never uncertain by the classifier
   * @param edited whether the user set the state
   * @param implied whether the state follows from other findings, against the classifier's word
   */
  public record Assessment(
      Finding finding,
      State state,
      OptionalDouble probability,
      OptionalDouble threshold,
      OptionalDouble uncertainAbove,
      boolean edited,
      boolean implied) {
    /**
     * The classifier's word.
     *
     * @throws IllegalArgumentException if {@code uncertainAbove} is above {@code threshold}
     */
    public static Assessment of(
        Finding finding, double probability, double threshold, OptionalDouble uncertainAbove) {
      if (uncertainAbove.orElse(threshold) > threshold) {
        throw new IllegalArgumentException(
            finding
                + " is uncertain above "
                + uncertainAbove.getAsDouble()
                + ", expected at most the threshold "
                + threshold
                + " of its presence");
      }
      State state = State.ABSENT;
      if (probability > threshold) {
        state = State.PRESENT;
      } else if (uncertainAbove.isPresent() && probability > uncertainAbove.getAsDouble()) {
        state = State.UNCERTAIN;
      }
      return new Assessment(
          finding,
          state,
          OptionalDouble.of(probability),
          OptionalDouble.of(threshold),
          uncertainAbove,
          false,
          false);
    }

    /** A label that the classifier was never taught. */
    public static Assessment unknown(Finding finding) {
      return new Assessment(
          finding,
          State.NOT_ASSESSED,
          OptionalDouble.empty(),
          OptionalDouble.empty(),
          OptionalDouble.empty(),
          false,
          false);
    }

    private Assessment with(State changed, boolean byUser) {
      return new Assessment(
          finding, changed, probability, threshold, uncertainAbove, byUser, !byUser);
    }
  }

  public Findings {
    all = List.copyOf(all);
    if (!all.stream().map(Assessment::finding).toList().equals(Finding.ALL)) {
      throw new IllegalArgumentException(
          "expected one assessment for each of the 14 findings in column order, found " + all);
    }
  }

  /** The assessment of {@code finding}. */
  public Assessment of(Finding finding) {
    Objects.requireNonNull(finding, "finding");
    return all.get(Finding.ALL.indexOf(finding));
  }

  /** The state of {@code finding}. */
  public State state(Finding finding) {
    Objects.requireNonNull(finding, "finding");
    return of(finding).state();
  }

  /** The present ones in column order. */
  public Set<Finding> present() {
    return in(State.PRESENT);
  }

  /** The uncertain ones in column order. */
  public Set<Finding> uncertain() {
    return in(State.UNCERTAIN);
  }

  /** The present and the uncertain ones, as a report is held against them. */
  FindingsList list() {
    return new FindingsList(present(), uncertain());
  }

  private Set<Finding> in(State state) {
    EnumSet<Finding> found = EnumSet.noneOf(Finding.class);
    for (Assessment a : all) {
      if (a.state() == state) {
        found.add(a.finding());
      }
    }
    return Collections.unmodifiableSet(found);
  }

  /** These with the user's word in place of the classifier's, whatever follows from it. */
  Findings edited(Map<Finding, State> words) {
    return new Findings(
        all.stream()
            .map(a ->
                Optional.ofNullable(words.get(a.finding()))
                    .map(word -> a.with(word, true))
                    .orElse(a))
            .toList());
  }

  /**
   * These without contradictions. The user's word stands; of the others
   *
   * <ol>
   *   <li>nothing but Support Devices is present or uncertain beside a No Finding of the user's;
   *   <li>no finding says more than the user's word on what it is a kind of (CheXpert's tree,
   *       {@link Finding#parent}): it is absent under one that was taken away, and at most
   *       uncertain under one that was left open;
   *   <li>what a present finding is a kind of is present, and what an uncertain one is a kind of at
   *       least uncertain, where the model assesses it;
   *   <li>No Finding is absent where anything but Support Devices is present, else uncertain where
   *       anything but Support Devices is uncertain, else present, where the model assesses it.
   * </ol>
   *
   * A state that so differs from the classifier's word is marked as implied.
   *
   * @throws RadialogException if the user took No Finding away and no finding is present or
   *     uncertain
   */
  Findings settled() {
    EnumMap<Finding, Assessment> settled = new EnumMap<>(Finding.class);
    all.forEach(a -> settled.put(a.finding(), a));
    Assessment none = of(Finding.NO_FINDING);
    boolean nothingThere = none.edited() && none.state() == State.PRESENT;
    for (Assessment a : all) {
      if (isThere(a.state()) && !a.edited() && isAbnormal(a.finding())) {
        State most = nothingThere ? State.ABSENT : atMost(a.finding());
        if (a.state().saysMoreThan(most)) {
          settled.put(a.finding(), a.with(most, false));
        }
      }
    }
    for (Finding finding : Finding.ALL) {
      State state = stateIn(settled, finding);
      if (isThere(state)) {
        for (Finding ancestor : ancestors(finding)) {
          Assessment a = of(ancestor);
          State now = stateIn(settled, ancestor);
          if (now != State.NOT_ASSESSED && state.saysMoreThan(now) && !a.edited()) {
            settled.put(ancestor, state == a.state() ? a : a.with(state, false));
          }
        }
      }
    }
    State most =
        Finding.ALL.stream()
            .filter(Findings::isAbnormal)
            .map(finding -> stateIn(settled, finding))
            .filter(Findings::isThere)
            .min(Comparator.naturalOrder())
            .orElse(State.ABSENT);
    if (none.edited() && none.state() == State.ABSENT && most == State.ABSENT) {
      throw new RadialogException(
          Kind.BAD_INPUT,
          "No Finding was taken away, and no other finding is present on this film; add the one"
              + " that is there, for example +Edema");
    }
    State follows =
        switch (most) {
          case PRESENT -> State.ABSENT;
          case UNCERTAIN -> State.UNCERTAIN;
          case ABSENT, NOT_ASSESSED -> State.PRESENT;
        };
    if (none.state() != State.NOT_ASSESSED && !none.edited() && none.state() != follows) {
      settled.put(Finding.NO_FINDING, none.with(follows, false));
    }
    return new Findings(List.copyOf(settled.values()));
  }

  // The least that the user said of anything that the finding is a kind of.
  private State atMost(Finding finding) {
    return ancestors(finding).stream()
        .map(this::of)
        .filter(Assessment::edited)
        .map(Assessment::state)
        .max(Comparator.naturalOrder())
        .orElse(State.PRESENT);
  }

  private static State stateIn(Map<Finding, Assessment> assessments, Finding finding) {
    return Objects.requireNonNull(assessments.get(finding)).state();
  }

  static boolean isThere(State state) {
    return switch (state) {
      case PRESENT, UNCERTAIN -> true;
      case ABSENT, NOT_ASSESSED -> false;
    };
  }

  static boolean isAbnormal(Finding finding) {
    return finding != Finding.NO_FINDING && finding != Finding.SUPPORT_DEVICES;
  }

  /** What {@code finding} is a kind of, the nearest first. */
  static List<Finding> ancestors(Finding finding) {
    return Stream.iterate(finding.parent(), Optional::isPresent, p -> p.flatMap(Finding::parent))
        .flatMap(Optional::stream)
        .toList();
  }
}
