package org.radialog.instruct;

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
import org.radialog.data.Film;
import org.radialog.data.Truth;
import org.radialog.instruct.InstructDialog.Task;
import org.radialog.instruct.InstructTask.Talk;

/**
 * Dialogs about films, made from what is known of them: reports, questions for one finding and for
 * all, the view, corrections, impressions, summaries. The n-th dialog depends on the seed and n
 * alone.
 *
 * <p>Where the prompt names findings, that list is the truth of every text, also where it was
 * edited: the model is to follow its user. The view always comes from the film. Where the prompt is
 * silent, the film's labels are the truth, partly as a classifier of other films sees them, and
 * only the image tells.
 *
 * <p>Yes and no are equally frequent for each finding, because a film or a list is chosen for the
 * answer and not the answer for the film.
 */
public final class InstructDataSet {
  private static final List<Finding> FINDINGS = List.copyOf(ReportGrammar.FINDINGS);

  private final List<Film> films;
  private final Map<String, double[]> probabilities;
  private final double[] thresholds;
  private final InstructMix mix;
  private final long seed;
  private final Map<Finding, List<Film>> with = new EnumMap<>(Finding.class);
  private final Map<Finding, List<Film>> without = new EnumMap<>(Finding.class);
  private final List<Film> normal;
  private final List<Film> abnormal;

  /** The order of the films in one round; the last one asked for is kept. */
  private record Round(long number, List<Integer> order) {}

  private volatile Round round = new Round(-1, List.of());

  /**
   * A mix over {@code films}.
   *
   * @param films of the training folds alone; those with nothing that a report could state and no
   *     No Finding either (hernia, for example) are left out
   * @param probabilities image to 14 probabilities by a classifier that did not learn from that
   *     film; an entry for every film, or none at all: then the labels stand in
   * @param thresholds 14, a finding is predicted at or above its own
   * @throws RadialogException if a film has no probabilities while others have, or a number of
   *     values is wrong
   */
  public InstructDataSet(
      List<Film> films,
      Map<String, double[]> probabilities,
      double[] thresholds,
      InstructMix mix,
      long seed) {
    this.films =
        films.stream()
            .filter(film ->
                film.truth(Finding.NO_FINDING) == Truth.PRESENT
                    || !ReportGrammar.stated(film.present()).isEmpty())
            .toList();
    this.probabilities = Map.copyOf(probabilities);
    this.thresholds = thresholds.clone();
    this.mix = mix;
    this.seed = seed;
    if (this.films.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "no film to make dialogs of: expected some with labels, got " + films.size());
    }
    if (thresholds.length != Finding.COUNT) {
      throw new RadialogException(
          "expected %d thresholds, got %d".formatted(Finding.COUNT, thresholds.length));
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

  /** The films that dialogs are made of. */
  public List<Film> films() {
    return films;
  }

  /** The dialogs from {@code from} up to, not including, {@code to}. */
  public List<InstructDialog> dialogs(long from, long to) {
    var dialogs = new ArrayList<InstructDialog>();
    for (long n = from; n < to; n++) {
      dialogs.add(dialog(n));
    }
    return dialogs;
  }

  /** The n-th dialog, n from 0 without an end. Each round of the films takes every film once. */
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
          if (task < mix.correction() && !talk.asked(Task.CORRECTION)) {
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

  /** A task by the shares; one that may not be asked leaves its share to those behind it. */
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

  /** What the prompt says of the findings. */
  Set<Finding> list(Film film, SplittableRandom random) {
    double kind = random.nextDouble();
    var list = EnumSet.noneOf(Finding.class);
    if (kind < mix.random()) {
      int count = random.nextInt(6);
      while (list.size() < count) {
        list.add(anyFinding(random));
      }
      return list;
    }
    list.addAll(seen(film, random));
    if (kind < mix.random() + mix.edited()) {
      int edits = 1 + random.nextInt(3);
      for (int i = 0; i < edits; i++) {
        Finding finding = anyFinding(random);
        if (!list.remove(finding)) {
          list.add(finding);
        }
      }
    }
    return list;
  }

  /** What a classifier or the data set says of the film. */
  Set<Finding> seen(Film film, SplittableRandom random) {
    boolean predicted = random.nextDouble() < mix.predicted();
    double[] row = probabilities.get(film.image());
    if (!predicted || row == null) {
      return ReportGrammar.stated(film.present());
    }
    var seen = EnumSet.noneOf(Finding.class);
    for (Finding finding : FINDINGS) {
      if (row[finding.column()] >= thresholds[finding.column()]) {
        seen.add(finding);
      }
    }
    return seen;
  }

  Finding anyFinding(SplittableRandom random) {
    return Talk.pick(FINDINGS, random);
  }

  /** Films that have the finding. */
  List<Film> with(Finding finding) {
    return with.getOrDefault(finding, List.of());
  }

  /** Films whose report denies the finding. */
  List<Film> denying(Finding finding) {
    return without.getOrDefault(finding, List.of());
  }

  /** Films without a finding that a report states. */
  List<Film> normal() {
    return normal;
  }

  /** Films with one. */
  List<Film> abnormal() {
    return abnormal;
  }
}
