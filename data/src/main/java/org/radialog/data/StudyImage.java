package org.radialog.data;

import java.nio.file.Path;
import java.util.Locale;
import org.radialog.clinical.View;

/**
 * One image of a study.
 *
 * @param id the image's name in its data set
 * @param file where the pixels lie: below the folder of images that the reader was given, or, where
 *     it was given none, the path as the data set writes it
 * @param view the projection, where the data set says it
 * @param orientation all that many data sets say
 */
public record StudyImage(String id, Path file, View view, Orientation orientation) {
  /** Frontal or lateral. */
  public enum Orientation {
    FRONTAL,
    LATERAL,
    UNKNOWN;

    /** The orientation of a data set's word for it; {@link #UNKNOWN} for any other text. */
    public static Orientation of(String name) {
      return switch (name.strip().toLowerCase(Locale.ROOT)) {
        case "frontal" -> FRONTAL;
        case "lateral" -> LATERAL;
        default -> UNKNOWN;
      };
    }

    /** What a view says. */
    public static Orientation of(View view) {
      return switch (view) {
        case PA, AP -> FRONTAL;
        case LATERAL -> LATERAL;
        case UNKNOWN -> UNKNOWN;
      };
    }
  }

  /** An image of a known view. */
  public static StudyImage of(String id, Path file, View view) {
    return new StudyImage(id, file, view, Orientation.of(view));
  }

  /** An image of which only the orientation is known; a lateral one has that view. */
  public static StudyImage of(String id, Path file, Orientation orientation) {
    View view =
        switch (orientation) {
          case LATERAL -> View.LATERAL;
          case FRONTAL, UNKNOWN -> View.UNKNOWN;
        };
    return new StudyImage(id, file, view, orientation);
  }
}
