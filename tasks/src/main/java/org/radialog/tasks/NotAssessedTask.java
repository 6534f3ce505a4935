package org.radialog.tasks;

import java.util.List;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.tasks.InstructDialog.Task;

/** A question about something that no label covers; the answer says so. */
final class NotAssessedTask implements InstructTask {
  private record Kind(String list, String answer) {}

  private static final List<Kind> KINDS =
      List.of(
          new Kind("place", "I cannot say: side and place were not assessed."),
          new Kind("size", "I cannot say: the size was not assessed."),
          new Kind("severity", "I cannot say: the severity was not assessed."),
          new Kind("appearance", "I cannot say: the appearance was not assessed."),
          new Kind("number", "I cannot say: the number was not assessed."),
          new Kind("change", "I cannot say: there is no earlier film to compare with."),
          new Kind("patient", "I cannot say: I know nothing about the patient but this film."),
          new Kind("quality", "I cannot say: the quality of the film was not assessed."));

  @Override
  public boolean repeatable() {
    return true;
  }

  @Override
  public void ask(Talk talk) {
    int drawn = talk.random().nextInt(12);
    if (drawn < 5) {
      String[] asked = Phrases.any("other things", talk.random()).split(": ", 2);
      talk.say(Task.NOT_ASSESSED, asked[1], "I cannot say: " + asked[0] + " not assessed.");
      return;
    }
    Kind kind = drawn < 8 ? KINDS.getFirst() : talk.pick(KINDS);
    String wording = Phrases.any(kind.list, talk.random());
    if (!Phrases.names(wording)) {
      talk.say(Task.NOT_ASSESSED, wording, kind.answer);
      return;
    }
    Finding finding = talk.anyFinding();
    talk.sayOf(
        finding,
        Task.NOT_ASSESSED,
        Phrases.fill(wording, finding, talk.random()),
        () -> {
          FindingState state = talk.state(finding);
          return state == FindingState.PRESENT || state == FindingState.UNCERTAIN
              ? kind.answer
              : BinaryTask.told(talk, finding);
        });
  }
}
