package org.radialog.eval;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.radialog.base.Progress;
import org.radialog.clinical.AnswerLabels;
import org.radialog.clinical.Consistency;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.RuleLabeler;
import org.radialog.clinical.SmolLm2Format;
import org.radialog.data.Film;
import org.radialog.dialog.Correction;
import org.radialog.dialog.Decoding;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.Findings;
import org.radialog.dialog.FindingsEdit;
import org.radialog.dialog.Guidance;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Reply;
import org.radialog.dialog.Report;
import org.radialog.dialog.Study;
import org.radialog.imaging.Radiograph;
import org.radialog.instruct.ReportGrammar;

/**
 * Whether a dialog contradicts itself, with and without guidance. For every film a list of findings
 * is given: in turn the true one, the true one with some findings changed, and one drawn at random.
 * Then a report is written, one finding is asked for in eight ways, and two free questions are
 * asked; all answers follow the report. The finding is in turn on the list and not.
 *
 * <p>The judge is the rule labeler, which is also the guide. What it cannot read, this does not
 * measure.
 */
public final class GuidanceProtocol {
  private static final RuleLabeler LABELER = new RuleLabeler();
  private static final Decoding HOW = Decoding.greedy(200);

  /** {@code %s} is a finding. */
  private static final List<String> WAYS =
      List.of(
          "Is there %s?",
          "Do you see %s?",
          "Does the film show %s?",
          "Does the patient have %s?",
          "Any sign of %s?",
          "Is %s present?",
          "I am worried about %s. Is it there?",
          "%s?");

  private static final List<String> FREE = List.of("What do you see?", "Is this film normal?");

  private GuidanceProtocol() {}

  /**
   * A text of the model, for readers.
   *
   * @param image the film
   * @param list the findings as the prompt names them
   * @param guided whether guidance was on
   * @param question the question; empty for a report
   * @param text what the model wrote
   * @param contradictions what the labeler finds wrong with it
   */
  public record Written(
      String image,
      String list,
      boolean guided,
      String question,
      String text,
      List<String> contradictions) {}

  /** The counts of one of the two ways to write. */
  private static final class Count {
    private int reports;
    private int wrongReports;
    private int answers;
    private int wrongAnswers;
    private int asked;
    private int agreeing;
    private int groups;
    private int alike;
    private int again;
    private int leftOut;
    private long nanos;

    void guided(Guidance guidance) {
      again += guidance.again();
      leftOut += guidance.leftOut().size();
    }
  }

  /**
   * Runs the protocol.
   *
   * @param seed draws the lists and the findings
   * @param written receives every text
   * @return the scores by name; those of guided texts begin with {@code guided_}, those of texts as
   *     the model writes them with {@code free_}
   */
  public static Map<String, Object> run(
      RaDialog radialog,
      List<Film> films,
      long seed,
      Consumer<? super Written> written,
      Progress progress) {
    Count guided = new Count();
    Count free = new Count();
    try (Progress.Task task = progress.start("guidance", films.size())) {
      for (int i = 0; i < films.size(); i++) {
        Film film = films.get(i);
        Radiograph radiograph = Radiograph.read(film.file());
        // Both in turn, so that other work of the machine delays both alike.
        for (boolean first : new boolean[] {i % 2 == 0, i % 2 != 0}) {
          count(radialog, film, radiograph, i, seed, first, first ? guided : free, written);
        }
        task.step("");
      }
    }
    Map<String, Object> scores = new LinkedHashMap<>();
    scores.put("films", films.size());
    put("guided_", guided, scores);
    put("free_", free, scores);
    scores.put("guided_time", rounded((double) guided.nanos, (double) free.nanos));
    return scores;
  }

  private static void put(String prefix, Count c, Map<String, Object> scores) {
    scores.put(prefix + "reports", c.reports);
    scores.put(prefix + "reports_contradicting", c.wrongReports);
    scores.put(prefix + "answers", c.answers);
    scores.put(prefix + "answers_contradicting", c.wrongAnswers);
    scores.put(prefix + "yes_or_no_agreeing", rounded(c.agreeing, c.asked));
    scores.put(prefix + "eight_ways_alike", rounded(c.alike, c.groups));
    scores.put(prefix + "written_again", c.again);
    scores.put(prefix + "left_out", c.leftOut);
  }

  private static double rounded(double part, double whole) {
    return whole == 0 ? Double.NaN : Math.round(1000 * part / whole) / 1000.0;
  }

  private static void count(
      RaDialog radialog,
      Film film,
      Radiograph radiograph,
      int number,
      long seed,
      boolean guided,
      Count count,
      Consumer<? super Written> written) {
    SplittableRandom random = new SplittableRandom(seed * 1_000_003 + number);
    Decoding how = HOW.with(guided ? Guidance.Wanted.ON : Guidance.Wanted.OFF);
    FindingsList listed = drawn(film, number % 3, random);
    try (Dialog dialog = radialog.open(Study.of(radiograph).ofAnyView())) {
      dialog.edit(new FindingsEdit.Changed(correction(listed)));
      Findings findings = dialog.findings(); // reads the film, which is not what is timed
      long begun = System.nanoTime();
      Report report = dialog.report(how, _ -> {});
      count.reports++;
      count.guided(report.guidance());
      List<Consistency.Warning> wrong =
          report.consistency().warnings().stream().filter(GuidanceProtocol::contradicts).toList();
      count.wrongReports += wrong.isEmpty() ? 0 : 1;
      String list = SmolLm2Format.line(listed);
      written.accept(new Written(film.image(), list, guided, "", report.text(), codes(wrong)));
      Finding asked = asked(findings, wanted(number), random);
      FindingState expected =
          switch (findings.state(asked)) {
            case PRESENT -> FindingState.PRESENT;
            case UNCERTAIN, NOT_ASSESSED -> FindingState.UNCERTAIN; // "I cannot say"
            case ABSENT ->
                radialog.config().film().classifier().denies(asked.label())
                    ? FindingState.ABSENT
                    : FindingState.UNCERTAIN;
          };
      List<FindingState> said = new ArrayList<>();
      for (String way : WAYS) {
        String name = asked.label().toLowerCase(Locale.ROOT);
        String question = way.formatted(name);
        question = Character.toUpperCase(question.charAt(0)) + question.substring(1);
        Reply reply = answer(dialog, question, how, count);
        written.accept(written(film, list, guided, reply));
        FindingState state = AnswerLabels.of(LABELER, question, reply.text()).state(asked);
        count.asked++;
        count.agreeing += state == expected ? 1 : 0;
        said.add(state);
      }
      count.groups++;
      count.alike += said.stream().distinct().count() == 1 ? 1 : 0;
      for (String question : FREE) {
        written.accept(written(film, list, guided, answer(dialog, question, how, count)));
      }
      count.nanos += System.nanoTime() - begun;
    }
  }

  private static Reply answer(Dialog dialog, String question, Decoding how, Count count) {
    Reply reply = dialog.ask(question, how, _ -> {});
    dialog.takeBack();
    count.answers++;
    count.guided(reply.guidance());
    if (!reply.consistency().warnings().isEmpty()) {
      count.wrongAnswers++;
    }
    return reply;
  }

  private static Written written(Film film, String list, boolean guided, Reply reply) {
    return new Written(
        film.image(),
        list,
        guided,
        reply.question(),
        reply.text(),
        codes(reply.consistency().warnings()));
  }

  private static List<String> codes(List<Consistency.Warning> warnings) {
    return warnings.stream().map(warning -> warning.kind().code()).toList();
  }

  // What a report omits is no contradiction.
  private static boolean contradicts(Consistency.Warning warning) {
    return warning.kind() != Consistency.Kind.LISTED_AND_UNSTATED
        && warning.kind() != Consistency.Kind.UNCERTAIN_AND_UNMENTIONED;
  }

  // 0: true, 1: edited, 2: random. A quarter of what is drawn is possible.
  private static FindingsList drawn(Film film, int kind, SplittableRandom random) {
    EnumSet<Finding> present = EnumSet.noneOf(Finding.class);
    EnumSet<Finding> uncertain = EnumSet.noneOf(Finding.class);
    if (kind < 2) {
      present.addAll(ReportGrammar.stated(film.present()));
    }
    for (Finding finding : ReportGrammar.FINDINGS) {
      boolean change = kind == 1 ? random.nextInt(6) == 0 : kind == 2 && random.nextInt(4) == 0;
      if (change && !present.remove(finding)) {
        (random.nextInt(4) == 0 ? uncertain : present).add(finding);
      }
    }
    withAncestors(present);
    withAncestors(uncertain);
    uncertain.removeAll(present);
    return new FindingsList(present, uncertain);
  }

  // The ancestors that a list implies belong to it, so that no edit contradicts another.
  private static void withAncestors(Set<Finding> findings) {
    for (Finding finding : List.copyOf(findings)) {
      findings.addAll(ReportGrammar.stated(finding.ancestors()));
    }
  }

  private static Correction correction(FindingsList listed) {
    EnumSet<Finding> absent = EnumSet.copyOf(ReportGrammar.FINDINGS);
    absent.removeAll(listed.present());
    absent.removeAll(listed.uncertain());
    return new Correction(listed.present(), absent, listed.uncertain());
  }

  // Yes and no in turn, and every seventh question is for a possible finding.
  private static Findings.State wanted(int number) {
    return number % 7 == 6
        ? Findings.State.UNCERTAIN
        : number % 2 == 0 ? Findings.State.PRESENT : Findings.State.ABSENT;
  }

  private static Finding asked(Findings findings, Findings.State wanted, SplittableRandom random) {
    List<Finding> fitting =
        ReportGrammar.FINDINGS.stream().filter(f -> findings.state(f) == wanted).toList();
    List<Finding> any = fitting.isEmpty() ? List.copyOf(ReportGrammar.FINDINGS) : fitting;
    return any.get(random.nextInt(any.size()));
  }
}
