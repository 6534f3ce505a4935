package org.radialog.eval;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.radialog.base.BoundedWork;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.Labels;
import org.radialog.clinical.ReportLabeler;
import org.radialog.clinical.RuleLabeler;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.dialog.Correction;
import org.radialog.dialog.Decoding;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.FindingsEdit;
import org.radialog.dialog.Guidance;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Report;
import org.radialog.dialog.Study;
import org.radialog.imaging.Radiograph;
import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.Calls;
import org.radialog.tasks.InstructDataSet;
import org.radialog.tasks.InstructMix;

/**
 * Protocols that test the model's behaviour on unseen films: whether the image and edits of the
 * findings influence the answer, whether a report states its findings and nothing else, and how
 * well the model predicts a report.
 */
public final class Protocols {
  /** The question of the view protocol (docs/specification.md). */
  public static final String VIEW_QUESTION = "From what view was this image taken?";

  private static final ReportLabeler LABELER = new RuleLabeler();
  private static final Decoding HOW =
      Decoding.greedy(200).with(Guidance.Wanted.OFF); // the model itself

  /**
   * Words without any basis for the embedded model, because its training labels contain none of
   * them. If it writes about a side, a size, a device, a fracture, an age or a change, it has
   * invented this. For models trained on richer data, the count only states how often such words
   * are used.
   */
  private static final Pattern UNFOUNDED_BY_MINI =
      Pattern.compile(
          "\\b(left|right|bilateral|unilateral|small|large|mild|moderate|severe|tiny|massive|minimal"
              + "|marked|tube|tubes|catheter|catheters|line|lines|pacemaker|device|devices|wires?"
              + "|fractures?|fractured|year|years|old|age|aged|man|woman|male|female|unchanged"
              + "|stable|improved|worsened|worsening|increased|decreased|interval|previous|prior"
              + "|comparison|compared|new|newly|resolved|again)\\b",
          Pattern.CASE_INSENSITIVE);

  private Protocols() {}

  /**
   * The result of the view protocol. The findings line is left out of the prompt, so the answer can
   * only come from the image.
   *
   * @param films number of films
   * @param accuracy fraction of correct answers with the correct film, from 0 to 1
   * @param accuracyOfOther fraction of correct answers if the model is shown a film of the other
   *     view instead
   * @param unclear number of answers that name no view or both
   */
  public record ViewResult(int films, double accuracy, double accuracyOfOther, int unclear) {
    /** The part of the accuracy that is due to the image. */
    public double difference() {
      return accuracy - accuracyOfOther;
    }

    /** The scores by name, shares with three decimals. */
    public Map<String, Object> scores() {
      return new TreeMap<>(
          Map.of(
              "films", films,
              "accuracy", rounded(accuracy),
              "accuracy_of_other", rounded(accuracyOfOther),
              "difference", rounded(difference()),
              "unclear", unclear));
    }
  }

  /**
   * Asks for the view of every film; {@code seed} draws for each film a partner with the other
   * view.
   */
  public static ViewResult view(RaDialog radialog, List<Film> films, long seed, Progress progress) {
    List<View> answers =
        answers(
            radialog,
            films,
            "view",
            progress,
            dialog -> {
              dialog.edit(new FindingsEdit.Hidden());
              return named(dialog.ask(VIEW_QUESTION, HOW, text -> {}).text());
            });
    Map<View, List<Integer>> byView = new HashMap<>();
    for (int i = 0; i < films.size(); i++) {
      byView.computeIfAbsent(films.get(i).view(), v -> new ArrayList<>()).add(i);
    }
    if (!byView.keySet().equals(Set.of(View.PA, View.AP))) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "the view protocol needs PA and AP films only, found " + byView.keySet());
    }
    var random = new SplittableRandom(seed);
    int right = 0;
    int rightOfOther = 0;
    int unclear = 0;
    for (int i = 0; i < films.size(); i++) {
      View truth = films.get(i).view();
      List<Integer> others = byView.getOrDefault(truth == View.PA ? View.AP : View.PA, List.of());
      right += answers.get(i) == truth ? 1 : 0;
      rightOfOther += answers.get(others.get(random.nextInt(others.size()))) == truth ? 1 : 0;
      unclear += answers.get(i) == View.UNKNOWN ? 1 : 0;
    }
    double n = films.size();
    return new ViewResult(films.size(), right / n, rightOfOther / n, unclear);
  }

  /** The view named in an answer; unknown if it names none or several. */
  static View named(String answer) {
    String plain = " " + answer.toLowerCase(Locale.ROOT).replaceAll("[^a-z]+", " ") + " ";
    boolean pa = plain.contains(" pa ") || plain.contains(" posteroanterior ");
    boolean ap = plain.contains(" ap ") || plain.contains(" anteroposterior ");
    boolean lateral = plain.contains(" lateral ");
    if (pa && !ap && !lateral) {
      return View.PA;
    }
    if (ap && !pa && !lateral) {
      return View.AP;
    }
    return lateral && !pa && !ap ? View.LATERAL : View.UNKNOWN;
  }

  /**
   * The result of the edit protocol.
   *
   * @param films number of films
   * @param added number of reports with a finding added to the list
   * @param addedStated fraction of these that state it
   * @param removed number of reports with a finding removed from the list
   * @param removedGone fraction of these that deny it or do not mention it
   * @param othersUnchanged fraction of the other nine mapped findings on which the report agrees
   *     before and after the edit
   */
  public record EditResult(
      int films,
      int added,
      double addedStated,
      int removed,
      double removedGone,
      double othersUnchanged) {
    /** The scores by name, shares with three decimals. */
    public Map<String, Object> scores() {
      return new TreeMap<>(
          Map.of(
              "films",
              films,
              "added",
              added,
              "added_stated",
              rounded(addedStated),
              "removed",
              removed,
              "removed_gone",
              rounded(removedGone),
              "others_unchanged",
              rounded(othersUnchanged)));
    }
  }

  private record Edited(
      boolean addedStated, boolean hasRemoved, boolean removedGone, int others, int unchanged) {}

  /**
   * Edits the findings of each film: one edit adds a mapped finding that is not on the list,
   * another removes from the original list a finding that is on it.
   */
  public static EditResult edit(RaDialog radialog, List<Film> films, long seed, Progress progress) {
    Map<String, Long> seeds = new HashMap<>();
    var random = new SplittableRandom(seed);
    films.forEach(film -> seeds.put(film.image(), random.nextLong()));
    List<Edited> results =
        answers(
            radialog,
            films,
            "edit",
            progress,
            (film, dialog) -> edited(dialog, seeds.getOrDefault(film.image(), seed)));
    int removed = (int) results.stream().filter(Edited::hasRemoved).count();
    double others = results.stream().mapToInt(Edited::others).sum();
    return new EditResult(
        films.size(),
        results.size(),
        share(results.stream().filter(Edited::addedStated).count(), results.size()),
        removed,
        share(results.stream().filter(Edited::removedGone).count(), removed),
        results.stream().mapToInt(Edited::unchanged).sum() / others);
  }

  private static Edited edited(Dialog dialog, long seed) {
    var random = new SplittableRandom(seed);
    List<Finding> absent = new ArrayList<>(Finding.NIH_MAPPED);
    Report before = dialog.report(HOW, text -> {});
    absent.removeAll(before.findings().present());
    absent.removeAll(before.findings().uncertain());
    List<Finding> present = new ArrayList<>(Finding.NIH_MAPPED);
    present.retainAll(before.findings().present());
    Labels old = LABELER.label(before.text());
    int others = 0;
    int unchanged = 0;
    boolean stated = false;
    if (!absent.isEmpty()) {
      Finding added = absent.get(random.nextInt(absent.size()));
      dialog.edit(new FindingsEdit.Changed(Correction.add(added)));
      Labels labels = LABELER.label(dialog.report(HOW, text -> {}).text());
      stated = labels.state(added) == FindingState.PRESENT;
      for (Finding other : Finding.NIH_MAPPED) {
        if (other != added) {
          others++;
          unchanged += said(labels, other) == said(old, other) ? 1 : 0;
        }
      }
    }
    boolean gone = false;
    if (!present.isEmpty()) {
      Finding removed = present.get(random.nextInt(present.size()));
      dialog.edit(new FindingsEdit.Changed(Correction.without(removed)));
      Labels labels = LABELER.label(dialog.report(HOW, text -> {}).text());
      gone = !said(labels, removed);
      for (Finding other : Finding.NIH_MAPPED) {
        if (other != removed) {
          others++;
          unchanged += said(labels, other) == said(old, other) ? 1 : 0;
        }
      }
    }
    return new Edited(stated, !present.isEmpty(), gone, others, unchanged);
  }

  private static boolean said(Labels labels, Finding finding) {
    return labels.state(finding) == FindingState.PRESENT;
  }

  /**
   * The result of the report protocol.
   *
   * @param films number of films
   * @param unfounded number of reports that name a side, size, device, fracture, age or change
   * @param repeating number of reports in which a sentence occurs twice
   * @param shortest number of words of the shortest report
   * @param distinct number of different reports
   * @param agreement fraction of the assessed findings on which report and findings list agree
   * @param offending texts of the reports with an error
   */
  public record ReportResult(
      int films,
      int unfounded,
      int repeating,
      int shortest,
      int distinct,
      double agreement,
      List<String> offending) {
    public ReportResult {
      offending = List.copyOf(offending);
    }

    /** The scores by name, shares with three decimals. */
    public Map<String, Object> scores() {
      return new TreeMap<>(
          Map.of(
              "films", films,
              "unfounded", unfounded,
              "repeating", repeating,
              "shortest_words", shortest,
              "distinct", distinct,
              "agreement", rounded(agreement),
              "offending", offending));
    }
  }

  /** Writes a report for every film and checks its content. */
  public static ReportResult report(RaDialog radialog, List<Film> films, Progress progress) {
    List<Report> reports =
        answers(radialog, films, "report", progress, dialog -> dialog.report(HOW, text -> {}));
    int unfounded = 0;
    int repeating = 0;
    int shortest = Integer.MAX_VALUE;
    int agreeing = 0;
    int assessed = 0;
    Set<String> distinct = new HashSet<>();
    List<String> offending = new ArrayList<>();
    for (int i = 0; i < reports.size(); i++) {
      Report report = reports.get(i);
      String text = report.text();
      var found = UNFOUNDED_BY_MINI.matcher(text);
      if (found.find()) {
        unfounded++;
        offending.add(films.get(i).image() + ": \"" + found.group() + "\" in: " + text);
      }
      List<String> sentences = List.of(text.split("(?<=[.!?])\\s+"));
      if (new HashSet<>(sentences).size() < sentences.size()) {
        repeating++;
        offending.add(films.get(i).image() + ": a sentence twice: " + text);
      }
      shortest = Math.min(shortest, text.split("\\s+").length);
      distinct.add(text);
      agreeing += report.consistency().agreeing();
      assessed += report.consistency().assessed().size();
    }
    return new ReportResult(
        films.size(),
        unfounded,
        repeating,
        shortest,
        distinct.size(),
        share(agreeing, assessed),
        offending);
  }

  /**
   * The perplexity of the reports that the instruction data set contains for the films.
   *
   * @param films number of films for which a report can state something
   * @param score score of all their reports together
   */
  public record PerplexityResult(int films, Likelihood.Score score) {}

  /**
   * Scores a grammar report for each film, which the model has not seen. The prompt contains the
   * true findings of the film; {@code seed} draws the wording of the report.
   *
   * @throws RadialogException if no film has a finding that a report can state
   */
  public static PerplexityResult perplexity(
      RaDialog radialog, List<Film> films, long seed, Progress progress) {
    List<Film> told =
        new InstructDataSet(films, Map.of(), Calls.OF_LABELS, InstructMix.DEFAULT, seed).films();
    var likelihood = new Likelihood(radialog);
    var random = new SplittableRandom(seed);
    Likelihood.Score sum = Likelihood.Score.NONE;
    try (Progress.Task task = progress.start("perplexity", told.size())) {
      for (Film film : told) {
        Set<Finding> findings = ReportGrammar.stated(film.present());
        String report = ReportGrammar.report(findings, film.view(), random.nextLong());
        sum =
            sum.and(likelihood.report(Radiograph.read(film.file()), Optional.of(findings), report));
        task.step("");
      }
    }
    return new PerplexityResult(told.size(), sum);
  }

  private static double rounded(double share) {
    return Math.round(1000 * share) / 1000.0;
  }

  private static double share(long part, long whole) {
    return whole == 0 ? Double.NaN : (double) part / whole;
  }

  private interface Work<T> {
    T of(Film film, Dialog dialog);
  }

  private static <T> List<T> answers(
      RaDialog radialog,
      List<Film> films,
      String what,
      Progress progress,
      Function<Dialog, T> work) {
    return answers(radialog, films, what, progress, (film, dialog) -> work.apply(dialog));
  }

  // The results have the order of the films.
  private static <T> List<T> answers(
      RaDialog radialog, List<Film> films, String what, Progress progress, Work<T> work) {
    List<Optional<T>> results =
        new ArrayList<>(Collections.nCopies(films.size(), Optional.empty()));
    try (Progress.Task task = progress.start(what, films.size())) {
      BoundedWork.run(
          "the protocol " + what,
          films,
          PaperProtocol.DIALOGS,
          film -> {
            try (Dialog dialog =
                radialog.open(Study.of(Radiograph.read(film.file())).ofAnyView())) {
              return work.of(film, dialog);
            }
          },
          (i, result) -> {
            results.set(i, Optional.of(result));
            task.step("");
          });
    }
    return results.stream().map(Optional::orElseThrow).toList();
  }
}
