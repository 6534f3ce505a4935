package org.radialog.metrics;

import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.Labels;

/**
 * What is known of a film or report. A finding that nobody knows is not absent: what is said of it
 * is scored neither as right nor as wrong.
 *
 * @param known the findings that somebody assessed
 */
public record ReferenceLabels(Labels labels, Set<Finding> known) {
  public ReferenceLabels {
    Set<Finding> copy = EnumSet.noneOf(Finding.class);
    copy.addAll(known);
    known = Collections.unmodifiableSet(copy);
  }

  /** The labels of a report: what it does not mention is known not to be in it. */
  public static ReferenceLabels of(Labels report) {
    return new ReferenceLabels(report, EnumSet.allOf(Finding.class));
  }

  /** The labels of a data set; findings without an entry are unknown. */
  public static ReferenceLabels of(Map<Finding, FindingState> truth) {
    Map<Finding, Labels.Entry> entries = new EnumMap<>(Finding.class);
    truth.forEach((finding, state) -> entries.put(finding, new Labels.Entry(state, List.of())));
    return new ReferenceLabels(new Labels(entries), truth.keySet());
  }
}
