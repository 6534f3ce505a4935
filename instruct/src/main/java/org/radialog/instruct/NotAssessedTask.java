package org.radialog.instruct;

import org.radialog.instruct.InstructDialog.Task;

/** A question about something that no label covers; the answer says so. */
final class NotAssessedTask implements InstructTask {
  @Override
  public void ask(Talk talk) {
    var asked = talk.pick(InstructPhrases.NOT_ASSESSED);
    talk.say(Task.NOT_ASSESSED, asked.question(), asked.answer());
  }
}
