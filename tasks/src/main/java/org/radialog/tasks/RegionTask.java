package org.radialog.tasks;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.radialog.instruct.ReportGrammar;
import org.radialog.instruct.ReportGrammar.Region;
import org.radialog.tasks.InstructDialog.Task;

/** Asks for the heart, the lungs or the pleura. */
final class RegionTask implements InstructTask {
  // One wording for all answers, so that they do not depend on how the question is asked.
  private static final long WORDS = 5;

  @Override
  public void ask(Talk talk) {
    Region region = talk.pick(List.of(Region.values()));
    String name = region.name().toLowerCase(Locale.ROOT);
    talk.sayOfFindings(
        Task.REGION,
        Phrases.any(name, talk.random()),
        () -> {
          String told =
              ReportGrammar.sentences(region, talk.stated(), talk.denied(), WORDS).stream()
                  .map(ReportGrammar.Sentence::text)
                  .collect(Collectors.joining(" "));
          return told.isEmpty()
              ? "I cannot say: the %s %s not assessed."
                  .formatted(name, region == Region.LUNGS ? "were" : "was")
              : told;
        });
  }
}
