package org.radialog.eval;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SequencedMap;
import java.util.function.Consumer;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.Sha256;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.NihDataSet;
import org.radialog.data.NihRelease;
import org.radialog.data.NihRelease.Released;
import org.radialog.data.Rejected;
import org.radialog.data.StudySplit;

/**
 * Films of the NIH data set for an evaluation.
 *
 * @param chosen films to be evaluated, at least one
 * @param known other films, for fitting a baseline
 * @param settings description of the choice
 * @param whole whether every item of the data set could be used
 */
public record NihFilms(
    List<Film> chosen, List<Film> known, SequencedMap<String, Object> settings, boolean whole) {
  /**
   * The choice of films.
   *
   * @param folds folds of the patients; empty if the split of the release is used
   * @param fold the fold to be evaluated
   * @param split split of a release without folds; empty for all its films
   * @param most maximum number of films; if there are more, this number is drawn
   * @param seed seed of this draw
   */
  public record Choice(
      Optional<Folds> folds, int fold, Optional<StudySplit> split, int most, long seed) {}

  public NihFilms {
    chosen = List.copyOf(chosen);
    known = List.copyOf(known);
    settings = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(settings));
  }

  /**
   * Reads the labels of a folder and chooses films.
   *
   * @param rejected receives each row or image that cannot be used
   * @throws RadialogException if no film is chosen
   */
  public static NihFilms read(Path folder, Choice choice, Consumer<? super Rejected> rejected) {
    SequencedMap<String, Object> settings = new LinkedHashMap<>();
    int[] lost = {0};
    Consumer<Rejected> counted =
        line -> {
          lost[0]++;
          rejected.accept(line);
        };
    boolean released = !NihDataSet.in(folder) && NihRelease.in(folder);
    settings.put("data", released ? "NIH ChestX-ray14" : "nih14");
    settings.put(
        "data_sha256",
        Sha256.of(released ? new NihRelease(folder).table() : NihDataSet.table(folder)));
    List<Film> chosen = new ArrayList<>();
    List<Film> known = new ArrayList<>();
    for (Released film : NihRelease.films(folder, counted)) {
      boolean asked =
          choice
              .folds()
              .map(folds -> folds.of(film.film()) == choice.fold())
              .orElse(choice.split().map(split -> split == film.split()).orElse(true));
      (asked ? chosen : known).add(film.film());
    }
    if (choice.folds().isPresent()) {
      settings.put("fold", choice.fold());
    } else {
      settings.put("split", choice.split().map(StudySplit::label).orElse("all"));
    }
    if (chosen.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          Printable.escaped(folder.toString())
              + " has no film of "
              + (choice.folds().isPresent()
                  ? "fold " + choice.fold()
                  : "the split "
                      + choice.split().map(StudySplit::label).orElse("all")
                      + ": expected one in train_val_list.txt or test_list.txt"));
    }
    return new NihFilms(drawn(chosen, choice), known, settings, lost[0] == 0);
  }

  private static List<Film> drawn(List<Film> films, Choice choice) {
    if (choice.most() >= films.size()) {
      return films;
    }
    List<Film> shuffled = new ArrayList<>(films);
    Collections.shuffle(shuffled, new Random(choice.seed()));
    return shuffled.subList(0, choice.most());
  }
}
