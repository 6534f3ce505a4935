package org.radialog.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.radialog.clinical.Consistency;
import org.radialog.clinical.Finding;

/** The sentences that stand on every output. */
final class Notice {
  /** Stands on every output. */
  static final String RESEARCH_USE = "For research use, not for diagnosis.";

  /** What a reader of a report could take for said. */
  static final String LIMITS =
      "The embedded model says nothing about side, size, devices, fractures or change since an earlier film.";

  private Notice() {}

  /** One warning for each way in which a report and its findings list differ. */
  static List<String> of(Consistency consistency) {
    List<String> warnings = new ArrayList<>();
    if (!consistency.unstated().isEmpty()) {
      warnings.add("listed as present, not stated in the report: " + names(consistency.unstated()));
    }
    if (!consistency.contradicting().isEmpty()) {
      warnings.add(
          "stated in the report, not listed as present: " + names(consistency.contradicting()));
    }
    return warnings;
  }

  private static String names(Set<Finding> findings) {
    return findings.stream().map(Finding::label).collect(Collectors.joining(", "));
  }
}
