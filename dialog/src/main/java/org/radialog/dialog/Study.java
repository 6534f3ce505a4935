package org.radialog.dialog;

import org.radialog.imaging.Radiograph;

/**
 * What a dialog is about.
 *
 * @param film the frontal radiograph
 * @param force whether the guard's refusals for colour and aspect ratio become warnings
 */
public record Study(Radiograph film, boolean force) {
  /** A study of one frontal film. */
  public static Study of(Radiograph film) {
    return new Study(film, false);
  }

  /** This, even where the guard doubts that it is a radiograph. */
  public Study forced() {
    return new Study(film, true);
  }
}
