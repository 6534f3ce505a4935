package org.radialog.dialog;

import java.util.ArrayList;
import java.util.Collections;
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

/**
 * What is assumed about each of the 14 findings of a film: the classifier's word, or the user's
 * where it was edited, and what follows from them. A list that is shown never contradicts itself:
 * docs/findings.md has its rules.
 *
 * @param all one assessment a finding, in column order
 */
public record Findings(List<Assessment> all) {
  /** What is assumed about a finding. */
  public enum State {
    PRESENT("present"),
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
  }

  /**
   * One finding.
   *
   * @param probability the classifier's; empty where it was never taught the label
   * @param threshold present above it; empty with the probability
   * @param edited whether the user set the state
   * @param implied whether the state follows from other findings, against the classifier's word
   */
  public record Assessment(
      Finding finding,
      State state,
      OptionalDouble probability,
      OptionalDouble threshold,
      boolean edited,
      boolean implied) {
    private Assessment byUser(State word) {
      return new Assessment(finding, word, probability, threshold, true, false);
    }

    private Assessment implied(State consequence) {
      return new Assessment(finding, consequence, probability, threshold, false, true);
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
    EnumSet<Finding> present = EnumSet.noneOf(Finding.class);
    for (Assessment a : all) {
      if (a.state() == State.PRESENT) {
        present.add(a.finding());
      }
    }
    return Collections.unmodifiableSet(present);
  }

  /** These with the user's word in place of the classifier's, and what follows from it. */
  public Findings with(Correction correction) {
    return edited(Objects.requireNonNull(correction, "correction")).settled();
  }

  /** These with the user's word in place of the classifier's, whatever follows from it. */
  Findings edited(Correction correction) {
    List<Assessment> edited = new ArrayList<>();
    for (Assessment a : all) {
      if (correction.added().contains(a.finding())) {
        edited.add(a.byUser(State.PRESENT));
      } else if (correction.removed().contains(a.finding())) {
        edited.add(a.byUser(State.ABSENT));
      } else {
        edited.add(a);
      }
    }
    return new Findings(edited);
  }

  /**
   * These without contradictions. The user's word stands; of the others
   *
   * <ol>
   *   <li>nothing but Support Devices is present beside a No Finding of the user's;
   *   <li>what is a kind of a finding that the user took away is absent (CheXpert's tree, {@link
   *       Finding#parent});
   *   <li>what a present finding is a kind of is present, where the model assesses it;
   *   <li>No Finding is present where nothing but Support Devices is, and absent otherwise, where
   *       the model assesses it.
   * </ol>
   *
   * A state that so differs from the classifier's word is marked as implied.
   *
   * @throws RadialogException if the user took No Finding away and no finding is present
   */
  Findings settled() {
    EnumMap<Finding, Assessment> settled = new EnumMap<>(Finding.class);
    all.forEach(a -> settled.put(a.finding(), a));
    Assessment none = of(Finding.NO_FINDING);
    boolean nothingThere = none.edited() && none.state() == State.PRESENT;
    for (Assessment a : all) {
      if (a.state() == State.PRESENT && !a.edited() && isAbnormal(a.finding())) {
        if (nothingThere || ancestors(a.finding()).stream().anyMatch(this::takenAway)) {
          settled.put(a.finding(), a.implied(State.ABSENT));
        }
      }
    }
    for (Finding finding : Finding.ALL) {
      if (stateIn(settled, finding) == State.PRESENT) {
        for (Finding ancestor : ancestors(finding)) {
          Assessment a = of(ancestor);
          if (stateIn(settled, ancestor) == State.ABSENT && !a.edited()) {
            settled.put(ancestor, a.implied(State.PRESENT));
          }
        }
      }
    }
    boolean abnormal =
        Finding.ALL.stream().anyMatch(f -> isAbnormal(f) && stateIn(settled, f) == State.PRESENT);
    if (none.edited() && none.state() == State.ABSENT && !abnormal) {
      throw new RadialogException(
          Kind.BAD_INPUT,
          "No Finding was taken away, and no other finding is present on this film; add the one"
              + " that is there, for example +Edema");
    }
    State follows = abnormal ? State.ABSENT : State.PRESENT;
    if (none.state() != State.NOT_ASSESSED && none.state() != follows) {
      settled.put(Finding.NO_FINDING, none.implied(follows));
    }
    return new Findings(List.copyOf(settled.values()));
  }

  private boolean takenAway(Finding finding) {
    return of(finding).edited() && state(finding) == State.ABSENT;
  }

  private static State stateIn(Map<Finding, Assessment> assessments, Finding finding) {
    return Objects.requireNonNull(assessments.get(finding)).state();
  }

  private static boolean isAbnormal(Finding finding) {
    return finding != Finding.NO_FINDING && finding != Finding.SUPPORT_DEVICES;
  }

  /** What {@code finding} is a kind of, the nearest first. */
  static List<Finding> ancestors(Finding finding) {
    return Stream.iterate(finding.parent(), Optional::isPresent, p -> p.flatMap(Finding::parent))
        .flatMap(Optional::stream)
        .toList();
  }
}
