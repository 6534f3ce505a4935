package org.radialog.instruct;

import java.util.SplittableRandom;
import org.radialog.data.Film;

/**
 * One kind of request and its answer. A new one is a class of its own and a constant of {@link
 * InstructDialog.Task}; how often it is asked says {@link InstructMix}.
 */
interface InstructTask {
  /**
   * A dialog that begins with it. A task whose answers must be balanced chooses a film, or a list
   * for the prompt, for the answer and not the answer for the film.
   *
   * @param n the number of the dialog, which says whose film's turn it is
   * @param named whether the prompt is to name the findings; it may do so in any case where no film
   *     fits
   */
  default Talk open(InstructDataSet films, long n, boolean named, SplittableRandom random) {
    Film film = films.inTurn(n);
    Talk talk =
        new Talk(film, named, named ? films.list(film, random) : films.seen(film, random), random);
    ask(talk);
    return talk;
  }

  /** Adds a request and its answer to a dialog under way; another task's where it has none. */
  void ask(Talk talk);

  /** Whether it may be asked again in the same dialog. */
  default boolean repeatable() {
    return false;
  }
}
