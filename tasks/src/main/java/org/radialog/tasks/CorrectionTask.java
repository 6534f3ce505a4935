package org.radialog.tasks;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.SmolLm2Format;
import org.radialog.clinical.Turn;
import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Task;

/** The user names the errors of a report; the answer is the corrected report. */
final class CorrectionTask implements InstructTask {
  @Override
  public void ask(Talk talk) {
    var missing = new ArrayList<>(ReportGrammar.FINDINGS);
    missing.removeAll(talk.stated().present());
    var wrong = new ArrayList<>(talk.stated().present());
    wrong.addAll(talk.stated().uncertain());
    int kind = talk.random().nextInt(7);
    var add = EnumSet.noneOf(Finding.class);
    var remove = EnumSet.noneOf(Finding.class);
    var doubt = EnumSet.noneOf(Finding.class);
    // What follows from a finding that is there cannot be called possible.
    List<Finding> open =
        ReportGrammar.FINDINGS.stream()
            .filter(finding -> !talk.stated().uncertain().contains(finding))
            .filter(finding ->
                talk.stated().present().stream().noneMatch(f -> Talk.descends(f, finding)))
            .toList();
    if (kind == 6 && !open.isEmpty()) {
      take(new ArrayList<>(open), doubt, talk.random());
    } else {
      if (kind > 1 || wrong.isEmpty()) {
        take(missing, add, talk.random());
      }
      if (kind < 4 || missing.isEmpty()) {
        wrong.removeAll(add);
        take(wrong, remove, talk.random());
      }
    }
    boolean asWritten = talk.random().nextInt(2) == 0;
    FindingsList corrected = corrected(talk.stated(), add, remove, doubt);
    talk.state(corrected);
    String report =
        ReportGrammar.report(talk.stated(), talk.denied(), talk.film().view(), talk.words());
    if (asWritten) {
      talk.sayAsWritten(
          Task.CORRECTION,
          SmolLm2Format.FORMAT.request(new Turn.Correction(add, remove, doubt)),
          report);
    } else {
      talk.say(Task.CORRECTION, request(add, remove, doubt, talk.random()), report);
    }
  }

  private static FindingsList corrected(
      FindingsList list, Set<Finding> add, Set<Finding> remove, Set<Finding> doubt) {
    var present = EnumSet.noneOf(Finding.class);
    present.addAll(list.present());
    present.addAll(add);
    present.removeAll(remove);
    present.removeAll(doubt);
    var uncertain = EnumSet.noneOf(Finding.class);
    uncertain.addAll(list.uncertain());
    uncertain.addAll(doubt);
    uncertain.removeAll(remove);
    uncertain.removeAll(add);
    // What is not there has no kinds of it that are.
    for (Finding gone : remove) {
      present.removeIf(other -> !add.contains(other) && Talk.descends(other, gone));
      uncertain.removeIf(other -> !doubt.contains(other) && Talk.descends(other, gone));
    }
    return Calls.named(present, uncertain);
  }

  private static String request(
      Set<Finding> add, Set<Finding> remove, Set<Finding> doubt, SplittableRandom random) {
    if (!doubt.isEmpty()) {
      return fill(Phrases.any("doubt", random), doubt, Set.of());
    }
    if (remove.isEmpty()) {
      return fill(Phrases.any("add", random), add, Set.of());
    }
    return add.isEmpty()
        ? fill(Phrases.any("remove", random), remove, Set.of())
        : fill(Phrases.any("add and remove", random), add, remove);
  }

  private static String fill(String wording, Collection<Finding> one, Collection<Finding> other) {
    boolean negated = wording.contains("no <x>") || wording.contains("any <x>");
    return ReportGrammar.sentenceCase(
        wording
            .replace("<a x>", ReportGrammar.listWithArticles(one))
            .replace("<x>", ReportGrammar.list(one, negated ? "or" : "and"))
            .replace("<y>", ReportGrammar.list(other, "or")));
  }

  /** Takes one of {@code from}, sometimes two. */
  private static void take(List<Finding> from, Set<Finding> to, SplittableRandom random) {
    int count = random.nextInt(4) == 0 ? 2 : 1;
    for (int i = 0; i < count && !from.isEmpty(); i++) {
      to.add(from.remove(random.nextInt(from.size())));
    }
  }
}
