package org.radialog.tasks;

import org.radialog.tasks.InstructDialog.Task;

/** Asks what a term means; the answer says nothing about the film. */
final class KnowledgeTask implements InstructTask {
  @Override
  public void ask(Talk talk) {
    String[] term = Phrases.any("terms", talk.random()).split(": ", 2);
    String request =
        Phrases.sentence(
            Phrases.any("what is", talk.random())
                .replace("<a x>", withArticle(term[0]))
                .replace("<x>", term[0]));
    talk.say(Task.KNOWLEDGE, request, "The term %s means %s.".formatted(term[0], term[1]));
  }

  private static String withArticle(String term) {
    boolean counted =
        !term.endsWith("s")
            && !term.matches(
                "pneumonia|.* edema|.*megaly|.*tion|.*opacity|.*thickening|.*ema|COPD|.*failure");
    return counted ? (term.matches("[aeiouAEIOU].*") ? "an " : "a ") + term : term;
  }
}
