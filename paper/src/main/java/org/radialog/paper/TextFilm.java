package org.radialog.paper;

import java.nio.file.Path;
import java.util.List;
import org.radialog.clinical.ReportSections;
import org.radialog.data.ReportedStudy;

/**
 * A film and the findings section of its report.
 *
 * @param image the film's name in its data set
 * @param file where its pixels lie
 * @param text the section on one line
 */
record TextFilm(String image, Path file, String text) {
  /** One per film of the study; none where the report has no findings section. */
  static List<TextFilm> of(ReportedStudy study) {
    ReportSections report = study.report();
    String text = report.findingsOnOneLine();
    return text.isBlank()
        ? List.of()
        : study.images().stream()
            .map(image -> new TextFilm(image.id(), image.file(), text))
            .toList();
  }
}
