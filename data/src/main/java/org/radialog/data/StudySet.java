package org.radialog.data;

import java.util.List;

/**
 * A data set in memory.
 *
 * @param name name of the data set
 * @param studies in the order of the data set
 * @param rejected items that could not be used
 */
public record StudySet(String name, List<ReportedStudy> studies, List<Rejected> rejected) {
  public StudySet {
    studies = List.copyOf(studies);
    rejected = List.copyOf(rejected);
  }

  /** The studies of one split. */
  public List<ReportedStudy> of(StudySplit split) {
    return studies.stream().filter(study -> study.split() == split).toList();
  }
}
