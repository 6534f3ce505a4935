package org.radialog.data;

import java.nio.file.Path;
import java.util.function.Consumer;

/** Passes on the studies and rejections of a reader and counts them. */
final class StudySink {
  private final Consumer<? super ReportedStudy> studies;
  private final Consumer<? super Rejected> rejected;
  private long studyCount;
  private long imageCount;
  private long rejectedCount;

  StudySink(Consumer<? super ReportedStudy> studies, Consumer<? super Rejected> rejected) {
    this.studies = studies;
    this.rejected = rejected;
  }

  void study(ReportedStudy study) {
    studyCount++;
    imageCount += study.images().size();
    studies.accept(study);
  }

  void reject(Path source, long row, String reason) {
    reject(new Rejected(source, row, reason));
  }

  void reject(Rejected line) {
    rejectedCount++;
    rejected.accept(line);
  }

  StudySource.Tally tally() {
    return new StudySource.Tally(studyCount, imageCount, rejectedCount);
  }
}
