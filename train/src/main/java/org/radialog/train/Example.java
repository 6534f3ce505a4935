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
 * @param lungs the radiologists' class of a film of which only the lungs are shown; its findings
 *     are not learned, since the mask would become a sign of them
 */
record Example(Film film, Truth mined, Optional<RadiologistClass> lungs) {
  /** The films of a source. */
  static List<Example> of(RadiologistRead source, List<Film> films, boolean radiologists) {
    return films.stream().map(film -> of(source, film, radiologists)).toList();
  }

  private static Example of(RadiologistRead source, Film film, boolean radiologists) {
    if (source.lungsOnly()) {
      return new Example(film.unlabelled(), Truth.UNKNOWN, source.seen(film));
    }
    return radiologists
        ? new Example(source.confirmed(film), film.truth(Finding.NO_FINDING), Optional.empty())
        : new Example(film, Truth.UNKNOWN, Optional.empty());
  }
}
