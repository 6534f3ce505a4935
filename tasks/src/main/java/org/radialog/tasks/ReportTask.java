package org.radialog.tasks;

import org.radialog.clinical.SmolLm2Format;
import org.radialog.clinical.Turn;
import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Task;

/** The findings section of a report. */
final class ReportTask implements InstructTask {
  @Override
  public void ask(Talk talk) {
    // The wording that RaDialog itself uses is the most frequent.
    String request =
        talk.random().nextInt(2) == 0
            ? SmolLm2Format.FORMAT.request(new Turn.Report())
            : talk.pick(InstructPhrases.REPORT);
    talk.say(
        Task.REPORT,
        request,
        ReportGrammar.report(talk.stated(), talk.film().view(), talk.words()));
  }
}
