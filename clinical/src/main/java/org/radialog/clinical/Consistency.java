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
 * The result of comparing a report with a list of findings. It also tells whether the report
 * contradicts itself and whether it compares the film with an earlier film that was not given.
 *
 * @param unstated findings that are listed as present but not stated, or listed as uncertain but
 *     not mentioned or negated
 * @param contradicting findings that are stated but not listed as present
 * @param assessed the findings that were compared
 * @param warnings one per inconsistency, by kind and then in column order
 */
public record Consistency(
    Set<Finding> unstated,
    Set<Finding> contradicting,
    Set<Finding> assessed,
    List<Warning> warnings) {

  /** The kinds of inconsistency. */
  public enum Kind {
    /** Listed, but negated in the report. */
    LISTED_AND_DENIED,
    /** Listed, but hedged or not mentioned in the report. */
    LISTED_AND_UNSTATED,
    /** Listed as uncertain, but negated in the report. */
    UNCERTAIN_AND_DENIED,
    /** Listed as uncertain, but not mentioned in the report. */
    UNCERTAIN_AND_UNMENTIONED,
    /** Listed as uncertain, but stated in the report. */
    UNCERTAIN_AND_STATED,
    /** Stated in the report, but not listed. */
    STATED_WITHOUT_SUPPORT,
    /** Stated in one sentence of the report and negated without limitation in another. */
    STATED_AND_DENIED,
    /**
     * An answer or impression states something that the preceding report negates, or the reverse.
     */
    AGAINST_REPORT,
    /** The report compares with an earlier film, but none was given. */
    COMPARISON_WITHOUT_PRIOR;

    /** The name in output for programs, for example {@code stated_and_denied}. */
    public String code() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * One inconsistency.
   *
   * @param kind what is inconsistent
   * @param finding the finding concerned; empty for a comparison
   * @param sentences the sentences of the report that cause it, in text order; empty if the problem
   *     is a missing sentence, or if the labeler gives no positions
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
   * Compares {@code report} with the findings {@code listed}, limited to {@code assessed}. A
   * finding that is not listed may be negated, hedged or omitted. A finding listed as present must
   * be stated; hedging does not count as stating it. A finding listed as uncertain must be hedged,
   * or one of its descendants must be. The report is compared with itself for all findings except
   * Support Devices, because one device may be in place and another removed.
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
   * Compares an answer or an impression with the findings {@code listed}, limited to {@code
   * assessed}, with the report before it and with itself. It does not have to mention all findings:
   * what it omits is consistent, and a hedged finding is consistent with any list.
   *
   * @param report the labels of the report that the answer follows, if there is one
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
   * Whether a finding is stated directly, or one of its descendants is stated and the finding
   * itself is not negated.
   */
  private static boolean states(Labels report, Labels withParents, Finding finding) {
    return report.state(finding) == FindingState.PRESENT
        || (report.state(finding) != FindingState.ABSENT
            && withParents.state(finding) == FindingState.PRESENT);
  }

  /** Whether a finding is hedged directly, or one of its descendants is hedged or stated. */
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

  /**
   * This result with an additional warning if the report contains comparisons although no earlier
   * film was given.
   */
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

  /** Whether report and list agree; other warnings are ignored. */
  public boolean holds() {
    return unstated.isEmpty() && contradicting.isEmpty();
  }

  /** The number of findings on which the report and the list agree. */
  public int agreeing() {
    return assessed.size() - unstated.size() - contradicting.size();
  }

  private static Set<Finding> ordered(Collection<Finding> findings) {
    var set = EnumSet.noneOf(Finding.class);
    set.addAll(findings);
    return Collections.unmodifiableSet(set);
  }
}
