package org.radialog.cli;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SequencedMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.radialog.base.Printable;
import org.radialog.eval.Evaluation;
import org.radialog.eval.ReportScores;
import org.radialog.eval.ResultFolder;
import org.radialog.eval.Scoring;
import org.radialog.eval.SystemScores;
import org.radialog.metrics.BertScore;
import org.radialog.metrics.Bootstrap;
import org.radialog.metrics.ClinicalMetric;
import org.radialog.metrics.Meteor;
import org.radialog.metrics.PairedTest;
import org.radialog.metrics.TextMetric;
import org.radialog.metrics.WordTokenizer;
import org.radialog.paper.PaperTable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/** How reports are scored, and where the scores are written. */
final class ScoringOptions {
  @Option(
      names = "--section",
      paramLabel = "FIELD",
      split = ",",
      defaultValue = "section_findings,report",
      description =
          "For ReXrank JSON: uses the first of these fields that a study has (default:"
              + " ${DEFAULT-VALUE}).")
  private List<String> sections = List.of();

  @Option(
      names = "--tokenizer",
      paramLabel = "T",
      defaultValue = "nltk",
      description =
          "Tokenizer of the text metrics: nltk, ptb or whitespace (default:"
              + " ${DEFAULT-VALUE}).")
  private WordTokenizer tokenizer = WordTokenizer.NLTK;

  @Option(
      names = "--meteor-data",
      paramLabel = "DIR",
      description =
          "The data files of METEOR, or the Python package pycocoevalcap; without them"
              + " METEOR is left out.")
  private @Nullable Path meteorData;

  @Option(
      names = "--bert",
      paramLabel = "DIR",
      description =
          "Folder of the BERT or RoBERTa for BERTScore; without it BERTScore is left out.")
  private @Nullable Path bert;

  @Option(
      names = "--bert-layer",
      paramLabel = "N",
      converter = Numeric.Layer.class,
      description =
          "The layer whose vectors are compared (default: the one that bert-score"
              + " recommends for the network).")
  private @Nullable Integer bertLayer;

  @Option(names = "--bert-idf", description = "Weights tokens by inverse document frequency.")
  private boolean idf;

  @Option(
      names = "--bert-baseline",
      paramLabel = "FILE",
      description = "Rescales BERTScore with this baseline file of bert-score for the network.")
  private @Nullable Path bertBaseline;

  @Mixin private LabelerOptions labeler = new LabelerOptions();

  @Option(
      names = "--resamples",
      paramLabel = "N",
      defaultValue = "1000",
      converter = Numeric.Resamples.class,
      description = "Number of bootstrap resamples (default: ${DEFAULT-VALUE}).")
  private int resamples;

  @Option(
      names = "--bootstrap-seed",
      paramLabel = "N",
      defaultValue = "1",
      description =
          "Seed of the bootstrap; the same seed gives the same intervals (default:"
              + " ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Writes scores.json, table.md, report.html and plots/ to this folder.")
  private @Nullable Path out;

  @Option(names = "--png", description = "Writes plots as PNG in addition to SVG.")
  private boolean png;

  @Option(names = "--json", description = "Prints one JSON object instead of a table.")
  private boolean json;

  @Option(
      names = "--paper-table",
      description =
          "Prints the main table of the paper: the evaluated systems, followed by the rows that"
              + " the paper quotes.")
  private boolean paperTable;

  @Option(
      names = "--quoted",
      paramLabel = "FILE",
      arity = "1..*",
      description = {
        "For --paper-table: CSV files with further published rows and the columns method,"
            + " test_set, CE, BERTScore, BLEU-1, BLEU-4, METEOR, ROUGE-L, note and source."
      })
  private List<Path> quoted = List.of();

  /** The opened resources for scoring. */
  record Opened(Scoring scoring, LabelerOptions.Opened labeler) implements AutoCloseable {
    @Override
    public void close() {
      scoring.textMetrics().forEach(TextMetric::close);
      labeler.close();
    }
  }

  Optional<Path> out() {
    return Optional.ofNullable(out);
  }

  LabelerOptions labeler() {
    return labeler;
  }

  List<String> sections() {
    return sections;
  }

  boolean json() {
    return json;
  }

  /** Opens the resources for scoring. */
  Opened open() {
    List<TextMetric> metrics =
        TextMetric.standard(
            new TextMetric.Data(
                Optional.ofNullable(meteorData),
                Optional.ofNullable(bert)
                    .map(folder ->
                        new BertScore.Network(
                            folder,
                            new BertScore.Settings(
                                bertLayer == null ? OptionalInt.empty() : OptionalInt.of(bertLayer),
                                idf,
                                Optional.ofNullable(bertBaseline))))));
    LabelerOptions.Opened opened = labeler.open();
    SequencedMap<String, Object> described = new LinkedHashMap<>();
    described.put("tokenizer", tokenizer.name().toLowerCase(Locale.ROOT));
    described.put("labeler", opened.name());
    described.put("resamples", resamples);
    described.put("bootstrap_seed", seed);
    metrics.forEach(metric -> described.putAll(metric.settings()));
    described.put("radialog_version", Build.version());
    return new Opened(
        new Scoring(
            tokenizer,
            metrics,
            ClinicalMetric.standard(),
            opened::label,
            new PairedTest(new Bootstrap(resamples, seed), PairedTest.DEFAULT.shuffles()),
            described,
            Terminal.progress()),
        opened);
  }

  /** Writes the result to the requested places and prints it. */
  void deliver(Evaluation evaluation) {
    for (SystemScores system : evaluation.systems()) {
      system.marks().stream()
          .filter(mark -> mark.startsWith(ReportScores.EMPTY) || mark.startsWith(Meteor.CUT))
          .forEach(mark -> Terminal.say(Printable.of(system.name()) + ", " + mark));
    }
    if (out != null) {
      Set<ResultFolder.PlotFormat> formats = EnumSet.of(ResultFolder.PlotFormat.SVG);
      if (png) {
        formats.add(ResultFolder.PlotFormat.PNG);
      }
      ResultFolder.write(out, evaluation, formats);
    }
    if (json) {
      ObjectNode root = (ObjectNode) ResultFolder.json(evaluation);
      Terminal.data().println(root);
    } else if (paperTable) {
      System.out.print(PaperTable.markdown(evaluation, quoted));
    } else {
      System.out.print(ResultFolder.markdown(evaluation));
    }
    if (out != null) {
      Terminal.say("wrote scores.json, table.md, report.html and plots/ to " + out);
    }
  }
}
