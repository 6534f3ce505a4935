package org.radialog.data;

import java.util.Comparator;
import java.util.List;

/** Which images of a study are looked at. */
public enum ImageChoice {
  /** Every image by itself. */
  EVERY,
  /** One: the first PA, else the first AP, else the first frontal one, else the first. */
  BEST_VIEW,
  /**
   * One, as ReXrank asks: the key image where it is frontal; else the first frontal one, else the
   * first.
   */
  KEY_IMAGE;

  /** The chosen images, in the study's order; none where it has none. */
  public List<StudyImage> of(ReportedStudy study) {
    return switch (this) {
      case EVERY -> study.images();
      case BEST_VIEW -> first(study, Comparator.comparingInt(ImageChoice::byView));
      case KEY_IMAGE -> {
        String key = study.attribute(RexRank.KEY_IMAGE);
        yield first(
            study,
            Comparator.comparingInt(image -> !frontal(image) ? 2 : image.id().equals(key) ? 0 : 1));
      }
    };
  }

  // Of equals the first.
  private static List<StudyImage> first(ReportedStudy study, Comparator<StudyImage> order) {
    return study.images().stream().sorted(order).limit(1).toList();
  }

  private static boolean frontal(StudyImage image) {
    return image.orientation() != StudyImage.Orientation.LATERAL;
  }

  private static int byView(StudyImage image) {
    return switch (image.view()) {
      case PA -> 0;
      case AP -> 1;
      case UNKNOWN -> frontal(image) ? 2 : 3;
      case LATERAL -> 3;
    };
  }
}
