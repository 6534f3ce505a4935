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
 * One study: its images and its one report.
 *
 * @param id unique in its data set
 * @param patient one patient may have several studies; the study's id where the data set names none
 * @param images in the data set's order, none if none is known or at hand
 * @param report the sections that the data set has, its whole text (where it has one) being {@link
 *     ReportSections#FULL_REPORT}
 * @param split the split of the data set, if it has one
 * @param labels source of labels (for example {@code chexpert}, {@code negbio}, {@code chexbert}) →
 *     what it says; empty where the data set has none
 * @param attributes what else the data set says, in its own words: {@link #AGE}, {@link #SEX} and
 *     whatever the reader names
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

  /** Findings that a source of labels does not name become not mentioned. */
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

  /** An attribute as the data set writes it; empty where it has none. */
  public String attribute(String name) {
    return attributes.getOrDefault(name, "");
  }

  /** The age in whole years, where the data set gives it as a number. */
  public OptionalInt age() {
    String age = attribute(AGE).strip();
    return age.matches("\\d{1,3}(\\.\\d+)?")
        ? OptionalInt.of((int) Double.parseDouble(age))
        : OptionalInt.empty();
  }

  /** {@code M} or {@code F}; empty where the data set says neither. */
  public String sex() {
    String sex = attribute(SEX).strip();
    if (sex.equalsIgnoreCase("m") || sex.equalsIgnoreCase("male")) {
      return "M";
    }
    return sex.equalsIgnoreCase("f") || sex.equalsIgnoreCase("female") ? "F" : "";
  }
}
