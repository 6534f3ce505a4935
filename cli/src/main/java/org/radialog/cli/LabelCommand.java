package org.radialog.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.radialog.base.CsvLine;
import org.radialog.base.Printable;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.Labels;
import org.radialog.data.ReportFile;
import org.radialog.data.ReportFile.Broken;
import org.radialog.data.ReportFile.Reports;
import org.radialog.wire.Notice;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code radialog label FILE}: extracts the 14 findings from reports. */
@Command(
    name = "label",
    description = {
      "Extracts the 14 CheXpert labels from reports: present, absent, uncertain or"
          + " not mentioned.",
      "FILE has one report per line, or is CSV or TSV with the columns id and"
          + " report, JSONL with id and report, or ReXrank JSON. The file name determines"
          + " the format; .gz files are unpacked."
    },
    mixinStandardHelpOptions = true)
final class LabelCommand implements Callable<Integer> {
  // Number of reports labelled at once: enough for all cores, but few enough to bound the memory.
  private static final int BATCH = 1024;
  private static final int BATCH_CHARACTERS = 2 << 20;

  // A report without a full stop is one sentence, so only this many characters are shown on either
  // side of the words.
  private static final int SENTENCE_SIDE = 500;

  @Parameters(paramLabel = "FILE", description = "Reports.")
  private Path file = Path.of("");

  /** One of two. */
  private static final class Output {
    @Option(
        names = "--csv",
        description =
            "Prints a table with id and the 14 labels as 1, 0, -1 or empty (the default).")
    private boolean csv;

    @Option(
        names = "--json",
        description = "Prints one object per report, with the words that support each label.")
    private boolean json;
  }

  @ArgGroup private @Nullable Output output;

  @Mixin private LabelerOptions labeler = new LabelerOptions();

  @Option(
      names = "--section",
      paramLabel = "FIELD",
      split = ",",
      defaultValue = "model_prediction,report",
      description =
          "For ReXrank JSON: uses the first of these fields that a study has (default:"
              + " ${DEFAULT-VALUE}).")
  private List<String> sections = List.of();

  @Override
  public Integer call() {
    int code = Main.DONE;
    boolean json = output != null && output.json && !output.csv;
    try (LabelerOptions.Opened opened = labeler.open();
        ReportFile reports = ReportFile.open(file, sections)) {
      if (!json) {
        List<Object> header = new ArrayList<>(List.of("id"));
        Finding.ALL.forEach(finding -> header.add(finding.label()));
        Terminal.data().println(CsvLine.of(header));
      }
      List<Reports> batch = new ArrayList<>();
      long characters = 0;
      while (reports.hasNext()) {
        switch (reports.next()) {
          case Reports row -> {
            batch.add(row);
            characters += row.texts().getFirst().length();
          }
          case Broken(long number, String reason) -> {
            Terminal.say(
                "%s, row %d: %s".formatted(Printable.escaped(file.toString()), number, reason));
            code = Main.SOME_FAILED;
          }
        }
        if (batch.size() == BATCH || characters > BATCH_CHARACTERS || !reports.hasNext()) {
          print(batch, opened, json);
          batch.clear();
          characters = 0;
        }
      }
    }
    Terminal.say(Notice.RESEARCH_USE);
    return code;
  }

  private static void print(List<Reports> batch, LabelerOptions.Opened opened, boolean json) {
    List<String> texts = batch.stream().map(row -> row.texts().getFirst()).toList();
    List<Labels> labels = opened.label(texts);
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < texts.size(); i++) {
      String id = batch.get(i).id();
      lines.append(json ? object(id, texts.get(i), labels.get(i)) : row(id, labels.get(i)));
      lines.append('\n');
      if (lines.length() > BATCH_CHARACTERS) {
        Terminal.data().print(lines);
        lines.setLength(0);
      }
    }
    Terminal.data().print(lines);
  }

  private static String row(String id, Labels labels) {
    List<Object> cells = new ArrayList<>(List.of(id));
    Finding.ALL.forEach(finding -> cells.add(labels.state(finding).code()));
    return CsvLine.of(cells);
  }

  private static ObjectNode object(String id, String text, Labels labels) {
    ObjectNode root = Json.object().put("id", id);
    ObjectNode all = root.putObject("labels");
    for (Finding finding : Finding.ALL) {
      if (labels.state(finding) == FindingState.NOT_MENTIONED) {
        continue;
      }
      ObjectNode one = all.putObject(finding.label());
      one.put("state", labels.state(finding).name().toLowerCase(Locale.ROOT));
      ArrayNode where = one.putArray("where");
      for (Labels.Passage passage : labels.entry(finding).passages()) {
        where
            .addObject()
            .put("start", passage.words().start())
            .put("end", passage.words().end())
            .put("words", passage.words().of(text))
            .put("sentence", sentence(passage, text));
      }
    }
    return root;
  }

  private static String sentence(Labels.Passage passage, String text) {
    int begin = Math.max(passage.sentence().start(), passage.words().start() - SENTENCE_SIDE);
    int end = Math.min(passage.sentence().end(), passage.words().end() + SENTENCE_SIDE);
    begin += begin > 0 && Character.isLowSurrogate(text.charAt(begin)) ? 1 : 0;
    end -= end < text.length() && Character.isLowSurrogate(text.charAt(end)) ? 1 : 0;
    return text.substring(begin, end);
  }
}
