package org.radialog.tasks;

import org.radialog.clinical.SmolLm2Format;
import org.radialog.clinical.Turn;
import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Task;

/** A report in one sentence. */
final class SummaryTask implements InstructTask {
  @Override
  public void ask(Talk talk) {
    String request =
        talk.random().nextInt(3) == 0
            ? SmolLm2Format.FORMAT.request(new Turn.Summary())
            : Phrases.any("summary", talk.random());
    talk.sayOfFindings(
        Task.SUMMARY,
        request,
        () -> ReportGrammar.summary(talk.stated(), talk.film().view(), talk.words()));
  }
}
