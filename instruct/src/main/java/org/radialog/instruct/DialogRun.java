package org.radialog.instruct;

import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.WholeFile;
import org.radialog.clinical.AnswerLabels;
import org.radialog.clinical.Consistency;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.RuleLabeler;
import org.radialog.data.Rejected;
import org.radialog.instruct.DialogFile.Entry;
import org.radialog.instruct.DialogFile.From;
import org.radialog.instruct.DialogFile.Known;
import org.radialog.instruct.DialogFile.Message;
import org.radialog.instruct.DialogTask.Asking;
import org.radialog.instruct.DialogTask.Reply;
import org.radialog.instruct.DialogTask.Request;
import org.radialog.instruct.DialogTask.Verdict;
import org.radialog.instruct.DialogTask.WrongReport;

/**
 * Generates a file of dialogs from a data set: the report, then a task, as in the original.
 *
 * <p>The data set is read twice, first to count and then to write; a case is not kept after its
 * dialogs are written. A dialog depends on the seed, its case and the counts of its data set, but
 * not on other dialogs.
 */
public final class DialogRun {
  private final CaseSource source;
  private final DialogMix mix;
  private final long seed;
  private final Optional<Answers> answers;
  private final Map<String, Set<Finding>> predicted;
  private final Map<String, List<String>> prompts;
  private final RuleLabeler labeler = new RuleLabeler();
  private final Map<String, Long> written = new TreeMap<>();
  private final Map<String, Long> leftOut = new TreeMap<>();

  /**
   * The counts of a run.
   *
   * @param cases images, or studies if the mix uses one image per study
   * @param dialogs written dialogs by task
   * @param leftOut dialogs that were left out, by reason
   */
  public record Outcome(long cases, Map<String, Long> dialogs, Map<String, Long> leftOut) {
    public Outcome {
      dialogs = new TreeMap<>(dialogs);
      leftOut = new TreeMap<>(leftOut);
    }

    /** All dialogs. */
    public long total() {
      return dialogs.values().stream().mapToLong(Long::longValue).sum();
    }

    /** A table of tasks and their dialogs, for people. */
    public String table() {
      var text = new StringBuilder("task           dialogs\n");
      dialogs.forEach((task, count) -> text.append("%-14s %7d%n".formatted(task, count)));
      return text.append("%-14s %7d of %d cases%n".formatted("total", total(), cases)).toString();
    }
  }

  /**
   * Creates a run.
   *
   * @param answers the answers of a language model; without it, dialogs that need one are left out
   * @param predicted image path or file name → findings of a classifier that was not trained on the
   *     image
   */
  public DialogRun(
      CaseSource source,
      DialogMix mix,
      long seed,
      Optional<Answers> answers,
      Map<String, Set<Finding>> predicted) {
    this.source = source;
    this.mix = mix;
    this.seed = seed;
    this.answers = answers;
    this.predicted = Map.copyOf(predicted);
    this.prompts = mix.wordings();
    if (mix.findings().predicted() > 0 && predicted.isEmpty()) {
      throw new RadialogException(
          RadialogException.Kind.BAD_INPUT,
          "the mix has predicted findings in %s of the prompts, and there are no predictions"
              .formatted(mix.findings().predicted()));
    }
  }

  /**
   * Writes the file, whole or not at all.
   *
   * @param rejected gets what the data set's reader leaves out, once
   * @throws RadialogException if the data set cannot be read, has no case, or the file cannot be
   *     written
   */
  public Outcome write(Path file, Consumer<? super Rejected> rejected, Progress progress) {
    var plan = new Plan();
    source.read(plan::count, rejected);
    leftOut.putAll(source.passedOver());
    if (plan.cases == 0) {
      throw new RadialogException(
          RadialogException.Kind.BAD_INPUT,
          "%s has no image to generate dialogs from: expected labels or findings sections, passed over %s"
              .formatted(source.name(), source.passedOver()));
    }
    plan.decide();
    WholeFile.write(file, out -> write(out, plan, progress));
    return new Outcome(plan.cases, written, leftOut);
  }

  private void write(OutputStream out, Plan plan, Progress progress) {
    try (var writer = new DialogFile.Writer(out);
        Progress.Task task = progress.start("dialogs", plan.cases)) {
      var waiting = new Waiting(writer);
      source.read(
          about -> {
            dialogs(about, plan, waiting);
            task.step(Long.toString(waiting.count));
          },
          line -> {});
      waiting.flush();
    }
  }

  private void dialogs(Case about, Plan plan, Waiting waiting) {
    long key = Case.draw(seed, about.study(), about.image());
    double place = unit(Case.draw(key, "place"));
    double from = 0;
    for (DialogMix.Share share : mix.tasks()) {
      double begin = from;
      from = (from + share.share()) % 1;
      if (!share.sources().isEmpty() && !share.sources().contains(source.name())) {
        continue;
      }
      DialogTask task = share.of();
      if (task.name().equals(ReportGeneration.NAME) && mix.stratifiedEpochs() > 0) {
        for (int i = plan.reports(about, key); i > 0; i--) {
          dialog(about, share, key, "report " + i, Optional.empty(), waiting);
        }
      } else if (task.name().equals(FindingQuestion.NAME) && mix.switches().balanced()) {
        for (Finding finding : plan.questions(about, key)) {
          dialog(about, share, key, task.name() + finding.label(), Optional.of(finding), waiting);
        }
      } else if (lies(place, begin, share.share())) {
        dialog(about, share, key, task.name(), Optional.empty(), waiting);
      }
    }
  }

  private static boolean lies(double place, double begin, double length) {
    double beyond = place - begin;
    return (beyond < 0 ? beyond + 1 : beyond) < length;
  }

  private static double unit(long hash) {
    return (hash >>> 11) * 0x1.0p-53;
  }

  private void dialog(
      Case about,
      DialogMix.Share share,
      long key,
      String what,
      Optional<Finding> finding,
      Waiting waiting) {
    DialogTask task = share.of();
    var random = new SplittableRandom(Case.draw(key, what));
    boolean afterReport =
        !task.name().equals(ReportGeneration.NAME)
            && (task.ofReport() || random.nextDouble() < share.afterReport());
    var how = new Asking(random, prompts, mix.switches(), afterReport, finding);
    Optional<Request> asked = task.ask(about, how);
    if (asked.isEmpty()) {
      count(leftOut, task.name() + ": not applicable to the case");
      return;
    }
    Request request = asked.get();
    if (request.reply() instanceof Reply.Sought && answers.isEmpty()) {
      count(leftOut, task.name() + ": needs a language model (--answer-model or --endpoint)");
      return;
    }
    Named named = named(about, request, random);
    FindingsList list = named.list();
    boolean says = named.kind() != Kind.NONE;
    var messages = new ArrayList<Message>();
    boolean report = task.name().equals(ReportGeneration.NAME);
    if (afterReport) {
      String first = how.prompt(ReportGeneration.NAME);
      messages.add(human(mix.firstTurn(first, true, false, list, says)));
      messages.add(
          new Message(From.GPT, request.before().map(WrongReport::text).orElse(about.report())));
      messages.add(human(request.text()));
    } else {
      messages.add(human(mix.firstTurn(request.text(), report, true, list, says)));
    }
    waiting.add(new Draft(about, task.name(), named.kind(), messages, request));
  }

  private static Message human(String text) {
    return new Message(From.HUMAN, text);
  }

  private static void count(Map<String, Long> counts, String what) {
    counts.merge(what, 1L, Long::sum);
  }

  private enum Kind {
    TRUE,
    PERTURBED,
    PREDICTED,
    NONE;

    String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private record Named(Kind kind, FindingsList list) {}

  // What the prompt says of the findings; the published layouts name No Finding as well.
  private Named named(Case about, Request request, SplittableRandom random) {
    double drawn = random.nextDouble();
    var shares = mix.findings();
    if (request.before().isPresent()
        && mix.layout() == DialogMix.Layout.OWN
        && drawn < 1 - shares.none()) {
      // A wrong report follows a wrong list.
      WrongReport wrong = request.before().get();
      var listed = EnumSet.noneOf(Finding.class);
      listed.addAll(about.present());
      listed.removeAll(wrong.missing());
      listed.addAll(wrong.added());
      return new Named(Kind.PERTURBED, FindingsList.of(listed));
    }
    var present = EnumSet.noneOf(Finding.class);
    present.addAll(about.in(FindingState.PRESENT));
    Set<Finding> uncertain = mix.switches().uncertain() ? about.uncertain() : Set.of();
    var truth = new FindingsList(present, uncertain);
    if (drawn < shares.truth()) {
      return new Named(Kind.TRUE, truth);
    }
    if (drawn < shares.truth() + shares.perturbed()) {
      // Findings that the data set knows something of: the others would always be wrong.
      List<Finding> known =
          new ArrayList<>(
              Finding.ALL.stream()
                  .filter(finding ->
                      finding != Finding.NO_FINDING
                          && (about.synthetic()
                              ? ReportGrammar.FINDINGS.contains(finding)
                              : finding != Finding.SUPPORT_DEVICES))
                  .toList());
      int changes = 1 + random.nextInt(2);
      for (int i = 0; i < changes; i++) {
        Finding finding = known.remove(random.nextInt(known.size()));
        if (!present.remove(finding)) {
          present.add(finding);
        }
      }
      present.remove(Finding.NO_FINDING);
      if (present.isEmpty()) {
        present.add(Finding.NO_FINDING);
      }
      var open = EnumSet.noneOf(Finding.class);
      open.addAll(uncertain);
      open.removeAll(present);
      return new Named(Kind.PERTURBED, new FindingsList(present, open));
    }
    if (drawn < shares.truth() + shares.perturbed() + shares.predicted()) {
      String name = about.image().substring(about.image().lastIndexOf('/') + 1);
      Set<Finding> seen = predicted.getOrDefault(about.image(), predicted.get(name));
      if (seen == null) {
        throw new RadialogException(
            RadialogException.Kind.BAD_INPUT,
            "%s has no predicted findings: expected a row for every image"
                .formatted(about.image()));
      }
      return new Named(Kind.PREDICTED, FindingsList.of(seen));
    }
    return new Named(Kind.NONE, FindingsList.of(Set.of()));
  }

  /** A dialog whose last answer may not be known yet. */
  private record Draft(
      Case about, String task, Kind findings, List<Message> messages, Request request) {}

  /** Dialogs in the order of the file that wait for an answer of the language model. */
  private final class Waiting {
    private static final int MOST_WAITING = 2048; // dialogs, where few need an answer

    private final DialogFile.Writer writer;
    private final List<Draft> drafts = new ArrayList<>();
    private int sought;
    private long count;

    Waiting(DialogFile.Writer writer) {
      this.writer = writer;
    }

    void add(Draft draft) {
      drafts.add(draft);
      if (draft.request().reply() instanceof Reply.Sought) {
        sought++;
      }
      if (sought == 0
          || sought >= answers.map(Answers::batch).orElse(1)
          || drafts.size() >= MOST_WAITING) {
        flush();
      }
    }

    void flush() {
      var conversations = new ArrayList<List<String>>();
      for (Draft draft : drafts) {
        if (draft.request().reply() instanceof Reply.Sought(List<String> conversation)) {
          conversations.add(conversation);
        }
      }
      List<Optional<String>> given =
          conversations.isEmpty() ? List.of() : answers.orElseThrow().answer(conversations);
      int next = 0;
      for (Draft draft : drafts) {
        switch (draft.request().reply()) {
          case Reply.Known(String text) -> write(draft, text, false);
          case Reply.Sought _ -> {
            Optional<String> answer = given.get(next++);
            if (answer.isEmpty()) {
              count(leftOut, draft.task() + ": unusable answer of the model");
            } else {
              write(draft, answer.get(), true);
            }
          }
        }
      }
      drafts.clear();
      sought = 0;
    }

    private void write(Draft draft, String answer, boolean byModel) {
      if (byModel && mix.switches().supportedOnly() && contradicts(draft, answer)) {
        count(leftOut, draft.task() + ": the answer of the model contradicts the labels");
        return;
      }
      var messages = new ArrayList<>(draft.messages());
      messages.add(new Message(From.GPT, answer));
      writer.write(
          new Entry(List.of(draft.about().image()), messages, Optional.of(known(draft, byModel))));
      count(written, draft.task());
      count++;
    }
  }

  private boolean contradicts(Draft draft, String answer) {
    Case about = draft.about();
    var known = EnumSet.copyOf(Finding.ALL);
    known.remove(Finding.NO_FINDING);
    var list = new FindingsList(about.present(), about.uncertain());
    return !Consistency.ofAnswer(
            AnswerLabels.of(labeler, draft.request().text(), answer), list, known, Optional.empty())
        .holds();
  }

  private Known known(Draft draft, boolean byModel) {
    Case about = draft.about();
    var values = new LinkedHashMap<String, String>();
    values.put(Known.TASK, draft.task());
    values.put(Known.SOURCE, about.source());
    values.put(Known.STUDY, about.study());
    values.put(Known.VIEW, about.view().name());
    values.put(Known.LABEL_SOURCE, about.labelSource());
    values.put(Known.SYNTHETIC, Boolean.toString(about.synthetic()));
    values.put(Known.FINDINGS, draft.findings().word());
    draft
        .request()
        .asked()
        .ifPresent(asked -> {
          values.put(Known.ASKED, asked.finding().label());
          values.put(Known.VERDICT, asked.verdict().name().toLowerCase(Locale.ROOT));
        });
    values.put(Known.ANSWER_BY, byModel ? "model" : about.synthetic() ? "labels" : "report");
    if (byModel) {
      values.put(Known.MODEL, answers.map(Answers::model).orElse(""));
    }
    values.put(Known.SEED, Long.toString(seed));
    values.put(Known.MIX, mix.name());
    values.put(Known.TERMS, source.terms());
    var labels = new LinkedHashMap<String, String>();
    about
        .labels()
        .forEach((finding, state) -> {
          if (state != FindingState.NOT_MENTIONED) {
            labels.put(finding.label(), state.code());
          }
        });
    return new Known(values, labels);
  }

  /** The counts that are needed before the first dialog: strata of reports, and yes and no. */
  private final class Plan {
    // Counts of hashes by their first bits: a threshold in place of a list that would grow.
    private static final int BINS = 1 << 14;

    private long cases;
    private long withFinding;
    private long[] others = new long[1024]; // hashes of the images without a finding
    private int othersCount;
    private long othersUpTo = Long.MIN_VALUE;
    private final Map<Verdict, int[][]> questions = new HashMap<>();
    private final Map<Verdict, int[]> questionsUpTo = new HashMap<>();

    Plan() {
      for (Verdict verdict : Verdict.values()) {
        questions.put(verdict, new int[Finding.COUNT][BINS]);
        questionsUpTo.put(verdict, new int[Finding.COUNT]);
      }
    }

    void count(Case about) {
      cases++;
      long key = Case.draw(seed, about.study(), about.image());
      if (about.hasFinding()) {
        withFinding++;
      } else {
        if (othersCount == others.length) {
          others = Arrays.copyOf(others, 2 * others.length);
        }
        others[othersCount++] = Case.draw(key, "stratum");
      }
      for (Finding finding : Finding.ALL) {
        if (finding != Finding.NO_FINDING) {
          FindingQuestion.verdict(about, finding, mix.switches())
              .ifPresent(verdict ->
                  of(questions, verdict)[finding.column()][
                      bin(Case.draw(key, "ask", finding.label()))]++);
        }
      }
    }

    void decide() {
      // In the original's order of operations, int(n*14/13/14), with its rounding.
      long wanted = (long) (withFinding * mix.stratifiedEpochs() * 14 / 13.0 / 14);
      Arrays.sort(others, 0, othersCount);
      othersUpTo = wanted < othersCount ? others[(int) wanted] : Long.MAX_VALUE;
      others = new long[0];
      double share =
          mix.tasks().stream()
              .filter(task -> task.task().equals(FindingQuestion.NAME))
              .mapToDouble(DialogMix.Share::share)
              .sum();
      long each = each((long) (share * cases));
      for (Finding finding : Finding.ALL) {
        int column = finding.column();
        long both = Math.min(each, balanced(column));
        for (Verdict verdict : Verdict.values()) {
          long most =
              switch (verdict) {
                case YES, NO, UNCERTAIN -> both;
                case NOT_VISIBLE -> both / 4;
              };
          of(questionsUpTo, verdict)[column] = upTo(of(questions, verdict)[column], most);
        }
      }
    }

    // As many questions for each finding as make the wanted number, where the data set has them.
    private long each(long wanted) {
      long low = 0;
      long high = wanted;
      while (low < high) {
        long middle = (low + high + 1) >>> 1;
        long total = 0;
        for (int column = 0; column < Finding.COUNT; column++) {
          total += 2 * Math.min(middle, balanced(column));
        }
        if (total <= wanted) {
          low = middle;
        } else {
          high = middle - 1;
        }
      }
      return low;
    }

    private long balanced(int column) {
      return Math.min(
          Arrays.stream(of(questions, Verdict.YES)[column]).sum(),
          Arrays.stream(of(questions, Verdict.NO)[column]).sum());
    }

    // The first bin that is not wanted any more.
    private static int upTo(int[] counts, long wanted) {
      long sum = 0;
      for (int bin = 0; bin < counts.length; bin++) {
        if (sum >= wanted) {
          return bin;
        }
        sum += counts[bin];
      }
      return counts.length;
    }

    int reports(Case about, long key) {
      if (about.hasFinding()) {
        return mix.stratifiedEpochs();
      }
      return Case.draw(key, "stratum") < othersUpTo ? 1 : 0;
    }

    List<Finding> questions(Case about, long key) {
      var asked = new ArrayList<Finding>();
      for (Finding finding : Finding.ALL) {
        if (finding != Finding.NO_FINDING
            && FindingQuestion.verdict(about, finding, mix.switches())
                .filter(verdict ->
                    bin(Case.draw(key, "ask", finding.label()))
                        < of(questionsUpTo, verdict)[finding.column()])
                .isPresent()) {
          asked.add(finding);
        }
      }
      return asked;
    }

    private static int bin(long hash) {
      return (int) (hash >>> 50); // the first 14 bits
    }

    private static <T> T of(Map<Verdict, T> by, Verdict verdict) {
      T found = by.get(verdict);
      if (found == null) {
        throw new IllegalStateException("no entry for " + verdict);
      }
      return found;
    }
  }
}
