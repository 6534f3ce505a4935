package org.radialog.tasks;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.radialog.clinical.Finding;
import org.radialog.data.Film;
import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Task;

/** Asks whether any finding is present. */
final class NormalTask implements InstructTask {
  @Override
  public Talk open(InstructDataSet films, long n, boolean named, SplittableRandom random) {
    boolean yes = random.nextBoolean();
    List<Film> fitting = yes ? films.normal() : films.abnormal();
    boolean listed = named || fitting.isEmpty();
    Film film = listed ? films.inTurn(n) : Talk.pick(fitting, random);
    Set<Finding> truth = film.present();
    if (listed) {
      var list = EnumSet.noneOf(Finding.class);
      if (!yes) {
        list.addAll(films.list(film, random));
        if (list.isEmpty()) {
          list.add(films.anyFinding(random));
        }
      }
      truth = list;
    }
    Talk talk = new Talk(film, listed, truth, random);
    ask(talk);
    return talk;
  }

  @Override
  public void ask(Talk talk) {
    String answer =
        talk.stated().isEmpty()
            ? "Yes, no abnormality of the heart, lungs or pleura is seen."
            : "No, there is " + ReportGrammar.listWithArticles(talk.stated()) + ".";
    talk.say(Task.NORMAL, talk.pick(InstructPhrases.NORMAL), answer);
  }
}
