package org.radialog.clinical;

import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The state of each of the 14 findings in a report, with the supporting passages.
 *
 * @param entries one entry per finding, in column order
 */
public record Labels(Map<Finding, Entry> entries) {

  /**
   * A part of the report in UTF-16 positions.
   *
   * @param start the position of the first character
   * @param end the position after the last character
   */
  public record Span(int start, int end) {
    public Span {
      if (start < 0 || end < start) {
        throw new IllegalArgumentException(
            "a span must start at 0 or later and not end before its start, got "
                + start
                + " to "
                + end);
      }
    }

    /** The text of this part. */
    public String of(String report) {
      return report.substring(start, end);
    }
  }

  /**
   * Words of a report.
   *
   * @param words the words themselves
   * @param sentence the sentence that contains them
   */
  public record Passage(Span words, Span sentence) {}

  /**
   * The contribution of one passage to the state of a finding.
   *
   * @param state the state that the passage gives to the finding
   * @param passage the words and their sentence
   * @param limited whether it negates the finding only for a side, a location, a size or as new, so
   *     that it does not contradict a mention elsewhere
   */
  public record Evidence(FindingState state, Passage passage, boolean limited) {}

  /**
   * The labelling of one finding.
   *
   * @param state the state over the whole report
   * @param evidence all passages about the finding, in text order, including those that another
   *     passage overrides; empty if the finding is not mentioned, for a No Finding that follows
   *     from the rest of the report, and for labelers that give no positions
   */
  public record Entry(FindingState state, List<Evidence> evidence) {
    /** A finding that is not mentioned. */
    public static final Entry NOT_MENTIONED = new Entry(FindingState.NOT_MENTIONED, List.of());

    public Entry {
      evidence = List.copyOf(evidence);
    }

    /** Present takes precedence over uncertain, and uncertain over absent. */
    static Entry of(List<Evidence> evidence) {
      for (FindingState state :
          List.of(FindingState.PRESENT, FindingState.UNCERTAIN, FindingState.ABSENT)) {
        if (evidence.stream().anyMatch(e -> e.state() == state)) {
          return new Entry(state, evidence);
        }
      }
      return NOT_MENTIONED;
    }

    /** The words that determine the state, in text order. */
    public List<Span> where() {
      return passages().stream().map(Passage::words).toList();
    }

    /** The words that determine the state, each with its sentence, in text order. */
    public List<Passage> passages() {
      return evidence.stream().filter(e -> e.state() == state).map(Evidence::passage).toList();
    }
  }

  /** Findings without an entry are set to not mentioned. */
  public Labels {
    var all = new EnumMap<Finding, Entry>(Finding.class);
    for (Finding finding : Finding.ALL) {
      all.put(finding, entries.getOrDefault(finding, Entry.NOT_MENTIONED));
    }
    entries = Collections.unmodifiableMap(all);
  }

  /** The state of {@code finding} in the report. */
  public FindingState state(Finding finding) {
    return entry(finding).state();
  }

  /** The words that determine the state of {@code finding}. */
  public List<Span> where(Finding finding) {
    return entry(finding).where();
  }

  /** The findings that the report states as present, in column order. */
  public Set<Finding> present() {
    return in(FindingState.PRESENT);
  }

  /** The findings in {@code state}, in column order. */
  public Set<Finding> in(FindingState state) {
    var found = EnumSet.noneOf(Finding.class);
    for (Finding finding : Finding.ALL) {
      if (state(finding) == state) {
        found.add(finding);
      }
    }
    return Collections.unmodifiableSet(found);
  }

  /**
   * These labels with CheXpert's hierarchy applied (Irvin et al. 2019, figure 1): the parent of a
   * present finding is present; the parent of an uncertain finding is uncertain unless it is
   * present.
   */
  public Labels withParents() {
    var all = new EnumMap<Finding, Entry>(entries);
    for (Finding finding : Finding.ALL) {
      Entry entry = entry(finding);
      if (entry.state() == FindingState.PRESENT || entry.state() == FindingState.UNCERTAIN) {
        for (Finding above : finding.ancestors()) {
          FindingState known = all.getOrDefault(above, Entry.NOT_MENTIONED).state();
          if (known != FindingState.PRESENT && known != entry.state()) {
            all.put(above, new Entry(entry.state(), entry.evidence()));
          }
        }
      }
    }
    return new Labels(all);
  }

  /** The state of {@code finding} with the supporting passages. */
  public Entry entry(Finding finding) {
    return entries.getOrDefault(finding, Entry.NOT_MENTIONED);
  }
}
