package org.radialog.instruct;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.radialog.clinical.AnswerLabels;
import org.radialog.clinical.Consistency;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.Labels;
import org.radialog.clinical.RuleLabeler;
import org.radialog.instruct.DialogFile.Entry;
import org.radialog.instruct.DialogFile.From;
import org.radialog.instruct.DialogFile.Known;
import org.radialog.instruct.DialogFile.Message;

/**
 * A description of a file of dialogs: counts by task, source and label, the balance of yes and no,
 * and the answers that contradict the labels according to the labeler. In files without our fields,
 * tasks are recognised by the published wordings, and labels are read from the report that a dialog
 * begins with.
 */
public final class DataCard {
  private static final int EXAMPLES = 3;
  private static final int LONGEST_EXAMPLE = 300; // characters
  private static final String UNKNOWN = "unknown";
  private static final Pattern YES_OR_NO = Pattern.compile("(?i)\\W*(yes|no)\\b.*", Pattern.DOTALL);

  /**
   * An answer that does not fit its labels.
   *
   * @param number of the dialog in its file, from 1
   * @param kind as {@link Consistency.Kind#code} names it
   */
  public record Example(long number, String task, String kind, String finding, String answer) {}

  private final RuleLabeler labeler;
  private final Map<Pattern, String> wordings = new LinkedHashMap<>();
  private final Map<String, Long> tasks = new TreeMap<>();
  private final Map<String, Long> sources = new TreeMap<>();
  private final Map<String, Long> findings = new TreeMap<>();
  private final Map<String, Long> writers = new TreeMap<>();
  private final Map<String, Long> views = new TreeMap<>();
  private final Map<String, Long> terms = new TreeMap<>();
  private final Map<String, Long> mixes = new TreeMap<>();
  private final Map<Finding, Map<FindingState, Long>> labels = new EnumMap<>(Finding.class);
  private final Map<Finding, Map<String, Long>> verdicts = new EnumMap<>(Finding.class);
  private final Map<String, Long> kinds = new TreeMap<>();
  private final Map<String, List<Example>> examples = new TreeMap<>();
  private long dialogs;
  private long turns;
  private long words;
  private long synthetic;
  private long checked;
  private long contradicting;
  private long comparing;

  /** An empty card. */
  public DataCard(RuleLabeler labeler) {
    this.labeler = labeler;
    DialogMix.published("published")
        .forEach((key, list) ->
            list.forEach(wording ->
                wordings.put(
                    Pattern.compile(
                        Pattern.quote(wording).replaceAll("<(?:X|x|add|rem)>", "\\\\E.+\\\\Q")),
                    key.contains(".") ? key.substring(0, key.indexOf('.')) : key)));
  }

  /** Adds the next dialog of the file. */
  public void add(Entry entry) {
    dialogs++;
    Known known = entry.known().orElse(new Known(Map.of(), Map.of()));
    String task = known.value(Known.TASK).isEmpty() ? told(entry) : known.value(Known.TASK);
    count(tasks, task);
    count(sources, or(known.value(Known.SOURCE), UNKNOWN));
    count(findings, or(known.value(Known.FINDINGS), UNKNOWN));
    String by = or(known.value(Known.ANSWER_BY), UNKNOWN);
    String model = known.value(Known.MODEL);
    count(writers, model.isEmpty() ? by : by + " " + model);
    count(views, or(known.value(Known.VIEW), UNKNOWN));
    if (!known.value(Known.TERMS).isEmpty()) {
      count(terms, known.value(Known.TERMS));
    }
    if (!known.value(Known.MIX).isEmpty()) {
      count(mixes, known.value(Known.MIX) + ", seed " + known.value(Known.SEED));
    }
    synthetic += known.value(Known.SYNTHETIC).equals("true") ? 1 : 0;
    for (Message message : entry.messages()) {
      if (message.from() == From.GPT) {
        turns++;
        words += message.value().isBlank() ? 0 : message.value().strip().split("\\s+").length;
      }
    }
    Map<Finding, FindingState> states = states(entry, known);
    states.forEach((finding, state) ->
        labels
            .computeIfAbsent(finding, f -> new EnumMap<>(FindingState.class))
            .merge(state, 1L, Long::sum));
    asked(entry, known, task)
        .ifPresent(asked ->
            count(
                verdicts.computeIfAbsent(asked.getKey(), f -> new TreeMap<>()), asked.getValue()));
    Message last = entry.messages().getLast();
    if (last.from() == From.GPT && entry.messages().size() >= 2) {
      check(entry.messages().get(entry.messages().size() - 2), last, task, states);
    }
  }

  private void check(
      Message request, Message answer, String task, Map<Finding, FindingState> states) {
    if (!labeler.comparisons(answer.value()).isEmpty()) {
      comparing++;
    }
    if (states.isEmpty()) {
      return;
    }
    checked++;
    var present = EnumSet.noneOf(Finding.class);
    var uncertain = EnumSet.noneOf(Finding.class);
    var assessed = EnumSet.allOf(Finding.class);
    assessed.remove(Finding.NO_FINDING);
    states.forEach((finding, state) -> {
      if (state == FindingState.PRESENT || state == FindingState.UNCERTAIN) {
        (state == FindingState.PRESENT ? present : uncertain).add(finding);
        // What it is a kind of is there as well, whether or not the label says so.
        for (Finding up : finding.ancestors()) {
          if (!states.containsKey(up)) {
            assessed.remove(up);
          }
        }
      }
    });
    // Findings that the prompt names are on lines of their own before it.
    String question = request.value().substring(request.value().lastIndexOf('\n') + 1);
    Consistency consistency =
        Consistency.ofAnswer(
            AnswerLabels.of(labeler, question, answer.value()),
            new FindingsList(present, uncertain),
            assessed,
            Optional.empty());
    if (!consistency.warnings().isEmpty()) {
      contradicting++;
    }
    for (Consistency.Warning warning : consistency.warnings()) {
      count(kinds, warning.kind().code());
      List<Example> some =
          examples.computeIfAbsent(warning.kind().code(), kind -> new ArrayList<>());
      if (some.size() < EXAMPLES) {
        some.add(
            new Example(
                dialogs,
                task,
                warning.kind().code(),
                warning.finding().map(Finding::label).orElse(""),
                shortened(answer.value())));
      }
    }
  }

  private static String shortened(String text) {
    return text.length() <= LONGEST_EXAMPLE ? text : text.substring(0, LONGEST_EXAMPLE) + "…";
  }

  private static String or(String text, String other) {
    return text.isEmpty() ? other : text;
  }

  private static void count(Map<String, Long> counts, String what) {
    counts.merge(what, 1L, Long::sum);
  }

  private Map<Finding, FindingState> states(Entry entry, Known known) {
    var states = new EnumMap<Finding, FindingState>(Finding.class);
    if (!known.labels().isEmpty()) {
      for (Finding finding : Finding.ALL) {
        switch (known.labels().getOrDefault(finding.label(), "")) {
          case "1" -> states.put(finding, FindingState.PRESENT);
          case "0" -> states.put(finding, FindingState.ABSENT);
          case "-1" -> states.put(finding, FindingState.UNCERTAIN);
          default -> {
            // not mentioned
          }
        }
      }
    } else if (entry.messages().size() > 2 && isReportRequest(entry.messages().getFirst())) {
      Labels report = labeler.label(entry.messages().get(1).value());
      for (Finding finding : Finding.ALL) {
        if (report.state(finding) != FindingState.NOT_MENTIONED) {
          states.put(finding, report.state(finding));
        }
      }
    }
    return states;
  }

  private static boolean isReportRequest(Message message) {
    return message.value().contains("write the finding section of a chest x-ray radiology report");
  }

  private String told(Entry entry) {
    List<String> requests =
        entry.messages().stream()
            .filter(message -> message.from() == From.HUMAN)
            .map(message -> message.value().replaceFirst("^<image>\\s*", "").strip())
            .toList();
    if (requests.size() == 1 && isReportRequest(entry.messages().getFirst())) {
      return ReportGeneration.NAME;
    }
    String last = requests.getLast();
    return wordings.entrySet().stream()
        .filter(wording -> wording.getKey().matcher(last).matches())
        .map(Map.Entry::getValue)
        .findFirst()
        .orElse(UNKNOWN);
  }

  private static Optional<Map.Entry<Finding, String>> asked(Entry entry, Known known, String task) {
    if (!known.value(Known.ASKED).isEmpty()) {
      return Finding.ALL.stream()
          .filter(finding -> finding.label().equals(known.value(Known.ASKED)))
          .findFirst()
          .map(finding -> Map.entry(finding, known.value(Known.VERDICT)));
    }
    if (!task.equals(FindingQuestion.NAME) || entry.messages().size() < 2) {
      return Optional.empty();
    }
    String question = entry.messages().get(entry.messages().size() - 2).value();
    var answer = YES_OR_NO.matcher(entry.messages().getLast().value());
    return answer.matches()
        ? Finding.ALL.stream()
            .filter(finding ->
                question
                    .toLowerCase(Locale.ROOT)
                    .contains(finding.label().toLowerCase(Locale.ROOT)))
            .findFirst()
            .map(finding -> Map.entry(finding, answer.group(1).toLowerCase(Locale.ROOT)))
        : Optional.empty();
  }

  /** Answers that do not fit their labels, a few of each kind. */
  public List<Example> contradictions() {
    return examples.values().stream().flatMap(List::stream).toList();
  }

  /** All of it as maps, lists, texts and numbers, for JSON. */
  public SequencedMap<String, Object> values() {
    var all = new LinkedHashMap<String, Object>();
    all.put("dialogs", dialogs);
    all.put("answers", turns);
    all.put("words_per_answer", turns == 0 ? 0.0 : Math.round(10.0 * words / turns) / 10.0);
    all.put("synthetic", synthetic);
    all.put("tasks", tasks);
    all.put("sources", sources);
    all.put("terms", terms);
    all.put("mixes", mixes);
    all.put("views", views);
    all.put("findings_in_prompt", findings);
    all.put("last_answer_by", writers);
    var byLabel = new LinkedHashMap<String, Object>();
    var balance = new LinkedHashMap<String, Object>();
    for (Finding finding : Finding.ALL) {
      Map<FindingState, Long> states = labels.getOrDefault(finding, Map.of());
      if (!states.isEmpty()) {
        var row = new LinkedHashMap<String, Object>();
        for (FindingState state :
            List.of(FindingState.PRESENT, FindingState.UNCERTAIN, FindingState.ABSENT)) {
          row.put(state.name().toLowerCase(Locale.ROOT), states.getOrDefault(state, 0L));
        }
        byLabel.put(finding.label(), row);
      }
      Map<String, Long> answers = verdicts.getOrDefault(finding, Map.of());
      if (!answers.isEmpty()) {
        balance.put(finding.label(), balance(answers));
      }
    }
    all.put("labels", byLabel);
    all.put("questions", balance);
    var against = new LinkedHashMap<String, Object>();
    against.put("checked", checked);
    against.put("contradicting", contradicting);
    against.put("share", checked == 0 ? 0.0 : contradicting / (double) checked);
    against.put("kinds", kinds);
    against.put("examples", contradictions());
    all.put("contradictions", against);
    all.put("comparing_answers", comparing);
    return all;
  }

  private static Map<String, Object> balance(Map<String, Long> answers) {
    var row = new LinkedHashMap<String, Object>(answers);
    long yes = answers.getOrDefault("yes", 0L);
    long no = answers.getOrDefault("no", 0L);
    if (yes + no > 0) {
      row.put("yes_share", Math.round(1000.0 * yes / (yes + no)) / 1000.0);
    }
    return row;
  }

  /**
   * The card as a document.
   *
   * @param title its heading, for example the file's name
   */
  public String markdown(String title) {
    var text = new StringBuilder("# Instruct data: " + title + "\n\n");
    text.append(
        "%d dialogs, %d answers of %.1f words on average; %d dialogs (%s) are synthetic: their texts were%n"
            .formatted(
                dialogs,
                turns,
                turns == 0 ? 0 : words / (double) turns,
                synthetic,
                share(synthetic, dialogs)));
    text.append("made from labels, and no person wrote them.\n");
    section(text, "Tasks", "task", tasks);
    section(text, "Sources", "source", sources);
    section(text, "Terms of use", "terms", terms);
    section(text, "Mix and seed", "mix", mixes);
    section(text, "Views", "view", views);
    section(text, "Findings in the prompt", "findings", findings);
    section(text, "Who wrote the last answer", "writer", writers);
    text.append("\n## Labels\n\n| finding | present | uncertain | absent |\n|---|---|---|---|\n");
    labels.forEach((finding, states) ->
        text.append(
            "| %s | %d | %d | %d |%n"
                .formatted(
                    finding.label(),
                    states.getOrDefault(FindingState.PRESENT, 0L),
                    states.getOrDefault(FindingState.UNCERTAIN, 0L),
                    states.getOrDefault(FindingState.ABSENT, 0L))));
    text.append("\n## Questions for one finding\n\n");
    text.append("| finding | yes | no | uncertain | not visible | yes of yes and no |\n");
    text.append("|---|---|---|---|---|---|\n");
    verdicts.forEach((finding, answers) -> {
      long yes = answers.getOrDefault("yes", 0L);
      long no = answers.getOrDefault("no", 0L);
      text.append(
          "| %s | %d | %d | %d | %d | %s |%n"
              .formatted(
                  finding.label(),
                  yes,
                  no,
                  answers.getOrDefault("uncertain", 0L),
                  answers.getOrDefault("not_visible", 0L),
                  share(yes, yes + no)));
    });
    text.append("\n## Answers against their labels\n\n");
    text.append(
        "Of %d last answers that the rule labeler read beside their labels, %d (%s) contradict them;%n"
            .formatted(checked, contradicting, share(contradicting, checked)));
    text.append("%d compare with an earlier film.%n".formatted(comparing));
    kinds.forEach((kind, count) -> {
      text.append("%n### %s: %d%n%n".formatted(kind.replace('_', ' '), count));
      for (Example example : examples.getOrDefault(kind, List.of())) {
        text.append(
            "- dialog %d (%s), %s: %s%n"
                .formatted(
                    example.number(),
                    example.task(),
                    example.finding(),
                    example.answer().lines().collect(Collectors.joining(" "))));
      }
    });
    return text.toString();
  }

  private static void section(
      StringBuilder text, String heading, String column, Map<String, Long> counts) {
    if (counts.isEmpty()) {
      return;
    }
    long all = counts.values().stream().mapToLong(Long::longValue).sum();
    text.append("\n## %s\n\n| %s | dialogs | share |\n|---|---|---|\n".formatted(heading, column));
    counts.forEach((what, count) ->
        text.append(
            "| %s | %d | %s |%n".formatted(what.replace("|", "\\|"), count, share(count, all))));
  }

  private static String share(long part, long whole) {
    return whole == 0 ? "–" : String.format(Locale.ROOT, "%.1f %%", 100.0 * part / whole);
  }

  /**
   * Dialogs of a file as they stand there, drawn from a seed and from every task alike, for people
   * to read.
   */
  public static final class Samples {
    private final int count;
    private final long seed;
    private final Map<String, TreeMap<Long, Entry>> drawn = new TreeMap<>();
    private long number;

    /** Draws {@code count} of them. */
    public Samples(int count, long seed) {
      this.count = count;
      this.seed = seed;
    }

    /** Adds the next dialog of the file. */
    public void add(Entry entry) {
      number++;
      String task = entry.known().map(known -> known.value(Known.TASK)).orElse(UNKNOWN);
      TreeMap<Long, Entry> some = drawn.computeIfAbsent(task, t -> new TreeMap<>());
      some.put(Case.draw(seed, Long.toString(number)), entry);
      if (some.size() > count) {
        some.pollLastEntry();
      }
    }

    /** The dialogs as a document, task by task. */
    public String markdown(String title) {
      var text = new StringBuilder("# %d dialogs of %s\n".formatted(count, title));
      int tasks = 0;
      for (var task : drawn.entrySet()) {
        int own = count / drawn.size() + (tasks < count % drawn.size() ? 1 : 0);
        tasks++;
        text.append("\n## ").append(task.getKey()).append('\n');
        task.getValue().values().stream().limit(own).forEach(entry -> add(text, entry));
      }
      return text.toString();
    }

    private static void add(StringBuilder text, Entry entry) {
      Known known = entry.known().orElse(new Known(Map.of(), Map.of()));
      text.append("\n`").append(String.join("`, `", entry.images())).append('`');
      List<String> present =
          known.labels().entrySet().stream()
              .filter(label -> !label.getValue().equals("0"))
              .map(label -> (label.getValue().equals("1") ? "" : "possible ") + label.getKey())
              .toList();
      if (!present.isEmpty()) {
        text.append(": ").append(String.join(", ", present));
      }
      if (!known.value(Known.FINDINGS).isEmpty()) {
        text.append("; findings in the prompt: ").append(known.value(Known.FINDINGS));
      }
      text.append("\n\n");
      for (Message message : entry.messages()) {
        text.append(message.from() == From.HUMAN ? "> **USER** " : "> **ASSISTANT** ")
            .append(message.value().replace("<", "&lt;").replace("\n", "  \n> "))
            .append("\n>\n");
      }
    }
  }
}
