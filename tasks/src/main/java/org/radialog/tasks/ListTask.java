package org.radialog.tasks;

import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Task;

/** The present findings as a list. */
final class ListTask implements InstructTask {
  @Override
  public void ask(Talk talk) {
    String answer =
        talk.stated().isEmpty()
            ? "There are no findings."
            : "There is " + ReportGrammar.listWithArticles(talk.stated()) + ".";
    talk.say(
        Task.LIST,
        talk.pick(talk.asked(Task.REPORT) ? InstructPhrases.LIST_OF_REPORT : InstructPhrases.LIST),
        answer);
  }
}
