package org.radialog.paper;

import java.nio.file.Path;
import java.util.List;
import org.radialog.clinical.ReportSections;
import org.radialog.data.ReportedStudy;

/**
 * A film with the findings section of its report.
 *
 * @param image name of the film in its data set
 * @param file image file
 * @param text the findings section on one line
 */
record TextFilm(String image, Path file, String text) {
  /** One entry per film of the study; empty if the report has no findings section. */
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
