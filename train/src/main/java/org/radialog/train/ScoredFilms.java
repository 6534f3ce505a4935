package org.radialog.train;

import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.radialog.clinical.Finding;
import org.radialog.data.Film;
import org.radialog.data.RadiologistClass;
import org.radialog.data.RadiologistRead;
import org.radialog.data.Truth;

/**
 * Films with the truth by which a classifier is calibrated and scored.
 *
 * @param films with the labels of the data set, except for a No Finding that was learned from
 *     radiologists: this is theirs, and unknown where they did not look
 * @param normal the images of the films that count as normal: those that radiologists called
 *     normal, and of those that they did not see the ones labelled No Finding
 * @param calledNormal those of them that radiologists called normal
 */
record ScoredFilms(List<Film> films, Set<String> normal, Set<String> calledNormal) {
  ScoredFilms {
    films = List.copyOf(films);
    normal = Set.copyOf(normal);
    calledNormal = Set.copyOf(calledNormal);
  }

  /**
   * Films of a data set.
   *
   * @param radiologists whether the classifier learned No Finding from radiologists
   */
  static ScoredFilms of(RadiologistRead read, boolean radiologists) {
    Set<String> normal = new HashSet<>();
    Set<String> calledNormal = new HashSet<>();
    for (Film film : read.films()) {
      Optional<RadiologistClass> seen = read.seen(film);
      if (seen.equals(Optional.of(RadiologistClass.NORMAL))) {
        calledNormal.add(film.image());
        normal.add(film.image());
      } else if (seen.isEmpty() && film.truth(Finding.NO_FINDING) == Truth.PRESENT) {
        normal.add(film.image());
      }
    }
    return new ScoredFilms(
        radiologists
            ? read.films().stream().map(film -> withTheirs(film, read)).toList()
            : read.films(),
        normal,
        calledNormal);
  }

  private static Film withTheirs(Film film, RadiologistRead read) {
    var truth = new EnumMap<Finding, Truth>(film.truth());
    truth.put(Finding.NO_FINDING, read.confirmed(film).truth(Finding.NO_FINDING));
    return new Film(
        film.image(), film.file(), film.patient(), film.age(), film.sex(), film.view(), truth);
  }

  /** Some of the films. */
  ScoredFilms only(Predicate<Film> which) {
    return new ScoredFilms(films.stream().filter(which).toList(), normal, calledNormal);
  }

  /**
   * The probabilities of one finding.
   *
   * @param probabilities from 0 to 1
   * @param present whether the film shows the finding
   */
  @SuppressWarnings("ArrayRecordComponent") // read in inner loops, never compared
  record Column(double[] probabilities, boolean[] present) {}

  /** The probabilities of the films whose truth is known; films without any are ignored. */
  Column column(Finding finding, Map<String, double[]> probabilities) {
    List<Film> known =
        films.stream()
            .filter(film ->
                film.truth(finding) != Truth.UNKNOWN && probabilities.containsKey(film.image()))
            .toList();
    double[] column = new double[known.size()];
    boolean[] present = new boolean[column.length];
    for (int i = 0; i < column.length; i++) {
      Film film = known.get(i);
      column[i] =
          probabilities.getOrDefault(film.image(), new double[Finding.COUNT])[finding.column()];
      present[i] = film.truth(finding) == Truth.PRESENT;
    }
    return new Column(column, present);
  }

  /** Whether a film shows the finding. */
  boolean taught(Finding finding) {
    return films.stream().anyMatch(film -> film.truth(finding) == Truth.PRESENT);
  }
}
