package org.radialog.tasks;

import java.util.List;
import org.radialog.tasks.InstructDialog.Task;

/** What is no question about the film: a short, polite answer. */
final class OutsideTask implements InstructTask {
  /**
   * A kind of request.
   *
   * @param share its weight among the kinds
   * @param withoutFilm the answer if the prompt shows no film
   */
  private record Kind(String list, int share, String answer, String withoutFilm) {
    Kind(String list, int share, String answer) {
      this(list, share, answer, answer);
    }
  }

  private static final String ONLY_THIS_FILM =
      "I can only help with this chest radiograph: its findings, the report and what they mean.";

  private static final String ONLY_FILMS =
      "I can only help with chest radiographs: their findings, the report and what they mean.";

  private static final List<Kind> KINDS =
      List.of(
          new Kind("off topic", 6, ONLY_THIS_FILM, ONLY_FILMS),
          new Kind("injection", 4, ONLY_THIS_FILM, ONLY_FILMS),
          new Kind(
              "language",
              4,
              "I can only answer in English. You can ask me about the findings on this chest"
                  + " radiograph.",
              "I can only answer in English. You can ask me about a chest radiograph."),
          new Kind(
              "advice",
              3,
              "I cannot give medical advice. Please ask the doctor who knows the patient."),
          new Kind("thanks", 2, "You are welcome."),
          new Kind(
              "hello",
              2,
              "Hello. You can ask me about this chest radiograph.",
              "Hello. Please add a chest radiograph, then you can ask me about it."),
          new Kind("bye", 1, "Goodbye."),
          new Kind(
              "who",
              2,
              "I am RaDialog, a research program that describes chest radiographs. I am not a"
                  + " doctor."),
          new Kind(
              "abilities",
              2,
              "I can write a report, an impression or a summary, answer questions about the heart,"
                  + " the lungs and the pleura, explain the findings in plain words, and correct"
                  + " the report."));

  private static final int ALL = KINDS.stream().mapToInt(Kind::share).sum();

  @Override
  public boolean repeatable() {
    return true;
  }

  @Override
  public void ask(Talk talk) {
    int drawn = talk.random().nextInt(ALL);
    for (Kind kind : KINDS) {
      drawn -= kind.share;
      if (drawn < 0) {
        String wording = Phrases.any(kind.list, talk.random());
        talk.say(
            Task.OUTSIDE,
            Phrases.names(wording)
                ? Phrases.fill(wording, talk.anyFinding(), talk.random())
                : wording,
            talk.shown() ? kind.answer : kind.withoutFilm);
        return;
      }
    }
  }
}
