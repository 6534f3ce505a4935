package org.radialog.tasks;

import java.util.EnumSet;
import java.util.List;
import java.util.SplittableRandom;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingsList;
import org.radialog.data.Film;
import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Task;

/**
 * Asks whether anything is wrong. The answer says what is there, without yes or no, which would
 * mean one thing for "is it normal?" and the other for "is anything abnormal?".
 */
final class NormalTask implements InstructTask {
  @Override
  public Talk open(InstructDataSet films, long n, boolean named, SplittableRandom random) {
    boolean yes = random.nextBoolean();
    List<Film> fitting = yes ? films.normal() : films.abnormal();
    boolean listed = named || fitting.isEmpty();
    Talk talk;
    if (listed) {
      Film film = films.inTurn(n);
      FindingsList list =
          yes ? FindingsList.of(EnumSet.noneOf(Finding.class)) : films.list(film, random);
      if (!yes && list.present().isEmpty() && list.uncertain().isEmpty()) {
        list = FindingsList.of(EnumSet.of(films.anyFinding(random)));
      }
      talk = films.talk(film, true, list, random);
    } else {
      talk = films.talk(Talk.pick(fitting, random), false, random);
    }
    ask(talk);
    return talk;
  }

  @Override
  public void ask(Talk talk) {
    talk.sayOfFindings(
        Task.NORMAL, Phrases.any("normal", talk.random()), () -> ReportGrammar.all(talk.stated()));
  }
}
