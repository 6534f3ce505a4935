package org.radialog.data;

import java.util.Comparator;
import java.util.List;

/** Which images of a study are used. */
public enum ImageChoice {
  /** Every image separately. */
  EVERY,
  /** One image: the first PA, else the first AP, else the first frontal, else the first image. */
  BEST_VIEW,
  /**
   * One image, as required by ReXrank: the key image if it is frontal, else the first frontal
   * image, else the first image.
   */
  KEY_IMAGE;

  /** The chosen images, in the order of the study; empty if the study has no images. */
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

  // Among equal images, the first is chosen.
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
