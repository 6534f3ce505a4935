package org.radialog.train;

import java.util.List;
import java.util.Optional;
import org.radialog.clinical.Finding;
import org.radialog.data.Film;
import org.radialog.data.RadiologistClass;
import org.radialog.data.RadiologistRead;
import org.radialog.data.Truth;

/**
 * A film with all that the classifier can learn from it.
 *
 * @param film with the ground truth of the 14 findings
 * @param mined the text-mined No Finding, where that of {@code film} has another meaning
 * @param lungs whether only the lungs are shown. Such films are not mixed with whole ones, since
 *     the mask would become a sign of what they show
 * @param seen the radiologists' class of a film of which only the lungs are shown
 */
record Example(Film film, Truth mined, boolean lungs, Optional<RadiologistClass> seen) {
  /** The films of a source. */
  static List<Example> of(RadiologistRead source, List<Film> films, boolean radiologists) {
    return films.stream().map(film -> of(source, film, radiologists)).toList();
  }

  private static Example of(RadiologistRead source, Film film, boolean radiologists) {
    Film known = radiologists ? source.confirmed(film) : film;
    if (source.lungsOnly()) {
      return new Example(known, Truth.UNKNOWN, true, source.seen(film));
    }
    Truth mined = radiologists ? film.truth(Finding.NO_FINDING) : Truth.UNKNOWN;
    return new Example(known, mined, false, Optional.empty());
  }
}
