package org.radialog.clinical;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Whether a report says what a list of findings says, whether it agrees with itself, and whether it
 * compares with a film that nobody gave.
 *
 * @param unstated on the list as present and not stated, or as uncertain and not mentioned or
 *     denied
 * @param contradicting stated, and not on the list as present
 * @param assessed the findings that were compared
 * @param warnings one for each thing that does not fit, by kind and then in column order
 */
public record Consistency(
    Set<Finding> unstated,
    Set<Finding> contradicting,
    Set<Finding> assessed,
    List<Warning> warnings) {

  /** What does not fit. */
  public enum Kind {
    /** On the list, and the report denies it. */
    LISTED_AND_DENIED,
    /** On the list, and the report leaves it open or does not speak of it. */
    LISTED_AND_UNSTATED,
    /** On the list as uncertain, and the report denies it. */
    UNCERTAIN_AND_DENIED,
    /** On the list as uncertain, and the report does not speak of it. */
    UNCERTAIN_AND_UNMENTIONED,
    /** On the list as uncertain, and the report states it. */
    UNCERTAIN_AND_STATED,
    /** Stated in the report, and not on the list. */
    STATED_WITHOUT_SUPPORT,
    /** The report states it in one sentence and denies it, without a limit, in another. */
    STATED_AND_DENIED,
    /**
     * An answer or impression states what the report before it denies, or denies what it states.
     */
    AGAINST_REPORT,
    /** The report compares with an earlier film, and none was given. */
    COMPARISON_WITHOUT_PRIOR;

    /** The name in an output for programs, for example {@code stated_and_denied}. */
    public String code() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * One thing that does not fit.
   *
   * @param finding what it is about; empty for a comparison
   * @param sentences the sentences of the report that say so, in text order; empty where the fault
   *     is that none does, and from a labeler that points to no words
   */
  public record Warning(Kind kind, Optional<Finding> finding, List<Labels.Span> sentences) {
    public Warning {
      sentences = List.copyOf(sentences);
    }
  }

  public Consistency {
    unstated = ordered(unstated);
    contradicting = ordered(contradicting);
    assessed = ordered(assessed);
    warnings = List.copyOf(warnings);
  }

  /**
   * Compares {@code report} with the findings {@code listed}, over {@code assessed}. A finding that
   * is not on the list may be denied, left open or left out. One that is present is to be stated,
   * and leaving it open does not state it; one that is uncertain is to be left open, which a kind
   * of it does as well. The report is compared with itself over all findings but Support Devices,
   * of which one may be in place and another gone.
   */
  public static Consistency of(Labels report, FindingsList listed, Collection<Finding> assessed) {
    var unstated = EnumSet.noneOf(Finding.class);
    var contradicting = EnumSet.noneOf(Finding.class);
    Labels implied = report.withParents();
    for (Finding finding : assessed) {
      boolean present = listed.present().contains(finding);
      if (present && !states(report, implied, finding)) {
        unstated.add(finding);
      } else if (!present && report.state(finding) == FindingState.PRESENT) {
        contradicting.add(finding);
      } else if (listed.uncertain().contains(finding) && !leavesOpen(report, implied, finding)) {
        unstated.add(finding);
      }
    }
    var warnings = new ArrayList<Warning>();
    for (Finding finding : unstated) {
      boolean denied = report.state(finding) == FindingState.ABSENT;
      warnings.add(
          warning(
              denied ? denied(listed, finding) : unstated(listed, finding),
              finding,
              report.entry(finding).passages()));
    }
    for (Finding finding : contradicting) {
      warnings.add(warning(stated(listed, finding), finding, report.entry(finding).passages()));
    }
    addStatedAndDenied(report, warnings);
    return new Consistency(unstated, contradicting, ordered(assessed), sorted(warnings));
  }

  /**
   * Compares an answer or an impression with the findings {@code listed}, over {@code assessed},
   * with the report before it and with itself. It need not speak of all: what it does not mention
   * fits, and leaving a finding open fits any list.
   *
   * @param report what the report says that the answer follows, if there is one
   */
  public static Consistency ofAnswer(
      Labels answer, FindingsList listed, Collection<Finding> assessed, Optional<Labels> report) {
    var unstated = EnumSet.noneOf(Finding.class);
    var contradicting = EnumSet.noneOf(Finding.class);
    var warnings = new ArrayList<Warning>();
    for (Finding finding : ordered(assessed)) {
      boolean present = listed.present().contains(finding);
      boolean uncertain = listed.uncertain().contains(finding);
      boolean denied = answer.entry(finding).evidence().stream().anyMatch(Consistency::denies);
      if (!present && answer.state(finding) == FindingState.PRESENT) {
        contradicting.add(finding);
        warnings.add(warning(stated(listed, finding), finding, answer.entry(finding).passages()));
      } else if (denied
          && (present || (uncertain && answer.state(finding) == FindingState.ABSENT))) {
        unstated.add(finding);
        warnings.add(warning(denied(listed, finding), finding, answer.entry(finding).passages()));
      }
    }
    addStatedAndDenied(answer, warnings);
    for (Finding finding : Finding.ALL) {
      if (report.isPresent() && isAgainst(answer.entry(finding), report.get(), finding)) {
        warnings.add(warning(Kind.AGAINST_REPORT, finding, answer.entry(finding).passages()));
      }
    }
    return new Consistency(unstated, contradicting, ordered(assessed), sorted(warnings));
  }

  private static boolean isAgainst(Labels.Entry answer, Labels report, Finding finding) {
    Labels.Entry before = report.entry(finding);
    return finding != Finding.SUPPORT_DEVICES
        && finding != Finding.NO_FINDING
        && ((answer.state() == FindingState.PRESENT
                && before.state() == FindingState.ABSENT
                && before.evidence().stream().anyMatch(Consistency::denies))
            || (answer.state() == FindingState.ABSENT
                && answer.evidence().stream().anyMatch(Consistency::denies)
                && before.state() == FindingState.PRESENT));
  }

  /**
   * A finding is stated in words, or by a finding that is a kind of it, where it is not denied
   * itself.
   */
  private static boolean states(Labels report, Labels withParents, Finding finding) {
    return report.state(finding) == FindingState.PRESENT
        || (report.state(finding) != FindingState.ABSENT
            && withParents.state(finding) == FindingState.PRESENT);
  }

  /** A finding is left open in words, or a kind of it is left open or stated. */
  private static boolean leavesOpen(Labels report, Labels withParents, Finding finding) {
    return report.state(finding) == FindingState.UNCERTAIN
        || (report.state(finding) == FindingState.NOT_MENTIONED
            && withParents.state(finding) != FindingState.NOT_MENTIONED);
  }

  private static Kind denied(FindingsList listed, Finding finding) {
    return listed.uncertain().contains(finding)
        ? Kind.UNCERTAIN_AND_DENIED
        : Kind.LISTED_AND_DENIED;
  }

  private static Kind unstated(FindingsList listed, Finding finding) {
    return listed.uncertain().contains(finding)
        ? Kind.UNCERTAIN_AND_UNMENTIONED
        : Kind.LISTED_AND_UNSTATED;
  }

  private static Kind stated(FindingsList listed, Finding finding) {
    return listed.uncertain().contains(finding)
        ? Kind.UNCERTAIN_AND_STATED
        : Kind.STATED_WITHOUT_SUPPORT;
  }

  private static void addStatedAndDenied(Labels report, List<Warning> warnings) {
    for (Finding finding : Finding.ALL) {
      if (finding != Finding.SUPPORT_DEVICES) {
        List<Labels.Evidence> against =
            report.entry(finding).evidence().stream()
                .filter(e -> e.state() == FindingState.PRESENT || denies(e))
                .toList();
        if (report.state(finding) == FindingState.PRESENT
            && against.stream().anyMatch(Consistency::denies)) {
          warnings.add(
              warning(
                  Kind.STATED_AND_DENIED,
                  finding,
                  against.stream().map(Labels.Evidence::passage).toList()));
        }
      }
    }
  }

  /** This, with a warning where the report compares although no earlier film was given. */
  public Consistency withoutPrior(List<Labels.Passage> comparisons) {
    if (comparisons.isEmpty()) {
      return this;
    }
    var all = new ArrayList<>(warnings);
    all.add(new Warning(Kind.COMPARISON_WITHOUT_PRIOR, Optional.empty(), sentences(comparisons)));
    return new Consistency(unstated, contradicting, assessed, all);
  }

  private static boolean denies(Labels.Evidence evidence) {
    return evidence.state() == FindingState.ABSENT && !evidence.limited();
  }

  private static Warning warning(Kind kind, Finding finding, List<Labels.Passage> passages) {
    return new Warning(kind, Optional.of(finding), sentences(passages));
  }

  private static List<Labels.Span> sentences(List<Labels.Passage> passages) {
    return passages.stream().map(Labels.Passage::sentence).distinct().toList();
  }

  private static List<Warning> sorted(List<Warning> warnings) {
    return warnings.stream().sorted((a, b) -> a.kind().compareTo(b.kind())).toList();
  }

  /** Report and list do not differ; other warnings do not count. */
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
