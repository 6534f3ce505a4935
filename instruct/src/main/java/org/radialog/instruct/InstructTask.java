package org.radialog.instruct;

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
import org.radialog.instruct.InstructDialog.Exchange;
import org.radialog.instruct.InstructDialog.Task;

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

  /** A dialog in the making. */
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
     * A seed of the wording, the same in all turns: a report keeps its sentences when corrected.
     */
    long words() {
      return words;
    }

    /** The findings that are present as far as the dialog goes. */
    Set<Finding> stated() {
      return stated;
    }

    /** From now on these are present. */
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
