package org.radialog.dialog;

import java.util.Objects;
import java.util.Optional;
import org.radialog.imaging.Radiograph;

/**
 * What a dialog is about.
 *
 * @param film the frontal radiograph
 * @param prior an earlier film of the same patient, for a model that compares
 * @param force whether the guard's refusals for colour and aspect ratio become warnings
 */
public record Study(Radiograph film, Optional<Radiograph> prior, boolean force) {
  /** Checks that nothing is null. */
  public Study {
    Objects.requireNonNull(film, "film");
    Objects.requireNonNull(prior, "prior");
  }

  /** A study of one frontal film. */
  public static Study of(Radiograph film) {
    return new Study(film, Optional.empty(), false);
  }

  /** This with an earlier film of the same patient. */
  public Study after(Radiograph earlier) {
    return new Study(film, Optional.of(Objects.requireNonNull(earlier, "earlier")), force);
  }

  /** This, even where the guard doubts that it is a radiograph. */
  public Study forced() {
    return new Study(film, prior, true);
  }
}
