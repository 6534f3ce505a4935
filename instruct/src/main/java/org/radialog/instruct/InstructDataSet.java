package org.radialog.instruct;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.SmolLm2Format;
import org.radialog.clinical.Turn;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.data.Truth;
import org.radialog.instruct.InstructDialog.Exchange;
import org.radialog.instruct.InstructDialog.Task;

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
      Film film = inTurn(n);
      var talk = new Talk(film, named, named ? list(film, random) : seen(film, random), random);
      talk.report();
      if (kind >= mix.report()) {
        int further = 1 + random.nextInt(3);
        for (int i = 0; i < further; i++) {
          talk.afterReport();
        }
      }
      return talk.done();
    }
    Talk talk = question(n, named, random);
    int further = random.nextInt(3);
    for (int i = 0; i < further; i++) {
      talk.further();
    }
    return talk.done();
  }

  /** The first question of a dialog without a report: the film or the list fits the answer. */
  private Talk question(long n, boolean named, SplittableRandom random) {
    double task = random.nextDouble();
    if (task < 0.5) {
      Finding finding = pick(FINDINGS, random);
      boolean yes = random.nextBoolean();
      List<Film> fitting = (yes ? with : without).getOrDefault(finding, List.of());
      if (named || fitting.isEmpty()) {
        Film film = inTurn(n);
        var list = EnumSet.noneOf(Finding.class);
        list.addAll(list(film, random));
        if (yes) {
          list.add(finding);
        } else {
          list.remove(finding);
          list.removeIf(other -> !ReportGrammar.denied(Set.of(other)).contains(finding));
        }
        var talk = new Talk(film, true, list, random);
        talk.binary(finding, yes);
        return talk;
      }
      Film film = pick(fitting, random);
      var talk = new Talk(film, false, film.present(), random);
      talk.binary(finding, yes);
      return talk;
    }
    if (task < 0.58) {
      boolean yes = random.nextBoolean();
      List<Film> fitting = yes ? normal : abnormal;
      Film film = named || fitting.isEmpty() ? inTurn(n) : pick(fitting, random);
      Set<Finding> truth = film.present();
      if (named || fitting.isEmpty()) {
        var list = EnumSet.noneOf(Finding.class);
        if (!yes) {
          list.addAll(list(film, random));
          if (list.isEmpty()) {
            list.add(pick(FINDINGS, random));
          }
        }
        truth = list;
      }
      var talk = new Talk(film, named || fitting.isEmpty(), truth, random);
      talk.normal();
      return talk;
    }
    Film film = inTurn(n);
    var talk = new Talk(film, named, named ? list(film, random) : seen(film, random), random);
    if (task < 0.80) {
      talk.view();
    } else if (task < 0.88) {
      talk.list();
    } else if (task < 0.92) {
      talk.impression();
    } else if (task < 0.96) {
      talk.summary();
    } else {
      talk.notAssessed();
    }
    return talk;
  }

  /** The film of the n-th dialog: every round of {@code films.size()} dialogs is a permutation. */
  private Film inTurn(long n) {
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
  private Set<Finding> list(Film film, SplittableRandom random) {
    double kind = random.nextDouble();
    var list = EnumSet.noneOf(Finding.class);
    if (kind < mix.random()) {
      int count = random.nextInt(6);
      while (list.size() < count) {
        list.add(pick(FINDINGS, random));
      }
      return list;
    }
    list.addAll(seen(film, random));
    if (kind < mix.random() + mix.edited()) {
      int edits = 1 + random.nextInt(3);
      for (int i = 0; i < edits; i++) {
        Finding finding = pick(FINDINGS, random);
        if (!list.remove(finding)) {
          list.add(finding);
        }
      }
    }
    return list;
  }

  /** What a classifier or the data set says of the film. */
  private Set<Finding> seen(Film film, SplittableRandom random) {
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

  private static <T> T pick(List<T> options, SplittableRandom random) {
    return options.get(random.nextInt(options.size()));
  }

  /** A dialog in the making. */
  private static final class Talk {
    private final Film film;
    private final boolean named;
    private final Set<Finding> list;
    private final SplittableRandom random;
    private final long words;
    private final List<Exchange> exchanges = new ArrayList<>();
    private Set<Finding> stated;
    private int corrections;
    private boolean reported;

    Talk(Film film, boolean named, Collection<Finding> truth, SplittableRandom random) {
      this.film = film;
      this.named = named;
      this.list = ReportGrammar.stated(truth);
      this.stated = list;
      this.random = random;
      this.words = random.nextLong();
    }

    InstructDialog done() {
      return new InstructDialog(
          film.image(), named ? Optional.of(list) : Optional.empty(), exchanges);
    }

    private void say(Task task, String request, String answer) {
      exchanges.add(new Exchange(task, request, answer, stated));
    }

    private String say(List<String> options) {
      return pick(options, random);
    }

    private boolean asked(Task task) {
      return exchanges.stream().anyMatch(exchange -> exchange.task() == task);
    }

    void report() {
      reported = true;
      // The one wording that the product uses itself is the most frequent.
      String request =
          random.nextInt(2) == 0
              ? SmolLm2Format.FORMAT.request(new Turn.Report())
              : say(InstructPhrases.REPORT);
      say(Task.REPORT, request, ReportGrammar.report(stated, film.view(), words));
    }

    void afterReport() {
      double task = random.nextDouble();
      if (task < 0.6 && corrections == 0) {
        correction();
      } else {
        further();
      }
    }

    /** Any task but a report; each but the question for a finding at most once. */
    void further() {
      double task = random.nextDouble();
      if (task < 0.16 && !asked(Task.VIEW)) {
        view();
      } else if (task < 0.30 && !asked(Task.LIST)) {
        list();
      } else if (task < 0.42 && !asked(Task.IMPRESSION)) {
        impression();
      } else if (task < 0.52 && !asked(Task.SUMMARY)) {
        summary();
      } else if (task < 0.57 && !asked(Task.NOT_ASSESSED)) {
        notAssessed();
      } else {
        anyBinary();
      }
    }

    /** Asks where both answers are possible, so that yes and no stay balanced. */
    private void anyBinary() {
      var yes = new ArrayList<>(stated);
      var no = new ArrayList<>(ReportGrammar.denied(stated));
      if (yes.isEmpty() || no.isEmpty()) {
        if (!asked(Task.VIEW)) {
          view();
        }
        return;
      }
      boolean answer = random.nextBoolean();
      binary(pick(answer ? yes : no, random), answer);
    }

    void binary(Finding finding, boolean yes) {
      String name = InstructPhrases.asked(finding, random);
      String request = say(InstructPhrases.BINARY).formatted(name);
      if (random.nextInt(5) == 0) {
        request = "Is there any " + finding.label() + "?";
      } else if (random.nextInt(6) == 0) {
        request = say(InstructPhrases.LAY.getOrDefault(finding, List.of(request)));
      }
      String answered = ReportGrammar.withArticle(finding);
      String answer =
          random.nextInt(2) == 0
              ? (yes ? "Yes, there is %s." : "No, there is no %s.")
                  .formatted(yes ? answered : ReportGrammar.name(finding))
              : (yes ? "Yes, %s is present." : "No, %s is not seen.").formatted(answered);
      say(Task.BINARY, request, answer);
    }

    void normal() {
      String answer =
          stated.isEmpty()
              ? "Yes, no abnormality of the heart, lungs or pleura is seen."
              : "No, there is " + ReportGrammar.listWithArticles(stated) + ".";
      say(Task.NORMAL, say(InstructPhrases.NORMAL), answer);
    }

    void list() {
      String answer =
          stated.isEmpty()
              ? "There are no findings."
              : "There is " + ReportGrammar.listWithArticles(stated) + ".";
      say(Task.LIST, say(reported ? InstructPhrases.LIST_OF_REPORT : InstructPhrases.LIST), answer);
    }

    void view() {
      String name =
          switch (film.view()) {
            case PA -> "a PA view";
            case AP -> "an AP view";
            case LATERAL -> "a lateral view";
            case UNKNOWN -> "";
          };
      if (name.isEmpty()) {
        say(Task.VIEW, say(InstructPhrases.VIEW), "I cannot say: the view is not known.");
      } else if (random.nextInt(3) == 0) {
        View supposed = random.nextBoolean() ? View.PA : View.AP;
        String request =
            supposed == View.PA
                ? say(List.of("Is this a PA view?", "Is this a PA film?"))
                : say(List.of("Is this an AP view?", "Is this an AP film?"));
        say(
            Task.VIEW,
            request,
            (supposed == film.view() ? "Yes" : "No") + ", this is " + name + ".");
      } else {
        say(Task.VIEW, say(InstructPhrases.VIEW), "This is " + name + ".");
      }
    }

    void impression() {
      String request =
          random.nextInt(3) == 0
              ? SmolLm2Format.FORMAT.request(new Turn.Impression())
              : say(InstructPhrases.IMPRESSION);
      say(Task.IMPRESSION, request, ReportGrammar.impression(stated, words));
    }

    void summary() {
      String request =
          random.nextInt(3) == 0
              ? SmolLm2Format.FORMAT.request(new Turn.Summary())
              : say(InstructPhrases.SUMMARY);
      say(Task.SUMMARY, request, ReportGrammar.summary(stated, film.view(), words));
    }

    void notAssessed() {
      var asked = pick(InstructPhrases.NOT_ASSESSED, random);
      say(Task.NOT_ASSESSED, asked.question(), asked.answer());
    }

    void correction() {
      corrections++;
      var missing = new ArrayList<>(ReportGrammar.FINDINGS);
      missing.removeAll(stated);
      var wrong = new ArrayList<>(stated);
      int kind = random.nextInt(3);
      var add = EnumSet.noneOf(Finding.class);
      var remove = EnumSet.noneOf(Finding.class);
      if (kind != 0 || wrong.isEmpty()) {
        take(missing, add);
      }
      if (kind != 1 || missing.isEmpty()) {
        take(wrong, remove);
      }
      var corrected = EnumSet.noneOf(Finding.class);
      corrected.addAll(stated);
      corrected.addAll(add);
      corrected.removeAll(remove);
      String request =
          random.nextInt(2) == 0
              ? SmolLm2Format.FORMAT.request(new Turn.Correction(add, remove, Set.of()))
              : InstructPhrases.correction(add, remove, random);
      stated = Collections.unmodifiableSet(corrected);
      say(Task.CORRECTION, request, ReportGrammar.report(stated, film.view(), words));
    }

    /** One of {@code from}, sometimes two. */
    private void take(List<Finding> from, Set<Finding> to) {
      int count = random.nextInt(4) == 0 ? 2 : 1;
      for (int i = 0; i < count && !from.isEmpty(); i++) {
        to.add(from.remove(random.nextInt(from.size())));
      }
    }
  }
}
