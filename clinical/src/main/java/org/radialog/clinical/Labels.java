package org.radialog.clinical;

import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a report says about each of the 14 findings, and where it says it.
 *
 * @param entries one entry a finding, in column order
 */
public record Labels(Map<Finding, Entry> entries) {

  /**
   * A part of the report, in UTF-16 positions: from {@code start} up to, not including, {@code
   * end}.
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

    /** The words themselves. */
    public String of(String report) {
      return report.substring(start, end);
    }
  }

  /**
   * Words of a report.
   *
   * @param words the words themselves
   * @param sentence the sentence that they stand in
   */
  public record Passage(Span words, Span sentence) {}

  /**
   * What one passage says about a finding.
   *
   * @param limited whether it denies the finding only on a side, in a place, of a size or as new,
   *     so that it contradicts nothing that is said elsewhere
   */
  public record Evidence(FindingState state, Passage passage, boolean limited) {}

  /**
   * One finding.
   *
   * @param evidence everything the report says about it, in text order, also what another passage
   *     outweighs; empty where the finding is not mentioned, for a No Finding that follows from the
   *     rest of the report, and from a labeler that points to no words
   */
  public record Entry(FindingState state, List<Evidence> evidence) {
    /** A finding of which nothing is said. */
    public static final Entry NOT_MENTIONED = new Entry(FindingState.NOT_MENTIONED, List.of());

    public Entry {
      evidence = List.copyOf(evidence);
    }

    /** Present outweighs uncertain, and uncertain outweighs absent. */
    static Entry of(List<Evidence> evidence) {
      for (FindingState state :
          List.of(FindingState.PRESENT, FindingState.UNCERTAIN, FindingState.ABSENT)) {
        if (evidence.stream().anyMatch(e -> e.state() == state)) {
          return new Entry(state, evidence);
        }
      }
      return NOT_MENTIONED;
    }

    /** The words that give the finding its state, in text order. */
    public List<Span> where() {
      return passages().stream().map(Passage::words).toList();
    }

    /** The words that give the finding its state, each with its sentence, in text order. */
    public List<Passage> passages() {
      return evidence.stream().filter(e -> e.state() == state).map(Evidence::passage).toList();
    }
  }

  /** Findings without an entry become not mentioned. */
  public Labels {
    var all = new EnumMap<Finding, Entry>(Finding.class);
    for (Finding finding : Finding.ALL) {
      all.put(finding, entries.getOrDefault(finding, Entry.NOT_MENTIONED));
    }
    entries = Collections.unmodifiableMap(all);
  }

  /** What the report says about {@code finding}. */
  public FindingState state(Finding finding) {
    return entry(finding).state();
  }

  /** Where the report says it. */
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
   * These labels with CheXpert's tree applied (Irvin et al. 2019, figure 1): the parent of a
   * present finding is present; that of an uncertain one is uncertain where it is not present.
   */
  public Labels withParents() {
    var all = new EnumMap<Finding, Entry>(entries);
    for (Finding finding : Finding.ALL) {
      Entry entry = entry(finding);
      if (entry.state() == FindingState.PRESENT || entry.state() == FindingState.UNCERTAIN) {
        for (var parent = finding.parent();
            parent.isPresent();
            parent = parent.orElseThrow().parent()) {
          Finding above = parent.orElseThrow();
          FindingState known = all.getOrDefault(above, Entry.NOT_MENTIONED).state();
          if (known != FindingState.PRESENT && known != entry.state()) {
            all.put(above, new Entry(entry.state(), entry.evidence()));
          }
        }
      }
    }
    return new Labels(all);
  }

  /** What the report says about {@code finding}, with the words that say so. */
  public Entry entry(Finding finding) {
    return entries.getOrDefault(finding, Entry.NOT_MENTIONED);
  }
}
