package org.radialog.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Labels;
import org.radialog.clinical.RuleLabeler;
import org.radialog.data.ReportFile;
import org.radialog.data.StudySource;
import org.radialog.metrics.Bleu;
import org.radialog.metrics.Cider;
import org.radialog.metrics.ClinicalEfficacy;
import org.radialog.metrics.Meteor;
import org.radialog.metrics.RougeL;
import org.radialog.metrics.TextPair;
import org.radialog.metrics.TokenizedPairs;
import org.radialog.metrics.WordTokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/** {@code radialog bench text}: measures how fast reports are labelled and scored. */
@Command(
    name = "text",
    description = {
      "Measures the labeler and the text metrics. The reports of FILE are repeated"
          + " up to --count; each is scored against the next one."
    },
    mixinStandardHelpOptions = true)
final class BenchTextCommand implements Callable<Integer> {
  private static final int BATCH = 4096;

  @Option(
      names = "--reports",
      required = true,
      paramLabel = "FILE",
      description =
          "A data set with reports, or a file with one report per line, CSV, JSONL or"
              + " ReXrank JSON.")
  private Path file = Path.of("");

  @Option(
      names = "--count",
      paramLabel = "N",
      defaultValue = "1000000",
      description = "Number of reports to label (default: ${DEFAULT-VALUE}).")
  private int count;

  @Option(
      names = "--pairs",
      paramLabel = "N",
      defaultValue = "4000",
      description = "Number of pairs of reports to score (default: ${DEFAULT-VALUE}).")
  private int pairs;

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Override
  public Integer call() {
    List<String> reports = reports();
    if (reports.size() < 2 || count < 1 || pairs < 1) {
      throw new RadialogException(
          "%s has %d reports with text; expected at least 2, and --count and --pairs of 1 or more"
              .formatted(file, reports.size()));
    }
    ObjectNode root = Json.object();
    root.put("threads", Runtime.getRuntime().availableProcessors());
    root.put("reports", reports.size());
    ObjectNode labels = root.putObject("labels");
    label(reports, labels);
    ObjectNode words = root.putObject("bleu_rouge_cider");
    words.put("pairs", pairs);
    List<TextPair> scored = pairs(reports);
    words.put("first_seconds", Json.rounded(words(scored)));
    double best = Double.POSITIVE_INFINITY;
    for (int round = 0; round < 3; round++) {
      best = Math.min(best, words(scored));
    }
    words.put("seconds", Json.rounded(best));
    // WordNet is loaded in the first round.
    words = root.putObject("meteor_without_data");
    words.put("pairs", pairs);
    words.put("first_seconds", Json.rounded(meteor(scored)));
    words.put("seconds", Json.rounded(meteor(scored)));
    if (json) {
      Terminal.data().println(root);
    } else {
      root.forEachEntry((name, value) -> System.out.printf(Locale.ROOT, "%-18s %s%n", name, value));
    }
    return Main.DONE;
  }

  private List<String> reports() {
    List<String> reports = new ArrayList<>();
    String name = file.toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".tgz") || name.endsWith(".tar.gz") || file.toFile().isDirectory()) {
      StudySource.open(file, Optional.empty())
          .read(
              study -> {
                String text =
                    (study.report().findings() + " " + study.report().impression()).strip();
                if (!text.isEmpty()) {
                  reports.add(text);
                }
              },
              rejected -> Terminal.say(rejected.toString()));
    } else {
      ReportFile.readAll(file, List.of("report"))
          .values()
          .forEach(texts -> reports.add(texts.getFirst()));
    }
    return reports;
  }

  // The first tenth is not timed, because the compiler is active.
  private void label(List<String> reports, ObjectNode result) {
    RuleLabeler labeler = new RuleLabeler();
    ClinicalEfficacy.Builder efficacy = new ClinicalEfficacy.Builder();
    int warm = count / 10;
    long begun = System.nanoTime();
    long heapBefore = -1;
    int done = 0;
    try (Progress.Task task = Terminal.progress().start("labels", (count + BATCH - 1) / BATCH)) {
      while (done < count) {
        int from = done;
        List<Labels> batch =
            reports(reports, from, Math.min(BATCH, count - from)).parallelStream()
                .map(labeler::label)
                .toList();
        for (int i = 0; i + 1 < batch.size(); i++) {
          efficacy.add(batch.get(i), batch.get(i + 1));
        }
        done += batch.size();
        if (heapBefore < 0 && done >= warm) {
          heapBefore = heap();
          warm = done;
          begun = System.nanoTime();
        }
        task.step("");
      }
    }
    double seconds = (System.nanoTime() - begun) / 1e9;
    result.put("labeled", count);
    result.put("reports_per_second", Math.round((count - warm) / seconds));
    result.put("heap_mb_after_a_tenth", heapBefore);
    result.put("heap_mb_at_the_end", heap());
    long scoring = System.nanoTime();
    ClinicalEfficacy built = efficacy.build();
    built.scores();
    result.put("efficacy_pairs", built.items());
    result.put("efficacy_seconds", Json.rounded((System.nanoTime() - scoring) / 1e9));
  }

  private static List<String> reports(List<String> reports, int from, int count) {
    List<String> batch = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      batch.add(reports.get((from + i) % reports.size()));
    }
    return batch;
  }

  // Live objects only: the garbage is collected first.
  private static long heap() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return (runtime.totalMemory() - runtime.freeMemory()) >> 20;
  }

  private List<TextPair> pairs(List<String> reports) {
    List<TextPair> all = new ArrayList<>();
    for (int i = 0; i < pairs; i++) {
      all.add(
          new TextPair(
              Integer.toString(i),
              List.of(reports.get(i % reports.size())),
              reports.get((i + 1) % reports.size())));
    }
    return all;
  }

  // Includes tokenising.
  private static double words(List<TextPair> pairs) {
    long begun = System.nanoTime();
    TokenizedPairs tokenized = TokenizedPairs.of(pairs, WordTokenizer.NLTK);
    Bleu.of(tokenized);
    RougeL.of(tokenized);
    Cider.of(tokenized);
    return (System.nanoTime() - begun) / 1e9;
  }

  private static double meteor(List<TextPair> pairs) {
    long begun = System.nanoTime();
    Meteor.withoutData().of(TokenizedPairs.of(pairs, WordTokenizer.NLTK));
    return (System.nanoTime() - begun) / 1e9;
  }
}
