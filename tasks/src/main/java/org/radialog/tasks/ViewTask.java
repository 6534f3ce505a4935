package org.radialog.tasks;

import java.util.List;
import org.radialog.clinical.View;
import org.radialog.tasks.InstructDialog.Task;

/** Asks whether the film is a PA or an AP view. */
final class ViewTask implements InstructTask {
  @Override
  public void ask(Talk talk) {
    String name =
        switch (talk.film().view()) {
          case PA -> "a PA view";
          case AP -> "an AP view";
          case LATERAL -> "a lateral view";
          case UNKNOWN -> "";
        };
    if (name.isEmpty()) {
      talk.say(
          Task.VIEW, Phrases.any("view", talk.random()), "I cannot say: the view is not known.");
    } else if (talk.random().nextInt(3) == 0) {
      View supposed = talk.random().nextBoolean() ? View.PA : View.AP;
      String request =
          supposed == View.PA
              ? talk.pick(List.of("Is this a PA view?", "Is this a PA film?"))
              : talk.pick(List.of("Is this an AP view?", "Is this an AP film?"));
      talk.say(
          Task.VIEW,
          request,
          (supposed == talk.film().view() ? "Yes" : "No") + ", this is " + name + ".");
    } else {
      talk.say(Task.VIEW, Phrases.any("view", talk.random()), "This is " + name + ".");
    }
  }
}
