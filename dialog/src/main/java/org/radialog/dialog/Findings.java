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
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingsList;
import org.radialog.published.ModelConfig;
import org.radialog.published.Performance;

/**
 * The states of the 14 findings of a film: those of the classifier, or those set by the user, and
 * the states that follow from them. A list that is shown never contradicts itself: docs/findings.md
 * has the rules.
 *
 * @param all one assessment per finding, in column order
 */
public record Findings(List<Assessment> all) {
  /** The state of a finding; earlier constants are more certain. */
  public enum State {
    PRESENT("present"),
    /** Possible: neither present nor absent. */
    UNCERTAIN("uncertain"),
    ABSENT("absent"),
    /**
     * The model was not trained on this label, or it tells too little about it, and the user did
     * not set it; not the same as absent.
     */
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
   * What the assessment of a finding by the classifier rests on.
   *
   * @param evidence whether the model assesses the finding, and if not, why
   * @param performance how often it was right about it; empty if this is not known, or it does not
   *     assess it
   */
  public record Grounds(ModelConfig.Evidence evidence, Optional<Performance> performance) {
    /** Grounds of which only the evidence is known. */
    public static Grounds of(ModelConfig.Evidence evidence) {
      return new Grounds(evidence, Optional.empty());
    }

    /** What a model says of its own classifier. */
    static Grounds of(ModelConfig.Classifier classifier, Finding finding) {
      return new Grounds(
          classifier.evidence(finding.label()), classifier.performance(finding.label()));
    }
  }

  /**
   * The assessment of one finding.
   *
   * @param finding the finding
   * @param state its state
   * @param grounds what it rests on
   * @param probability the probability of the classifier, from 0 to 1; empty if the model does not
   *     assess the finding
   * @param threshold present above this probability; empty if {@code probability} is
   * @param uncertainAbove uncertain above this probability and up to {@code threshold}; empty if
   *     the model has one operating point for the label, which the classifier then never calls
   *     uncertain
   * @param edited whether the user set the state
   * @param implied whether the state follows from other findings, against the classifier
   */
  public record Assessment(
      Finding finding,
      State state,
      Grounds grounds,
      OptionalDouble probability,
      OptionalDouble threshold,
      OptionalDouble uncertainAbove,
      boolean edited,
      boolean implied) {
    /**
     * The assessment of the classifier.
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
          Grounds.of(ModelConfig.Evidence.TRAINED),
          OptionalDouble.of(probability),
          OptionalDouble.of(threshold),
          uncertainAbove,
          false,
          false);
    }

    /** A finding that the model does not assess, because it was not trained on the label. */
    public static Assessment unknown(Finding finding) {
      return new Assessment(
          finding,
          State.NOT_ASSESSED,
          Grounds.of(ModelConfig.Evidence.UNTRAINED),
          OptionalDouble.empty(),
          OptionalDouble.empty(),
          OptionalDouble.empty(),
          false,
          false);
    }

    /** The same on other grounds. */
    Assessment on(Grounds other) {
      return new Assessment(
          finding, state, other, probability, threshold, uncertainAbove, edited, implied);
    }

    private Assessment with(State changed, boolean byUser) {
      return new Assessment(
          finding, changed, grounds, probability, threshold, uncertainAbove, byUser, !byUser);
    }
  }

  public Findings {
    all = List.copyOf(all);
    if (!all.stream().map(Assessment::finding).toList().equals(Finding.ALL)) {
      throw new IllegalArgumentException(
          "expected one assessment for each of the 14 findings in column order, found " + all);
    }
  }

  /** All assessments for people: by state, the most certain first, then by probability. */
  public List<Assessment> ordered() {
    return all.stream()
        .sorted(
            Comparator.comparing(Assessment::state)
                .thenComparingDouble(a -> -a.probability().orElse(0)))
        .toList();
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

  /** The present findings in column order. */
  public Set<Finding> present() {
    return in(State.PRESENT);
  }

  /** The uncertain findings in column order. */
  public Set<Finding> uncertain() {
    return in(State.UNCERTAIN);
  }

  /** The present and the uncertain findings, for comparison with a report. */
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

  /**
   * These findings with the user's states instead of the classifier's, without the states that
   * follow from them.
   */
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
   * These findings without contradictions. The user's states always apply; for the others
   *
   * <ol>
   *   <li>if the user set No Finding, only Support Devices may also be present or uncertain;
   *   <li>a finding is never more certain than the user's state of one of its ancestors (CheXpert's
   *       hierarchy, {@link Finding#parent}): it is absent if the ancestor was removed, and at most
   *       uncertain if the ancestor was set to uncertain;
   *   <li>the ancestors of a present finding are present and those of an uncertain finding are at
   *       least uncertain, if the model assesses them;
   *   <li>No Finding is absent if any finding other than Support Devices is present, otherwise
   *       uncertain if any is uncertain, otherwise present, if the model assesses it.
   * </ol>
   *
   * A state that these rules changed from the classifier's is marked as implied.
   *
   * @throws RadialogException if the user removed No Finding and no finding is present or uncertain
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
        for (Finding ancestor : finding.ancestors()) {
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
          "No Finding was removed, but no other finding is present on this film; add the"
              + " finding that is present, for example +Edema");
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

  // The least certain state that the user gave to any ancestor of the finding.
  private State atMost(Finding finding) {
    return finding.ancestors().stream()
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
}
