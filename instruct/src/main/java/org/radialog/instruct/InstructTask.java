package org.radialog.instruct;

import java.util.SplittableRandom;
import org.radialog.data.Film;

/**
 * One kind of request and its answer. A new task is a class and a constant of {@link
 * InstructDialog.Task}; {@link InstructMix} determines how often it is asked.
 */
interface InstructTask {
  /**
   * A dialog that begins with this task. If its answers must be balanced, a film or a list for the
   * prompt is chosen for the answer and not the answer for the film.
   *
   * @param n the number of the dialog, which determines the film in turn
   * @param named whether the prompt should name the findings; it may do so in any case if no film
   *     fits
   */
  default Talk open(InstructDataSet films, long n, boolean named, SplittableRandom random) {
    Film film = films.inTurn(n);
    Talk talk =
        new Talk(film, named, named ? films.list(film, random) : films.seen(film, random), random);
    ask(talk);
    return talk;
  }

  /** Adds a request and its answer to a dialog; if the task has none, that of another task. */
  void ask(Talk talk);

  /** Whether it may be asked more than once in a dialog. */
  default boolean repeatable() {
    return false;
  }
}
