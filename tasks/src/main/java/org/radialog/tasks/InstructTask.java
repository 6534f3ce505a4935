package org.radialog.tasks;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import org.radialog.clinical.Finding;
import org.radialog.data.Film;
import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Exchange;
import org.radialog.tasks.InstructDialog.Task;

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

  /** A dialog under construction. */
  final class Talk {
    private final Film film;
    private final boolean named;
    private final Set<Finding> list;
    private final SplittableRandom random;
    private final long words;
    private final List<Exchange> exchanges = new ArrayList<>();
    private Set<Finding> stated;

    /**
     * A dialog without a turn.
     *
     * @param named whether the prompt names the findings
     * @param truth what is true in the dialog
     */
    Talk(Film film, boolean named, Collection<Finding> truth, SplittableRandom random) {
      this.film = film;
      this.named = named;
      this.list = ReportGrammar.stated(truth);
      this.stated = list;
      this.random = random;
      this.words = random.nextLong();
    }

    InstructDialog done() {
      return new InstructDialog(
          film.image(), named ? Optional.of(list) : Optional.empty(), exchanges);
    }

    Film film() {
      return film;
    }

    SplittableRandom random() {
      return random;
    }

    /**
     * A seed for the wording, the same in all turns, so that a corrected report keeps its
     * sentences.
     */
    long words() {
      return words;
    }

    /** The findings that are present according to the dialog so far. */
    Set<Finding> stated() {
      return stated;
    }

    /** Sets the findings that are present from now on. */
    void state(EnumSet<Finding> findings) {
      stated = Collections.unmodifiableSet(EnumSet.copyOf(findings));
    }

    /** Adds a turn. */
    void say(Task task, String request, String answer) {
      exchanges.add(new Exchange(task, request, answer, stated));
    }

    boolean asked(Task task) {
      return exchanges.stream().anyMatch(exchange -> exchange.task() == task);
    }

    <T> T pick(List<T> options) {
      return pick(options, random);
    }

    static <T> T pick(List<T> options, SplittableRandom random) {
      return options.get(random.nextInt(options.size()));
    }
  }
}
