package org.radialog.dialog;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.Set;
import org.radialog.clinical.Finding;

/**
 * What is assumed about each of the 14 findings of a film: the classifier's word, or the user's
 * where it was edited.
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
   */
  public record Assessment(
      Finding finding,
      State state,
      OptionalDouble probability,
      OptionalDouble threshold,
      boolean edited) {}

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

  /**
   * These with the user's word in place of the classifier's. Adding a finding other than Support
   * Devices takes No Finding away.
   */
  public Findings with(Correction correction) {
    Objects.requireNonNull(correction, "correction");
    boolean abnormal =
        correction.added().stream()
            .anyMatch(f -> f != Finding.NO_FINDING && f != Finding.SUPPORT_DEVICES);
    List<Assessment> edited = new ArrayList<>();
    for (Assessment a : all) {
      Finding f = a.finding();
      if (correction.added().contains(f)) {
        edited.add(new Assessment(f, State.PRESENT, a.probability(), a.threshold(), true));
      } else if (correction.removed().contains(f)
          || (f == Finding.NO_FINDING && abnormal && a.state() == State.PRESENT)) {
        edited.add(new Assessment(f, State.ABSENT, a.probability(), a.threshold(), true));
      } else {
        edited.add(a);
      }
    }
    return new Findings(edited);
  }
}
