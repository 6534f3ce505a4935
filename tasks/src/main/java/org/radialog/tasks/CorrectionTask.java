package org.radialog.tasks;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.radialog.clinical.Finding;
import org.radialog.clinical.SmolLm2Format;
import org.radialog.clinical.Turn;
import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Task;

/** The user names the errors of a report; the answer is the corrected report. */
final class CorrectionTask implements InstructTask {
  @Override
  public void ask(Talk talk) {
    var missing = new ArrayList<>(ReportGrammar.FINDINGS);
    missing.removeAll(talk.stated());
    var wrong = new ArrayList<>(talk.stated());
    int kind = talk.random().nextInt(3);
    var add = EnumSet.noneOf(Finding.class);
    var remove = EnumSet.noneOf(Finding.class);
    if (kind != 0 || wrong.isEmpty()) {
      take(missing, add, talk.random());
    }
    if (kind != 1 || missing.isEmpty()) {
      take(wrong, remove, talk.random());
    }
    var corrected = EnumSet.noneOf(Finding.class);
    corrected.addAll(talk.stated());
    corrected.addAll(add);
    corrected.removeAll(remove);
    String request =
        talk.random().nextInt(2) == 0
            ? SmolLm2Format.FORMAT.request(new Turn.Correction(add, remove, Set.of()))
            : InstructPhrases.correction(add, remove, talk.random());
    talk.state(corrected);
    talk.say(
        Task.CORRECTION,
        request,
        ReportGrammar.report(talk.stated(), talk.film().view(), talk.words()));
  }

  /** Takes one of {@code from}, sometimes two. */
  private static void take(List<Finding> from, Set<Finding> to, SplittableRandom random) {
    int count = random.nextInt(4) == 0 ? 2 : 1;
    for (int i = 0; i < count && !from.isEmpty(); i++) {
      to.add(from.remove(random.nextInt(from.size())));
    }
  }
}
