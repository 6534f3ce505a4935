package org.radialog.tasks;

import org.radialog.clinical.SmolLm2Format;
import org.radialog.clinical.Turn;
import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Task;

/** The impression of a report. */
final class ImpressionTask implements InstructTask {
  @Override
  public void ask(Talk talk) {
    String request =
        talk.random().nextInt(3) == 0
            ? SmolLm2Format.FORMAT.request(new Turn.Impression())
            : Phrases.any("impression", talk.random());
    talk.sayOfFindings(
        Task.IMPRESSION, request, () -> ReportGrammar.impression(talk.stated(), talk.words()));
  }
}
