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
            "a span runs forward from 0 or later, got " + start + " to " + end);
      }
    }

    /** The words themselves. */
    public String of(String report) {
      return report.substring(start, end);
    }
  }

  /**
   * One finding.
   *
   * @param where the words that say so, in text order; empty where the finding is not mentioned,
   *     and for a No Finding that follows from the rest of the report
   */
  public record Entry(FindingState state, List<Span> where) {
    /** A finding of which nothing is said. */
    public static final Entry NOT_MENTIONED = new Entry(FindingState.NOT_MENTIONED, List.of());

    public Entry {
      where = List.copyOf(where);
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

  private Entry entry(Finding finding) {
    return entries.getOrDefault(finding, Entry.NOT_MENTIONED);
  }
}
