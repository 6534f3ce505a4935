package org.radialog.data;

import java.nio.file.Path;
import java.util.Locale;
import org.radialog.clinical.View;

/**
 * One image of a study.
 *
 * @param id name of the image in the data set
 * @param file path of the image: in the image folder given to the reader, or, without such a
 *     folder, the path as written in the data set
 * @param view projection, if the data set states it
 * @param orientation frontal or lateral, which is all that many data sets state
 */
public record StudyImage(String id, Path file, View view, Orientation orientation) {
  /** Frontal or lateral. */
  public enum Orientation {
    FRONTAL,
    LATERAL,
    UNKNOWN;

    /** The orientation for a data set's word; {@link #UNKNOWN} for any other text. */
    public static Orientation of(String name) {
      return switch (name.strip().toLowerCase(Locale.ROOT)) {
        case "frontal" -> FRONTAL;
        case "lateral" -> LATERAL;
        default -> UNKNOWN;
      };
    }

    /** The orientation of a view. */
    public static Orientation of(View view) {
      return switch (view) {
        case PA, AP -> FRONTAL;
        case LATERAL -> LATERAL;
        case UNKNOWN -> UNKNOWN;
      };
    }
  }

  /** An image with a known view. */
  public static StudyImage of(String id, Path file, View view) {
    return new StudyImage(id, file, view, Orientation.of(view));
  }

  /**
   * An image of which only the orientation is known; the view of a lateral image is known from it.
   */
  public static StudyImage of(String id, Path file, Orientation orientation) {
    View view =
        switch (orientation) {
          case LATERAL -> View.LATERAL;
          case FRONTAL, UNKNOWN -> View.UNKNOWN;
        };
    return new StudyImage(id, file, view, orientation);
  }
}
