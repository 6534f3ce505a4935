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
 * The known labels of a film or report. A finding that is not known is not absent: claims about it
 * are ignored.
 *
 * @param labels the state of each finding
 * @param known the findings that were assessed
 */
public record ReferenceLabels(Labels labels, Set<Finding> known) {
  public ReferenceLabels {
    Set<Finding> copy = EnumSet.noneOf(Finding.class);
    copy.addAll(known);
    known = Collections.unmodifiableSet(copy);
  }

  /** The labels of a report: a finding that it does not mention is known to be negative. */
  public static ReferenceLabels of(Labels report) {
    return new ReferenceLabels(report, EnumSet.allOf(Finding.class));
  }

  /** The labels of a data set; findings without an entry are not known. */
  public static ReferenceLabels of(Map<Finding, FindingState> truth) {
    Map<Finding, Labels.Entry> entries = new EnumMap<>(Finding.class);
    truth.forEach((finding, state) -> entries.put(finding, new Labels.Entry(state, List.of())));
    return new ReferenceLabels(new Labels(entries), truth.keySet());
  }
}
