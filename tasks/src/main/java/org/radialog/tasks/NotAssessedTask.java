package org.radialog.tasks;

import org.radialog.tasks.InstructDialog.Task;

/** A question about something that no label covers; the answer says so. */
final class NotAssessedTask implements InstructTask {
  @Override
  public void ask(Talk talk) {
    var asked = talk.pick(InstructPhrases.NOT_ASSESSED);
    talk.say(Task.NOT_ASSESSED, asked.question(), asked.answer());
  }
}
