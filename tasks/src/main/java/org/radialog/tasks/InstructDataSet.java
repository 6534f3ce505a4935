package org.radialog.tasks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingsList;
import org.radialog.data.Film;
import org.radialog.data.Truth;
import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Task;
import org.radialog.tasks.InstructTask.Talk;

/**
 * Dialogs about films, generated from their labels and views: reports, questions about one finding,
 * a region and all findings, their reasons and meaning, the view, corrections, impressions,
 * summaries, and what users say besides. The n-th dialog depends only on the seed and n.
 *
 * <p>If the prompt names findings, all texts of the dialog follow that list, even if it was edited,
 * because the model should follow its user. The view always comes from the film. If the prompt
 * names no findings, the answers say that none were given; or, if the mix wants it, they follow the
 * labels of the film, in part as predicted by a classifier that was trained on other films, and
 * must be derived from the image.
 *
 * <p>Yes and no are equally frequent for each finding, because a film or a list is chosen for the
 * answer and not the answer for the film.
 */
public final class InstructDataSet {
  private static final List<Finding> FINDINGS = List.copyOf(ReportGrammar.FINDINGS);

  private final List<Film> films;
  private final Map<String, double[]> probabilities;
  private final Calls calls;
  private final InstructMix mix;
  private final long seed;
  private final Map<Finding, List<Film>> with = new EnumMap<>(Finding.class);
  private final Map<Finding, List<Film>> without = new EnumMap<>(Finding.class);
  private final List<Film> normal;
  private final List<Film> abnormal;

  /** The order of the films in one round; the last requested round is cached. */
  private record Round(long number, List<Integer> order) {}

  private volatile Round round = new Round(-1, List.of());

  /**
   * A mix over {@code films}.
   *
   * @param films of the training folds only; films are left out if they have neither a finding that
   *     a report can state nor No Finding (hernia, for example)
   * @param probabilities image to 14 probabilities of a classifier that was not trained on that
   *     film; either an entry for every film or none at all, in which case the labels are used
   * @param calls what is predicted from probabilities, and what is assessed at all
   * @throws RadialogException if only some films have probabilities, or if a number of values is
   *     wrong
   */
  public InstructDataSet(
      List<Film> films,
      Map<String, double[]> probabilities,
      Calls calls,
      InstructMix mix,
      long seed) {
    this.films =
        films.stream()
            .filter(film ->
                film.truth(Finding.NO_FINDING) == Truth.PRESENT
                    || !ReportGrammar.stated(film.present()).isEmpty())
            .toList();
    this.probabilities = Map.copyOf(probabilities);
    this.calls = calls;
    this.mix = mix;
    this.seed = seed;
    if (this.films.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "no film to generate dialogs for: expected films with labels, got " + films.size());
    }
    if (!probabilities.isEmpty()) {
      for (Film film : this.films) {
        double[] row = probabilities.get(film.image());
        if (row == null || row.length != Finding.COUNT) {
          throw new RadialogException(
              Kind.REFUSED_DATA,
              "%s: expected %d probabilities, got %s"
                  .formatted(film.image(), Finding.COUNT, row == null ? "none" : "" + row.length));
        }
      }
    }
    for (Finding finding : FINDINGS) {
      with.put(finding, select(film -> film.present().contains(finding)));
      without.put(finding, select(film -> ReportGrammar.denied(film.present()).contains(finding)));
    }
    normal = select(film -> ReportGrammar.stated(film.present()).isEmpty());
    abnormal = select(film -> !ReportGrammar.stated(film.present()).isEmpty());
  }

  private List<Film> select(Predicate<Film> which) {
    return films.stream().filter(which).toList();
  }

  /** The films that dialogs are generated for. */
  public List<Film> films() {
    return films;
  }

  /** The dialogs from {@code from} up to {@code to}, exclusive. */
  public List<InstructDialog> dialogs(long from, long to) {
    var dialogs = new ArrayList<InstructDialog>();
    for (long n = from; n < to; n++) {
      dialogs.add(dialog(n));
    }
    return dialogs;
  }

  /** The n-th dialog, for any n from 0. Each round uses every film once. */
  public InstructDialog dialog(long n) {
    var random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L + n);
    double kind = random.nextDouble();
    boolean named = random.nextDouble() >= mix.withoutFindings();
    if (kind < mix.report() + mix.reportDialog()) {
      Talk talk = Task.REPORT.task().open(this, n, named, random);
      if (kind >= mix.report()) {
        int further = 1 + random.nextInt(3);
        for (int i = 0; i < further; i++) {
          double task = random.nextDouble();
          if (task < mix.correction() && talk.told() && !talk.asked(Task.CORRECTION)) {
            Task.CORRECTION.task().ask(talk);
          } else {
            further(talk);
          }
        }
      }
      return talk.done();
    }
    Talk talk = drawn(mix.opening(), random, _ -> true).task().open(this, n, named, random);
    int further = random.nextInt(3);
    for (int i = 0; i < further; i++) {
      further(talk);
    }
    return talk.done();
  }

  private void further(Talk talk) {
    drawn(mix.further(), talk.random(), task -> task.task().repeatable() || !talk.asked(task))
        .task()
        .ask(talk);
  }

  /**
   * A task drawn by the shares; the share of a task that cannot be asked goes to the tasks after
   * it.
   */
  private static Task drawn(
      List<InstructMix.Share> shares, SplittableRandom random, Predicate<Task> allowed) {
    double drawn = random.nextDouble();
    double upTo = 0;
    for (InstructMix.Share share : shares) {
      upTo += share.share();
      if (drawn < upTo && allowed.test(share.of())) {
        return share.of();
      }
    }
    return shares.getLast().of();
  }

  /** The film of the n-th dialog: every round of {@code films.size()} dialogs is a permutation. */
  Film inTurn(long n) {
    long number = n / films.size();
    Round current = round;
    if (current.number() != number) {
      current = new Round(number, permutation(number));
      round = current;
    }
    return films.get(current.order().get((int) (n % films.size())));
  }

  private List<Integer> permutation(long number) {
    var order = new ArrayList<Integer>();
    for (int i = 0; i < films.size(); i++) {
      order.add(i);
    }
    var random = new SplittableRandom(seed ^ (number + 1) * 0xD1B54A32D192ED03L);
    for (int i = films.size() - 1; i > 0; i--) {
      Collections.swap(order, i, random.nextInt(i + 1));
    }
    return List.copyOf(order);
  }

  /** A dialog about a film in which its labels are true. */
  Talk talk(Film film, boolean named, SplittableRandom random) {
    return talk(film, named, FindingsList.of(film.present()), random);
  }

  /** A dialog about a film in which {@code truth} is true. */
  Talk talk(Film film, boolean named, FindingsList truth, SplittableRandom random) {
    boolean shown = random.nextDouble() >= mix.withoutFilm();
    boolean told = shown && (named || mix.fromFilm());
    return new Talk(film, shown, named, told, truth, calls, random);
  }

  /** The findings that are called at all. */
  Set<Finding> assessed() {
    return calls.assessed();
  }

  /** The findings named in the prompt. */
  FindingsList list(Film film, SplittableRandom random) {
    double kind = random.nextDouble();
    var present = EnumSet.noneOf(Finding.class);
    var uncertain = EnumSet.noneOf(Finding.class);
    if (kind < mix.random()) {
      int count = random.nextInt(random.nextInt(3) == 0 ? FINDINGS.size() + 1 : 6);
      while (present.size() + uncertain.size() < count) {
        Finding finding = anyFinding(random);
        if (!present.contains(finding) && !uncertain.contains(finding)) {
          (random.nextInt(4) == 0 ? uncertain : present).add(finding);
        }
      }
      return Calls.named(present, uncertain);
    }
    FindingsList seen = seen(film, random);
    present.addAll(seen.present());
    uncertain.addAll(seen.uncertain());
    if (kind < mix.random() + mix.edited()) {
      int edits = 1 + random.nextInt(3);
      for (int i = 0; i < edits; i++) {
        Finding finding = anyFinding(random);
        boolean gone = present.remove(finding);
        if (!uncertain.remove(finding) && !gone) {
          (random.nextInt(4) == 0 ? uncertain : present).add(finding);
        }
      }
    }
    return Calls.named(present, uncertain);
  }

  /** The findings of the film by a classifier or the data set. */
  FindingsList seen(Film film, SplittableRandom random) {
    boolean predicted = random.nextDouble() < mix.predicted();
    double[] row = probabilities.get(film.image());
    return predicted && row != null
        ? calls.of(row)
        : FindingsList.of(ReportGrammar.stated(film.present()));
  }

  Finding anyFinding(SplittableRandom random) {
    return Talk.pick(FINDINGS, random);
  }

  /** Films with the finding. */
  List<Film> with(Finding finding) {
    return with.getOrDefault(finding, List.of());
  }

  /** Films whose report negates the finding. */
  List<Film> denying(Finding finding) {
    return without.getOrDefault(finding, List.of());
  }

  /** Films without a finding that a report states. */
  List<Film> normal() {
    return normal;
  }

  /** Films with such a finding. */
  List<Film> abnormal() {
    return abnormal;
  }
}
