package org.radialog.tasks;

import org.radialog.clinical.SmolLm2Format;
import org.radialog.clinical.Turn;
import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Task;

/** The findings section of a report. */
final class ReportTask implements InstructTask {
  @Override
  public void ask(Talk talk) {
    String report =
        talk.told()
            ? ReportGrammar.report(talk.stated(), talk.denied(), talk.film().view(), talk.words())
            : Talk.NOT_TOLD;
    // The wording that RaDialog itself uses is the most frequent.
    if (talk.random().nextInt(2) == 0) {
      talk.sayAsWritten(Task.REPORT, SmolLm2Format.FORMAT.request(new Turn.Report()), report);
    } else {
      talk.say(Task.REPORT, Phrases.any("report", talk.random()), report);
    }
  }
}
