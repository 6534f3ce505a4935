package org.radialog.tasks;

import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Task;

/** The present and the possible findings as a list. */
final class ListTask implements InstructTask {
  @Override
  public void ask(Talk talk) {
    boolean ofReport = talk.asked(Task.REPORT) && talk.random().nextInt(3) == 0;
    talk.sayOfFindings(
        Task.LIST,
        Phrases.any(ofReport ? "list of report" : "list", talk.random()),
        () -> ReportGrammar.all(talk.stated()));
  }
}
