package org.radialog.tasks;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.SplittableRandom;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.FindingsList;
import org.radialog.data.Film;
import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Task;

/**
 * Asks for one finding. However the question is worded, the answer is the same: a user who asks
 * twice should not read two answers.
 */
final class BinaryTask implements InstructTask {
  private static final double TURNED_AROUND = 0.15;

  @Override
  public boolean repeatable() {
    return true;
  }

  /**
   * Chooses the film, or the list in the prompt, for the answer, so that yes and no are balanced.
   */
  @Override
  public Talk open(InstructDataSet films, long n, boolean named, SplittableRandom random) {
    Finding finding = films.anyFinding(random);
    int drawn = random.nextInt(20);
    FindingState wanted =
        drawn < 8
            ? FindingState.PRESENT
            : drawn < 16 || !films.assessed().contains(finding)
                ? FindingState.ABSENT
                : FindingState.UNCERTAIN;
    List<Film> fitting =
        wanted == FindingState.PRESENT ? films.with(finding) : films.denying(finding);
    Talk talk;
    if (named || fitting.isEmpty() || wanted == FindingState.UNCERTAIN) {
      Film film = films.inTurn(n);
      talk = films.talk(film, true, listed(films.list(film, random), finding, wanted), random);
    } else {
      talk = films.talk(Talk.pick(fitting, random), false, random);
    }
    ask(talk, finding);
    return talk;
  }

  /** A list in which the finding has the wanted state. */
  private static FindingsList listed(FindingsList list, Finding finding, FindingState wanted) {
    var present = EnumSet.noneOf(Finding.class);
    present.addAll(list.present());
    var uncertain = EnumSet.noneOf(Finding.class);
    uncertain.addAll(list.uncertain());
    present.remove(finding);
    uncertain.remove(finding);
    // What would imply another state of it.
    if (wanted != FindingState.PRESENT) {
      present.removeIf(other -> Talk.descends(other, finding));
    }
    if (wanted == FindingState.ABSENT) {
      uncertain.removeIf(other -> Talk.descends(other, finding));
    }
    if (wanted == FindingState.PRESENT) {
      present.add(finding);
    } else if (wanted == FindingState.UNCERTAIN) {
      uncertain.add(finding);
    }
    return Calls.named(present, uncertain);
  }

  /** Asks for a finding in a state that is drawn first, so that yes and no are balanced. */
  @Override
  public void ask(Talk talk) {
    var states = new ArrayList<FindingState>();
    for (FindingState state : FindingState.values()) {
      if (!talk.in(state).isEmpty()) {
        states.add(state);
      }
    }
    boolean both = states.contains(FindingState.PRESENT) && states.contains(FindingState.ABSENT);
    if (both && talk.random().nextInt(4) > 0) {
      states.retainAll(EnumSet.of(FindingState.PRESENT, FindingState.ABSENT));
    } else if (states.size() > 1) {
      // Without its opposite each of the two would be the answer that is always right.
      states.removeAll(EnumSet.of(FindingState.PRESENT, FindingState.ABSENT));
      if (states.isEmpty()) {
        states.addAll(EnumSet.of(FindingState.PRESENT, FindingState.ABSENT));
      }
    }
    List<Finding> asked = talk.in(talk.pick(states));
    // Lung opacity follows from most findings: if it were asked for as often as they, yes would
    // always be right.
    List<Finding> named = asked.stream().filter(finding -> named(talk, finding)).toList();
    ask(talk, talk.pick(named.isEmpty() || talk.random().nextInt(5) == 0 ? asked : named));
  }

  private static boolean named(Talk talk, Finding finding) {
    return switch (talk.state(finding)) {
      case PRESENT -> talk.stated().present().contains(finding);
      case UNCERTAIN -> talk.stated().uncertain().contains(finding);
      case ABSENT, NOT_MENTIONED -> true;
    };
  }

  private static void ask(Talk talk, Finding finding) {
    SplittableRandom random = talk.random();
    if (random.nextDouble() < TURNED_AROUND) {
      talk.sayOf(
          finding,
          Task.BINARY,
          Phrases.any("turned around", finding, random),
          () -> told(talk, finding));
      return;
    }
    int kind = random.nextInt(12);
    String request =
        kind == 0
            ? "Is there any " + finding.label() + "?"
            : kind < 3
                ? Phrases.any("questions of " + finding.label(), random)
                : kind < 6
                    ? "Is there %s?".formatted(ReportGrammar.withArticle(finding))
                    : Phrases.any("yes or no", finding, random);
    talk.sayOf(finding, Task.BINARY, request, () -> answer(talk, finding));
  }

  /** The answer to a question of yes or no. */
  private static String answer(Talk talk, Finding finding) {
    return switch (talk.state(finding)) {
      case PRESENT -> "Yes, there is " + ReportGrammar.withArticle(finding) + ".";
      case UNCERTAIN -> "Possibly, " + ReportGrammar.withArticle(finding) + " cannot be excluded.";
      case ABSENT -> "No, there is no " + ReportGrammar.name(finding) + ".";
      case NOT_MENTIONED -> talk.open(finding);
    };
  }

  /** The state of a finding in a sentence, for a question to which a bare yes could mean both. */
  static String told(Talk talk, Finding finding) {
    return switch (talk.state(finding)) {
      case PRESENT -> "There is " + ReportGrammar.withArticle(finding) + ".";
      case UNCERTAIN ->
          ReportGrammar.sentenceCase(ReportGrammar.withArticle(finding)) + " cannot be excluded.";
      case ABSENT -> "There is no " + ReportGrammar.name(finding) + ".";
      case NOT_MENTIONED -> talk.open(finding);
    };
  }
}
