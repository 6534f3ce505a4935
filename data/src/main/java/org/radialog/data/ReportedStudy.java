package org.radialog.data;

import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.ReportSections;

/**
 * One study with its images and its report.
 *
 * @param id unique in the data set
 * @param patient patient identifier, which several studies may share; the study's id if the data
 *     set has none
 * @param images in the order of the data set; empty if no image is known or available
 * @param report the sections of the report; the whole text, if the data set contains it, is {@link
 *     ReportSections#FULL_REPORT}
 * @param split the split in the data set, if any
 * @param labels labels by source (for example {@code chexpert}, {@code negbio}, {@code chexbert});
 *     empty if the data set has none
 * @param attributes other values as written in the data set: {@link #AGE}, {@link #SEX} and those
 *     that the reader defines
 */
public record ReportedStudy(
    String id,
    String patient,
    List<StudyImage> images,
    ReportSections report,
    StudySplit split,
    SortedMap<String, Map<Finding, FindingState>> labels,
    SortedMap<String, String> attributes) {
  public static final String AGE = "age";
  public static final String SEX = "sex";

  /** Sets findings that a label source does not name to not mentioned. */
  public ReportedStudy {
    images = List.copyOf(images);
    var sources = new TreeMap<String, Map<Finding, FindingState>>();
    labels.forEach((source, states) -> {
      var all = new EnumMap<Finding, FindingState>(Finding.class);
      for (Finding finding : Finding.ALL) {
        all.put(finding, states.getOrDefault(finding, FindingState.NOT_MENTIONED));
      }
      sources.put(source, Collections.unmodifiableMap(all));
    });
    labels = Collections.unmodifiableSortedMap(sources);
    attributes = Collections.unmodifiableSortedMap(new TreeMap<>(attributes));
  }

  /** A study without labels and attributes. */
  public static ReportedStudy of(
      String id, String patient, List<StudyImage> images, ReportSections report, StudySplit split) {
    return new ReportedStudy(id, patient, images, report, split, new TreeMap<>(), new TreeMap<>());
  }

  /** The same study with other images. */
  public ReportedStudy withImages(List<StudyImage> images) {
    return new ReportedStudy(id, patient, images, report, split, labels, attributes);
  }

  /** An attribute as written in the data set; empty if there is none. */
  public String attribute(String name) {
    return attributes.getOrDefault(name, "");
  }

  /** The age in whole years, if the data set gives it as a number. */
  public OptionalInt age() {
    String age = attribute(AGE).strip();
    return age.matches("\\d{1,3}(\\.\\d+)?")
        ? OptionalInt.of((int) Double.parseDouble(age))
        : OptionalInt.empty();
  }

  /** {@code M} or {@code F}; empty if the data set states neither. */
  public String sex() {
    String sex = attribute(SEX).strip();
    if (sex.equalsIgnoreCase("m") || sex.equalsIgnoreCase("male")) {
      return "M";
    }
    return sex.equalsIgnoreCase("f") || sex.equalsIgnoreCase("female") ? "F" : "";
  }
}
