package org.radialog.tasks;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.radialog.clinical.Finding;
import org.radialog.data.Film;
import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Task;

/** Asks whether one finding is present. */
final class BinaryTask implements InstructTask {
  @Override
  public boolean repeatable() {
    return true;
  }

  /**
   * Chooses the film, or the list in the prompt, for the answer, so that yes and no are balanced.
   */
  @Override
  public Talk open(InstructDataSet films, long n, boolean named, SplittableRandom random) {
    Finding finding = films.anyFinding(random);
    boolean yes = random.nextBoolean();
    List<Film> fitting = yes ? films.with(finding) : films.denying(finding);
    Talk talk;
    if (named || fitting.isEmpty()) {
      Film film = films.inTurn(n);
      var list = EnumSet.noneOf(Finding.class);
      list.addAll(films.list(film, random));
      if (yes) {
        list.add(finding);
      } else {
        list.remove(finding);
        list.removeIf(other -> !ReportGrammar.denied(Set.of(other)).contains(finding));
      }
      talk = new Talk(film, true, list, random);
    } else {
      Film film = Talk.pick(fitting, random);
      talk = new Talk(film, false, film.present(), random);
    }
    ask(talk, finding, yes);
    return talk;
  }

  /** Asks only if both answers are possible, so that yes and no are balanced. */
  @Override
  public void ask(Talk talk) {
    var yes = new ArrayList<>(talk.stated());
    var no = new ArrayList<>(ReportGrammar.denied(talk.stated()));
    if (yes.isEmpty() || no.isEmpty()) {
      if (!talk.asked(Task.VIEW)) {
        Task.VIEW.task().ask(talk);
      }
      return;
    }
    boolean answer = talk.random().nextBoolean();
    ask(talk, talk.pick(answer ? yes : no), answer);
  }

  private static void ask(Talk talk, Finding finding, boolean yes) {
    String name = InstructPhrases.asked(finding, talk.random());
    String request = talk.pick(InstructPhrases.BINARY).formatted(name);
    if (talk.random().nextInt(5) == 0) {
      request = "Is there any " + finding.label() + "?";
    } else if (talk.random().nextInt(6) == 0) {
      request = talk.pick(InstructPhrases.LAY.getOrDefault(finding, List.of(request)));
    }
    String answered = ReportGrammar.withArticle(finding);
    String answer =
        talk.random().nextInt(2) == 0
            ? (yes ? "Yes, there is %s." : "No, there is no %s.")
                .formatted(yes ? answered : ReportGrammar.name(finding))
            : (yes ? "Yes, %s is present." : "No, %s is not seen.").formatted(answered);
    talk.say(Task.BINARY, request, answer);
  }
}
