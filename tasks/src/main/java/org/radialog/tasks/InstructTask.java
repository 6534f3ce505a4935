package org.radialog.tasks;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.FindingsList;
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
        films.talk(
            film, named, named ? films.list(film, random) : films.seen(film, random), random);
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
    /** The answer to a question about the findings if none were given. */
    static final String NOT_TOLD =
        "I cannot say: no list of findings was given to me, and I cannot read the film without it.";

    /** The answer to whatever needs a film if the prompt shows none. */
    static final String NO_FILM =
        "I see no film: no chest radiograph was given to me. Please add one.";

    private final Film film;
    private final boolean shown;
    private final boolean named;
    private final boolean told;
    private final FindingsList list;
    private final Set<Finding> assessed;
    private final Set<Finding> denied;
    private final SplittableRandom random;
    private final long words;
    private final List<Exchange> exchanges = new ArrayList<>();
    private FindingsList stated;
    private Optional<Finding> last = Optional.empty();

    /**
     * A dialog without a turn.
     *
     * @param shown whether the prompt shows the film
     * @param named whether the prompt names the findings
     * @param told whether the answers tell the findings
     * @param truth what is true in the dialog
     * @param calls which findings are assessed, and which are absent if they are not listed
     */
    Talk(
        Film film,
        boolean shown,
        boolean named,
        boolean told,
        FindingsList truth,
        Calls calls,
        SplittableRandom random) {
      this.film = film;
      this.shown = shown;
      this.named = named;
      this.told = told;
      this.list =
          Calls.named(
              ReportGrammar.stated(truth.present()), ReportGrammar.stated(truth.uncertain()));
      this.stated = list;
      this.assessed = ReportGrammar.stated(calls.assessed());
      this.denied = ReportGrammar.stated(calls.denied());
      this.random = random;
      this.words = random.nextLong();
    }

    InstructDialog done() {
      return new InstructDialog(
          shown ? Optional.of(film.image()) : Optional.empty(),
          shown && named ? Optional.of(list) : Optional.empty(),
          exchanges);
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

    /** The findings that are present and possible according to the dialog so far. */
    FindingsList stated() {
      return stated;
    }

    /** The findings that are absent if they are not listed. */
    Set<Finding> denied() {
      return denied;
    }

    /** Whether the prompt shows the film. */
    boolean shown() {
      return shown;
    }

    /** Whether the answers tell the findings. */
    boolean told() {
      return told;
    }

    /** Whether nothing is present or possible. */
    boolean nothing() {
      return stated.present().isEmpty() && stated.uncertain().isEmpty();
    }

    /**
     * The state of a finding: that of the list, or what follows from it by CheXpert's hierarchy;
     * not mentioned if it is not assessed, or not listed and too often missed to be absent.
     */
    FindingState state(Finding finding) {
      if (stated.present().contains(finding)) {
        return FindingState.PRESENT;
      }
      if (stated.uncertain().contains(finding)) {
        return FindingState.UNCERTAIN;
      }
      if (!assessed.contains(finding)) {
        return FindingState.NOT_MENTIONED;
      }
      if (stated.present().stream().anyMatch(other -> descends(other, finding))) {
        return FindingState.PRESENT;
      }
      if (stated.uncertain().stream().anyMatch(other -> descends(other, finding))) {
        return FindingState.UNCERTAIN;
      }
      return denied.contains(finding) ? FindingState.ABSENT : FindingState.NOT_MENTIONED;
    }

    /** The answer to a question for a finding that is not mentioned. */
    String open(Finding finding) {
      return assessed.contains(finding)
          ? "I cannot say whether there is %s: it is often missed."
              .formatted(ReportGrammar.withArticle(finding))
          : "I cannot say: " + ReportGrammar.name(finding) + " was not assessed.";
    }

    /** Whether {@code ancestor} is above {@code finding} in the hierarchy. */
    static boolean descends(Finding finding, Finding ancestor) {
      return finding.ancestors().contains(ancestor);
    }

    /** The findings in a state, in column order. */
    List<Finding> in(FindingState state) {
      return ReportGrammar.FINDINGS.stream().filter(finding -> state(finding) == state).toList();
    }

    /** A finding to ask about: mostly one that is there, if there is one. */
    Finding anyFinding() {
      var there = EnumSet.noneOf(Finding.class);
      there.addAll(stated.present());
      there.addAll(stated.uncertain());
      return pick(
          there.isEmpty() || random.nextInt(4) == 0
              ? List.copyOf(ReportGrammar.FINDINGS)
              : List.copyOf(there));
    }

    /** The finding that the last turn was about. */
    Optional<Finding> last() {
      return last;
    }

    /** Sets the findings that are present and possible from now on. */
    void state(FindingsList findings) {
      stated = Calls.named(findings.present(), findings.uncertain());
    }

    /** Adds a turn with the words of the program. */
    void sayAsWritten(Task task, String request, String answer) {
      last = Optional.empty();
      boolean answered = shown || task == Task.KNOWLEDGE || task == Task.OUTSIDE;
      exchanges.add(new Exchange(task, request, answered ? answer : NO_FILM, stated));
    }

    /** Adds a turn with the words of a user, as somebody might type them. */
    void say(Task task, String request, String answer) {
      sayAsWritten(task, Typing.of(request, random), answer);
    }

    /** Adds a turn about one finding, whose answer tells the findings. */
    void sayOf(Finding finding, Task task, String request, Supplier<String> answer) {
      sayOfFindings(task, request, answer);
      last = Optional.of(finding);
    }

    /** Adds a turn whose answer tells the findings; if none were given, the answer says so. */
    void sayOfFindings(Task task, String request, Supplier<String> answer) {
      say(task, request, told ? answer.get() : NOT_TOLD);
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
