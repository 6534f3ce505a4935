package org.radialog.tasks;

import org.radialog.clinical.Finding;
import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Task;

/** Doubts an answer: the answer says what it rests on and how far that carries. */
final class SureTask implements InstructTask {
  @Override
  public void ask(Talk talk) {
    if (talk.random().nextInt(3) == 0) {
      Finding finding = talk.anyFinding();
      talk.sayOf(
          finding,
          Task.SURE,
          Phrases.any("sure of", finding, talk.random()),
          () -> answer(talk, finding));
    } else if (talk.last().isPresent()) {
      Finding finding = talk.last().get();
      talk.sayOf(
          finding, Task.SURE, Phrases.any("sure", talk.random()), () -> answer(talk, finding));
    } else {
      talk.sayOfFindings(
          Task.SURE,
          Phrases.any("sure", talk.random()),
          () -> "I can be wrong: look at the probability beside each finding, and at the film.");
    }
  }

  private static String answer(Talk talk, Finding finding) {
    String wrong = " I can be wrong: look at its probability, and at the film.";
    return switch (talk.state(finding)) {
      case PRESENT ->
          "The list of findings says that there is "
              + ReportGrammar.withArticle(finding)
              + "."
              + wrong;
      case UNCERTAIN ->
          "The list of findings says that "
              + ReportGrammar.withArticle(finding)
              + " cannot be excluded."
              + wrong;
      case ABSENT ->
          "The list of findings says that there is no " + ReportGrammar.name(finding) + "." + wrong;
      case NOT_MENTIONED -> talk.open(finding);
    };
  }
}
