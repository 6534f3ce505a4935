package org.radialog.dialog;

import java.util.Objects;
import java.util.Optional;
import org.radialog.imaging.Guard;
import org.radialog.imaging.Radiograph;

/**
 * The images of a dialog.
 *
 * @param film the frontal radiograph
 * @param prior an earlier film of the same patient, for a model that can compare films
 * @param guard determines which films are refused
 */
public record Study(Radiograph film, Optional<Radiograph> prior, Guard guard) {
  /** Checks that nothing is null. */
  public Study {
    Objects.requireNonNull(film, "film");
    Objects.requireNonNull(prior, "prior");
    Objects.requireNonNull(guard, "guard");
  }

  /** A study of one frontal film. */
  public static Study of(Radiograph film) {
    return new Study(film, Optional.empty(), Guard.STRICT);
  }

  /** This study with an earlier film of the same patient. */
  public Study after(Radiograph earlier) {
    return new Study(film, Optional.of(Objects.requireNonNull(earlier, "earlier")), guard);
  }

  /** This study, accepting films that the guard does not recognise as radiographs. */
  public Study forced() {
    return new Study(film, prior, Guard.FORCED);
  }

  /** This study, accepting films that the guard does not recognise as frontal: for evaluations. */
  public Study ofAnyView() {
    return new Study(film, prior, Guard.ANY_VIEW);
  }
}
