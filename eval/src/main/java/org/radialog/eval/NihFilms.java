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
 * Films of the NIH that a model is asked about.
 *
 * @param chosen those asked about, one or more
 * @param known others, that a baseline may learn from
 * @param settings which they are
 * @param whole whether everything that the data set names could be used
 */
public record NihFilms(
    List<Film> chosen, List<Film> known, SequencedMap<String, Object> settings, boolean whole) {
  /**
   * Which films are taken.
   *
   * @param folds of patients; empty for a release that is taken by its own lists
   * @param fold the one asked about
   * @param split of a release without folds; empty for all its films
   * @param most as many films are drawn, if there are more
   * @param seed of that draw
   */
  public record Choice(
      Optional<Folds> folds, int fold, Optional<StudySplit> split, int most, long seed) {}

  public NihFilms {
    chosen = List.copyOf(chosen);
    known = List.copyOf(known);
    settings = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(settings));
  }

  /**
   * Reads the labels of a folder and takes films.
   *
   * @param rejected hears of each row or image that cannot be used
   * @throws RadialogException if there is no such film
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
