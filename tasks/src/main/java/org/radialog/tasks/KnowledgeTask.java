package org.radialog.tasks;

import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Task;

/** Asks what a term means; the answer says nothing about the film. */
final class KnowledgeTask implements InstructTask {
  @Override
  public void ask(Talk talk) {
    String[] term = Phrases.any("terms", talk.random()).split(": ", 2);
    String name = Phrases.bare(term[0]);
    String request =
        Phrases.any("what is", talk.random()).replace("<a x>", term[0]).replace("<x>", name);
    talk.say(
        Task.KNOWLEDGE,
        ReportGrammar.sentenceCase(request),
        "The term %s means %s.".formatted(name, term[1]));
  }
}
